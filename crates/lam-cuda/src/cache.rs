//! Files that can be made again: compiled kernels, choices of algorithms. Knows no content.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

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
    let mut part = part_of(path).map_err(CudaError::file(path))?;
    part.write_all(bytes).map_err(CudaError::file(part.path()))?;
    part.persist(path).map(drop).map_err(|refused| CudaError::file(path)(refused.error))
}

/// A file beside its place, under a name that nobody else has: not another thread, nor a process that bears the same
/// number in another container. It goes again unless it is put there.
pub(crate) fn part_of(path: &Path) -> io::Result<NamedTempFile> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let (prefix, mut builder) = (format!("{name}."), tempfile::Builder::new());
    builder.prefix(&prefix).suffix(".part");
    // As other new files, as far as the umask lets it: whoever shares the folder reads it.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(path.parent().unwrap_or(Path::new(".")))
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
    fn threads_that_write_one_file_do_not_meet() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("kernel.cubin");
        let texts: Vec<String> = (1..=8).map(|number| number.to_string().repeat(1000 * number)).collect();
        std::thread::scope(|scope| {
            for text in &texts {
                scope.spawn(|| (0..40).for_each(|_| write_whole(&file, text.as_bytes()).unwrap()));
            }
        });
        assert!(texts.contains(&std::fs::read_to_string(&file).unwrap()), "it is one of them, whole");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[cfg(unix)]
    #[test]
    fn whoever_reads_other_files_of_the_folder_reads_these() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let mode = |name: &str| std::fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        std::fs::write(folder.path().join("plain"), "x").unwrap();
        write_whole(&folder.path().join("kernel.cubin"), b"x").unwrap();
        assert_eq!(mode("kernel.cubin"), mode("plain"));
    }

    #[test]
    fn names_are_plain_and_digests_know_their_parts() {
        assert_eq!(file_name("NVIDIA H200/NVL"), "NVIDIA-H200-NVL");
        assert_ne!(digest([b"ab".as_slice(), b"c"]), digest([b"a".as_slice(), b"bc"]));
        assert_eq!(digest([b"ab".as_slice()]).len(), 32);
    }
}
