//! Content hashes of files and directories. Names and bytes count; times, owners, marks and manifests do not.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::StoreError;

/// Name of the manifest in a stage's output directory.
pub const MANIFEST_FILE: &str = "manifest.json";

/// Name of the resolved configuration beside it.
pub const CONFIG_FILE: &str = "config.toml";

/// Marks a directory of ours that has no manifest, or not yet.
pub const MARK_FILE: &str = ".lam-train";

/// SHA-256 of `bytes`, hex.
pub fn hash_bytes(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// SHA-256 of a file's bytes, or for a directory the [`hash_tree`] of the files in it, hex.
///
/// The manifest and the resolved configuration are left out: they describe the content and are not part of it.
pub fn hash_path(path: &Path) -> Result<String, StoreError> {
    let metadata = fs::metadata(path).map_err(StoreError::io("read", path))?;
    if metadata.is_file() {
        return hash_file(path);
    }
    let names = content_files(path)?;
    let hashes = names.iter().map(|name| hash_file(&path.join(name))).collect::<Result<Vec<_>, _>>()?;
    Ok(hash_tree(names.iter().zip(&hashes).map(|(name, hash)| (name.as_path(), hash.as_str()))))
}

/// SHA-256 over the relative names and hashes of a directory's files, which come sorted by name.
pub fn hash_tree<'a>(files: impl Iterator<Item = (&'a Path, &'a str)>) -> String {
    let mut digest = Sha256::new();
    for (name, hash) in files {
        let name = name.to_string_lossy();
        digest.update((name.len() as u64).to_le_bytes());
        digest.update(name.as_bytes());
        digest.update(hash.as_bytes());
    }
    hex(&digest.finalize())
}

/// The files under `directory` by relative name, sorted, the manifest and the resolved configuration left out.
pub fn content_files(directory: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let mut files = Vec::new();
    collect_files(directory, Path::new(""), &mut Vec::new(), &mut files)?;
    files.sort();
    Ok(files)
}

/// `above` are the directories on the way, without links: one that is linked into itself is not entered again.
fn collect_files(
    root: &Path,
    below: &Path,
    above: &mut Vec<PathBuf>,
    files: &mut Vec<PathBuf>,
) -> Result<(), StoreError> {
    let directory = root.join(below);
    let real = fs::canonicalize(&directory).map_err(StoreError::io("read", &directory))?;
    if above.contains(&real) {
        return Ok(());
    }
    above.push(real);
    for entry in fs::read_dir(&directory).map_err(StoreError::io("read", &directory))? {
        let entry = entry.map_err(StoreError::io("read", &directory))?;
        let name = below.join(entry.file_name());
        if root.join(&name).is_dir() {
            collect_files(root, &name, above, files)?;
        } else if entry.file_name() != MARK_FILE
            && ![MANIFEST_FILE, CONFIG_FILE].iter().any(|beside| name == Path::new(beside))
        {
            files.push(name);
        }
    }
    above.pop();
    Ok(())
}

fn hash_file(path: &Path) -> Result<String, StoreError> {
    // Opening a pipe waits for a writer, and a device has no end.
    if !fs::metadata(path).map_err(StoreError::io("read", path))?.is_file() {
        let what = io::Error::new(io::ErrorKind::InvalidInput, "it is neither a file nor a directory");
        return Err(StoreError::io("read", path)(what));
    }
    let mut digest = Sha256::new();
    let mut file = File::open(path).map_err(StoreError::io("read", path))?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = file.read(&mut buffer).map_err(StoreError::io("read", path))?;
        if count == 0 {
            return Ok(hex(&digest.finalize()));
        }
        digest.update(&buffer[..count]);
    }
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let nibbles = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    nibbles.map(|nibble| char::from(DIGITS[usize::from(nibble)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_hash_as_sha256sum_does() {
        // printf abc | sha256sum
        assert_eq!(hash_bytes(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[cfg(unix)]
    #[test]
    fn links_into_themselves_are_entered_once_and_pipes_never_opened() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("d")).unwrap();
        fs::write(root.path().join("d/a"), "1").unwrap();
        let before = content_files(root.path()).unwrap();
        for name in ["d/loop", "d/again", "other"] {
            std::os::unix::fs::symlink(root.path(), root.path().join(name)).unwrap();
        }
        assert_eq!(content_files(root.path()).unwrap(), before);
        let pipe = root.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let error = hash_path(root.path()).unwrap_err().to_string();
        assert!(error.contains("pipe: it is neither a file nor a directory"), "{error}");
    }

    #[test]
    fn names_and_bytes_count_and_the_manifest_does_not() {
        let root = tempfile::tempdir().unwrap();
        let hash = || hash_path(root.path()).unwrap();
        fs::create_dir(root.path().join("d")).unwrap();
        fs::write(root.path().join("d/a"), "1").unwrap();
        let first = hash();
        fs::write(root.path().join(MANIFEST_FILE), "{}").unwrap();
        assert_eq!(hash(), first);
        fs::rename(root.path().join("d/a"), root.path().join("d/b")).unwrap();
        let renamed = hash();
        assert_ne!(renamed, first);
        fs::write(root.path().join("d/b"), "2").unwrap();
        assert_ne!(hash(), renamed);
    }
}
