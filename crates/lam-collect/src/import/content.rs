//! What one file of a source gives, whatever its form.

use super::procedure::Procedure;
use crate::aside::Unreadable;

/// What one file gives: procedures, searches, and records at fault.
#[derive(Debug, Default)]
pub(super) struct Content {
    pub(super) procedures: Vec<Procedure>,
    pub(super) queries: Vec<String>,
    pub(super) faults: Vec<Fault>,
    pub(super) repairs: Repairs,
}

/// A record at fault.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) line: usize,
    pub(super) record: String,
    pub(super) field: String,
    pub(crate) reason: String,
}

/// What was done so that a file could be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Repairs {
    /// Files in another encoding than UTF-8.
    pub(crate) converted: usize,
    /// Characters that stand as U+FFFD because they could not be read.
    pub(crate) replaced: usize,
}

impl std::ops::AddAssign for Repairs {
    fn add_assign(&mut self, other: Self) {
        self.converted += other.converted;
        self.replaced += other.replaced;
    }
}

impl Fault {
    /// Of a document as a whole, or of what stands at a line of it.
    pub(super) fn at(line: usize, reason: impl Into<String>) -> Self {
        Self { line, reason: reason.into(), ..Self::default() }
    }

    /// The record as it is kept aside: in which source and file it stands.
    pub(super) fn into_unreadable(self, source: &str, file: &str) -> Unreadable {
        let Self { line, record, field, reason } = self;
        Unreadable { source: source.to_owned(), file: file.to_owned(), line, record, field, reason }
    }
}

impl Content {
    pub(super) fn of(procedures: Vec<Procedure>) -> Self {
        Self { procedures, ..Self::default() }
    }
}

impl From<Fault> for Content {
    fn from(fault: Fault) -> Self {
        Self { faults: vec![fault], ..Self::default() }
    }
}
