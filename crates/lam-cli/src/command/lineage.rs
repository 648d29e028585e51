//! `lineage`: from an artifact back to everything it was made from.

use std::path::Path;

use lam_signal::Failure;

use super::list::refuse_run;
use super::next;
use crate::output::Output;

/// Prints the tree of origins.
pub fn lineage(artifact: &Path, output: &Output) -> Result<(), Failure> {
    refuse_run(artifact)?;
    let lineage = lam_store::lineage(artifact)?;
    output.line(lineage.to_text().trim_end());
    if let Some(command) = next::status_around(artifact) {
        output.next(&command);
    }
    output.value(&lineage)
}
