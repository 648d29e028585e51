//! Links in a model's directory: none leads out of it.

use std::path::{Path, PathBuf};

use crate::WeightsError;

/// Refuses a directory in which a name is a link to somewhere else.
///
/// What stands in a model is hashed, copied along with it and published, so a link must not bring in other files. A link within
/// the directory is fine, and so is one from a snapshot of Hugging Face's cache to the blobs of the same repository.
///
/// # Errors
/// Names the link and where it leads.
pub fn refuse_links_outside(directory: &Path) -> Result<(), WeightsError> {
    let entries = std::fs::read_dir(directory).map_err(WeightsError::io(directory))?;
    for entry in entries {
        let entry = entry.map_err(WeightsError::io(directory))?;
        if entry.file_type().map_err(WeightsError::io(&entry.path()))?.is_symlink() {
            refuse_outside(directory, &entry.path())?;
        }
    }
    Ok(())
}

fn refuse_outside(directory: &Path, link: &Path) -> Result<(), WeightsError> {
    // A link that leads to nothing is missed by whoever needs the file.
    let Ok(target) = link.canonicalize() else { return Ok(()) };
    let root = directory.canonicalize().map_err(WeightsError::io(directory))?;
    let is_allowed = target.starts_with(&root) || blobs(&root).is_some_and(|blobs| target.starts_with(blobs));
    if is_allowed {
        return Ok(());
    }
    let reason = format!("is a link out of the model's directory, to {}", target.display());
    Err(WeightsError::file(link, reason, "put the file itself there, or name the directory that it leads to"))
}

/// The blobs of the repository that a snapshot of Hugging Face's cache belongs to.
fn blobs(root: &Path) -> Option<PathBuf> {
    let snapshots = root.parent().filter(|parent| parent.file_name().is_some_and(|name| name == "snapshots"))?;
    Some(snapshots.parent()?.join("blobs"))
}
