//! A directory that gets a model, or holds one: whether there is room, and which files its weights are in.

use std::path::Path;

use lam_weights::Index;

use crate::HubError;

pub(crate) const MIB: u64 = 1 << 20;

/// Refuses a place that has no room for so many bytes; `named_by` is what says another one.
pub(crate) fn refuse_full(place: &Path, needed: u64, named_by: &'static str) -> Result<(), HubError> {
    let place = std::path::absolute(place).unwrap_or_else(|_| place.to_owned());
    let Some(existing) = place.ancestors().find(|path| path.is_dir()) else { return Ok(()) };
    match fs2::available_space(existing) {
        Ok(free) if free < needed => {
            let (needed_mib, free_mib) = (needed.div_ceil(MIB), free / MIB);
            Err(HubError::Space { place: existing.to_owned(), needed_mib, free_mib, named_by })
        }
        _ => Ok(()),
    }
}

/// The index of a model in several files.
pub(crate) fn index(directory: &Path) -> Result<Option<Index>, HubError> {
    let path = directory.join("model.safetensors.index.json");
    let is_sharded = path.exists() && !directory.join("model.safetensors").exists();
    Ok(is_sharded.then(|| Index::read(&path)).transpose()?)
}
