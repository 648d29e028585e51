//! The content hashes of a checkpoint's files: a damaged one is not gone on from.

use std::collections::BTreeMap;
use std::path::Path;

use lam_store::{content_files, hash_path};

use super::{read_json, write_json};
use crate::TrainerError;

/// File of the hashes.
const HASHES_FILE: &str = "hashes.json";

/// Records the hashes of all files in `directory`.
pub(crate) fn write_hashes(directory: &Path) -> Result<(), TrainerError> {
    let mut hashes = BTreeMap::new();
    for name in content_files(directory)? {
        hashes.insert(name.display().to_string(), hash_path(&directory.join(name))?);
    }
    write_json(&directory.join(HASHES_FILE), &hashes)
}

/// What is wrong with the files of a checkpoint; `None` when they are as they were written.
pub(crate) fn damage(directory: &Path) -> Option<TrainerError> {
    let damaged = |name: &str, reason: String| Some(TrainerError::Checkpoint { path: directory.join(name), reason });
    let hashes: BTreeMap<String, String> = match read_json(&directory.join(HASHES_FILE)) {
        Ok(hashes) => hashes,
        Err(error) => return damaged(HASHES_FILE, format!("damaged: {error}")),
    };
    hashes.iter().find_map(|(name, hash)| match hash_path(&directory.join(name)) {
        Ok(found) if found == *hash => None,
        Ok(_) => damaged(name, "damaged: its content is not what was written".to_owned()),
        Err(error) => damaged(name, format!("damaged: {error}")),
    })
}
