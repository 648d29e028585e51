//! What others may do with an export's files: plain files and directories, as the umask lets them be, whatever modes the
//! files had that they were made of. Knows no contents.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::ExportError;

/// A name that is made, looked at and removed.
const SAMPLE: &str = ".mode";

/// The modes of a new file and of a new directory.
#[derive(Clone, Copy)]
struct Modes {
    file: u32,
    directory: u32,
}

/// Gives every file and directory in a directory that is being made the mode of a new one.
///
/// # Errors
/// A link, which would lead out of what is published, and whatever the system refuses.
pub fn make_plain(directory: &Path) -> Result<(), ExportError> {
    let modes = Modes { file: mode_of_new(directory, false)?, directory: mode_of_new(directory, true)? };
    settle(directory, modes)
}

fn mode_of_new(directory: &Path, is_directory: bool) -> Result<u32, ExportError> {
    let sample = directory.join(SAMPLE);
    let made = if is_directory { fs::create_dir(&sample) } else { File::create(&sample).map(drop) };
    made.map_err(ExportError::io("create", &sample))?;
    let found = fs::metadata(&sample).map_err(ExportError::io("read", &sample))?;
    if is_directory {
        lam_store::remove_directory(&sample)?;
    } else {
        lam_store::remove_file(&sample)?;
    }
    Ok(found.permissions().mode() & 0o777)
}

fn settle(directory: &Path, modes: Modes) -> Result<(), ExportError> {
    let set = |path: &Path, mode: u32| {
        fs::set_permissions(path, Permissions::from_mode(mode)).map_err(ExportError::io("set the mode of", path))
    };
    for entry in fs::read_dir(directory).map_err(ExportError::io("read", directory))? {
        let entry = entry.map_err(ExportError::io("read", directory))?;
        let (path, kind) = (entry.path(), entry.file_type().map_err(ExportError::io("read", directory))?);
        if kind.is_symlink() {
            return Err(ExportError::file(&path, "is a link; an export holds files of its own"));
        }
        if kind.is_dir() {
            settle(&path, modes)?;
        } else {
            set(&path, modes.file)?;
        }
    }
    set(directory, modes.directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn private_files_become_plain_and_links_are_refused() {
        let root = tempfile::tempdir().unwrap();
        let (place, below) = (root.path().join("out"), root.path().join("out/base"));
        fs::create_dir_all(&below).unwrap();
        for (path, mode) in [(place.join("a"), 0o600), (below.join("b"), 0o755)] {
            fs::write(&path, "x").unwrap();
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        }
        fs::set_permissions(&below, Permissions::from_mode(0o700)).unwrap();
        make_plain(&place).unwrap();
        let (file, directory) = (root.path().join("f"), root.path().join("d"));
        fs::write(&file, "x").unwrap();
        fs::create_dir(&directory).unwrap();
        assert_eq!((mode(&place.join("a")), mode(&below.join("b"))), (mode(&file), mode(&file)));
        assert_eq!((mode(&place), mode(&below)), (mode(&directory), mode(&directory)));
        assert_eq!(fs::read_dir(&place).unwrap().count(), 2);
        std::os::unix::fs::symlink(&file, place.join("link")).unwrap();
        assert!(make_plain(&place).unwrap_err().to_string().contains("is a link"));
    }
}
