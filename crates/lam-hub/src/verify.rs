//! Whether a file's bytes are those that the hub announced.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use lam_store::StoreError;
use sha2::Digest as _;

use crate::listing::{Digest, RemoteFile};

/// What differs from what was announced; `None` when nothing does.
pub(crate) fn difference(path: &Path, file: &RemoteFile) -> Result<Option<String>, StoreError> {
    let found = std::fs::metadata(path).map_err(StoreError::io("read", path))?.len();
    if let Some(size) = file.size.filter(|size| *size != found) {
        return Ok(Some(format!("{found} bytes, announced were {size}")));
    }
    let Some(digest) = &file.digest else { return Ok(None) };
    let hash = match digest {
        Digest::Sha256(_) => hex(&read(path, sha2::Sha256::new())?),
        Digest::GitBlob(_) => {
            let header = format!("blob {found}\0");
            hex(&read(path, sha1::Sha1::new_with_prefix(header))?)
        }
    };
    Ok((hash != digest.hex()).then(|| format!("hash {hash}, announced was {}", digest.hex())))
}

fn read<D: sha2::Digest>(path: &Path, mut digest: D) -> Result<Vec<u8>, StoreError> {
    let mut file = File::open(path).map_err(StoreError::io("read", path))?;
    visit(&mut file, |bytes| {
        digest.update(bytes);
        true
    })
    .map_err(StoreError::io("read", path))?;
    Ok(digest.finalize().to_vec())
}

/// Gives the bytes to `take` piece by piece, to the end or until it has enough.
pub(crate) fn visit(bytes: &mut dyn Read, mut take: impl FnMut(&[u8]) -> bool) -> io::Result<()> {
    let mut buffer = vec![0; 1 << 20];
    loop {
        match bytes.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) if take(&buffer[..count]) => {}
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_both_kinds_of_hashes_are_compared() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("f");
        std::fs::write(&path, "abc").unwrap();
        let file = |size, digest| RemoteFile { name: "f".into(), size: Some(size), digest };
        assert_eq!(difference(&path, &file(3, None)).unwrap(), None);
        assert!(difference(&path, &file(4, None)).unwrap().unwrap().contains("3 bytes, announced were 4"));
        // printf abc | sha256sum
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(difference(&path, &file(3, Some(Digest::Sha256(sha256.into())))).unwrap(), None);
        // printf abc | git hash-object --stdin
        let git = "f2ba8f84ab5c1bce84a7b441cb1959cfc7093b7f";
        assert_eq!(difference(&path, &file(3, Some(Digest::GitBlob(git.into())))).unwrap(), None);
        let other = Digest::GitBlob("0".repeat(40));
        assert!(difference(&path, &file(3, Some(other))).unwrap().unwrap().contains(git));
    }
}
