//! A model that the cache has, copied to a directory that was named: the files that a download would bring, all or none.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use lam_store::StoreError;

use crate::directory::{index, refuse_full};
use crate::listing::{FURTHER_TEMPLATES, is_needed, order};
use crate::transfer::partial;
use crate::{HubError, ModelId};

/// A file and where it goes.
type Pair = (PathBuf, PathBuf);

/// Copies what is missing in `directory`. Everything is looked at before the first byte is written; another file in the
/// place of one is not overwritten.
pub(crate) fn make(id: &ModelId, snapshot: &Path, directory: &Path) -> Result<(), HubError> {
    let (mut missing, mut bytes) = (Vec::new(), 0);
    for name in needed(snapshot)? {
        let (from, to) = (snapshot.join(&name), directory.join(&name));
        if to.exists() {
            if lam_store::hash_path(&from)? != lam_store::hash_path(&to)? {
                return Err(HubError::Occupied { path: to, model: id.to_string() });
            }
            continue;
        }
        bytes += std::fs::metadata(&from).map_err(StoreError::io("read", &from))?.len();
        missing.push((from, to));
    }
    refuse_full(directory, bytes, "--output-dir")?;
    for place in missing.iter().filter_map(|(_, to)| to.parent()).chain([directory]) {
        std::fs::create_dir_all(place).map_err(StoreError::io("create directory", place))?;
    }
    copy_all(&missing)?;
    for (_, to) in &missing {
        std::fs::rename(partial(to), to).map_err(StoreError::io("rename to", to))?;
    }
    Ok(())
}

/// Copies files beside their places; where one cannot be, none stays.
fn copy_all(missing: &[Pair]) -> Result<(), HubError> {
    for (number, (from, to)) in missing.iter().enumerate() {
        let unfinished = partial(to);
        if let Err(error) = copy(from, &unfinished) {
            for (_, to) in &missing[..=number] {
                let _ = lam_store::remove_file(&partial(to));
            }
            return Err(StoreError::io("write", &unfinished)(error).into());
        }
    }
    Ok(())
}

/// Copies what is in a file. Who may read the copy is no business of the cache, which may be its owner's alone.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    io::copy(&mut File::open(from)?, &mut File::create(to)?).map(drop)
}

/// The names of the snapshot's files that a download would bring, weights last. Other tools keep further files there, and
/// folders of them.
fn needed(snapshot: &Path) -> Result<Vec<String>, HubError> {
    let mut names = files(snapshot, "")?;
    if snapshot.join(FURTHER_TEMPLATES).is_dir() {
        names.extend(files(snapshot, FURTHER_TEMPLATES)?);
    }
    let is_whole = names.iter().any(|name| name == "model.safetensors");
    // An index may give its shards names of its own.
    let index = index(snapshot)?;
    let shards = index.as_ref().map(|index| index.shards()).unwrap_or_default();
    names.retain(|name| is_needed(name, is_whole) || shards.contains(name.as_str()));
    names.sort_by(|one, other| order(one).cmp(&order(other)));
    Ok(names)
}

/// The names of the files right in a folder below the snapshot, the folder's own before them.
fn files(snapshot: &Path, folder: &str) -> Result<Vec<String>, HubError> {
    let place = snapshot.join(folder);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&place).map_err(StoreError::io("read", &place))? {
        let entry = entry.map_err(StoreError::io("read", &place))?;
        // A link to a blob that is gone counts as a file: it is missed when it is read.
        if let Some(name) = entry.file_name().to_str().filter(|_| !entry.path().is_dir()) {
            names.push(format!("{folder}{name}"));
        }
    }
    Ok(names)
}
