//! Files that can be made again: compiled kernels, choices of algorithms. Knows no content.

use std::path::{Path, PathBuf};

use crate::error::CudaError;
use crate::library::places::cache_of;

/// The folder of this user's files; `None` where the environment names no home.
pub(crate) fn of_user() -> Option<PathBuf> {
    cache_of(&|name| std::env::var_os(name).filter(|value| !value.is_empty()))
}

/// Writes a file so that whoever reads it meanwhile sees the old one or the new one, whole.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), CudaError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(CudaError::file(folder))?;
    // By process: another's is not written over. One that a killed process left is used again by its successor.
    let temporary = path.with_extension(format!("{}.part", std::process::id()));
    std::fs::write(&temporary, bytes).map_err(CudaError::file(&temporary))?;
    std::fs::rename(&temporary, path).map_err(CudaError::file(path))
}

/// A file's name made of any text.
pub(crate) fn file_name(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' }).collect()
}

/// A name for content: the first half of its SHA-256, in hexadecimal digits.
pub(crate) fn digest<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    use sha2::{Digest, Sha256};
    let mut hash = Sha256::new();
    for part in parts {
        // With its length: parts that are cut elsewhere are other content.
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize()[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_appears_whole_with_its_folders() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a/b/c.txt");
        for text in ["first", "second"] {
            write_whole(&file, text.as_bytes()).unwrap();
            assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
        }
        assert_eq!(std::fs::read_dir(folder.path().join("a/b")).unwrap().count(), 1);
    }

    #[test]
    fn names_are_plain_and_digests_know_their_parts() {
        assert_eq!(file_name("NVIDIA H200/NVL"), "NVIDIA-H200-NVL");
        assert_ne!(digest([b"ab".as_slice(), b"c"]), digest([b"a".as_slice(), b"bc"]));
        assert_eq!(digest([b"ab".as_slice()]).len(), 32);
    }
}
