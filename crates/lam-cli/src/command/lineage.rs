//! `lineage`: from an artifact back to everything it was made from.

use std::path::Path;

use lam_signal::Failure;
use lam_store::StoreError;

use super::list::refuse_run;
use super::next;
use crate::output::Output;

/// Prints the tree of origins.
pub fn lineage(artifact: &Path, output: &Output) -> Result<(), Failure> {
    refuse_run(artifact)?;
    // Without a name, as `.` is, nothing beside it would be found.
    let artifact = match artifact.file_name() {
        Some(_) => artifact.to_owned(),
        None => artifact.canonicalize().map_err(StoreError::io("read", artifact))?,
    };
    let artifact = artifact.as_path();
    let lineage = lam_store::lineage(artifact)?;
    output.line(lineage.to_text().trim_end());
    if let Some(command) = next::status_around(artifact) {
        output.next(&command);
    }
    output.value(&lineage)
}
