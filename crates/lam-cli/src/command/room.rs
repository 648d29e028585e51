//! Whether a command may write where it is told to: only where nothing of value would be lost.

use std::path::Path;

use lam_signal::{Details, Failure, FaultKind};
use lam_store::{overlap, refuse_to_replace};

/// Refuses to write over what somebody else made, over what is read, and, unless told to, over an earlier result.
pub fn make_room(place: &Path, read: Option<&Path>, force: bool) -> Result<(), Failure> {
    refuse_to_replace(place)?;
    if let Some(read) = read.filter(|read| overlap(read, place)) {
        let what = format!("the result would lie in {}, over {}, which is read", place.display(), read.display());
        return Err(Failure::config(what).hint("choose another --output-dir"));
    }
    let is_empty = std::fs::read_dir(place).map_or(true, |mut entries| entries.next().is_none());
    if is_empty || force {
        return Ok(());
    }
    let details = Details::new("holds an earlier result, which would be lost").at(place.display());
    Err(Failure::new(FaultKind::Resume, details.hint("replace it with `--force`, or choose another --output-dir")))
}
