//! A file is there whole or not at all.

use std::path::Path;

use crate::ModelError;

/// Lets `write` fill a temporary file beside `path`, then puts it in place.
pub(crate) fn write_with(path: &Path, write: impl FnOnce(&Path) -> Result<(), ModelError>) -> Result<(), ModelError> {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".partial");
    let partial = path.with_file_name(name);
    write(&partial)?;
    std::fs::File::open(&partial).and_then(|file| file.sync_all()).map_err(ModelError::io(&partial))?;
    std::fs::rename(&partial, path).map_err(ModelError::io(path))
}

/// Writes bytes.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), ModelError> {
    write_with(path, |partial| std::fs::write(partial, bytes).map_err(ModelError::io(partial)))
}
