//! Which file a name stands for: models are named by their directory or by their file.

use std::path::{Path, PathBuf};

use crate::GgufError;

fn is_gguf(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gguf"))
}

/// The GGUF file that is named: the file itself, or the only one in a directory that holds no model or adapter in Hugging
/// Face's layout. None where there is none.
///
/// # Errors
/// A directory that cannot be read, or that holds several.
pub fn find(place: &Path) -> Result<Option<PathBuf>, GgufError> {
    if !place.is_dir() {
        return Ok(Some(place.to_owned()).filter(|place| is_gguf(place) && place.is_file()));
    }
    if ["config.json", "adapter_config.json"].iter().any(|name| place.join(name).is_file()) {
        return Ok(None);
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(place).map_err(GgufError::io(place))? {
        let path = entry.map_err(GgufError::io(place))?.path();
        if is_gguf(&path) && path.is_file() {
            found.push(path);
        }
    }
    found.sort();
    match found.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(one.clone())),
        [one, other, ..] => {
            let name = |path: &PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let reason = format!("holds {} GGUF files, such as {} and {}", found.len(), name(one), name(other));
            Err(GgufError::file(place, reason, "name the file itself"))
        }
    }
}

/// Whether a name stands for a model: a directory with a config.json, or what [`find`] finds.
pub fn is_model(place: &Path) -> bool {
    place.join("config.json").is_file() || find(place).is_ok_and(|found| found.is_some())
}
