//! What one file of a source gives, whatever its form.

use super::procedure::Procedure;
use crate::aside::Unreadable;

/// What one file gives: procedures, searches, and records at fault.
#[derive(Debug, Default)]
pub(super) struct Content {
    pub(super) procedures: Vec<Procedure>,
    pub(super) queries: Vec<String>,
    pub(super) faults: Vec<Fault>,
}

/// A record at fault.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) line: usize,
    pub(super) field: String,
    pub(super) reason: String,
}

impl Fault {
    /// The record as it is kept aside: in which source and file it stands.
    pub(super) fn into_unreadable(self, source: &str, file: &str) -> Unreadable {
        let Self { line, field, reason } = self;
        Unreadable { source: source.to_owned(), file: file.to_owned(), line, field, reason }
    }
}

impl Content {
    pub(super) fn of(procedures: Vec<Procedure>) -> Self {
        Self { procedures, ..Self::default() }
    }

    pub(super) fn fault(line: usize, field: &str, reason: impl Into<String>) -> Self {
        Self { faults: vec![Fault { line, field: field.to_owned(), reason: reason.into() }], ..Self::default() }
    }
}
