//! Errors as fields: what went wrong, where, what was found, why, what to do; and whose turn it is to mend it.
//!
//! Every error type implements [`Fault`]; the text that people read is made of its fields, in one form:
//! `place: what = found: reason`, and `hint: …` on a line of its own. [`Failure`] is any of them. Knows no error.

use std::error::Error;
use std::fmt;
use std::io;
use std::ops::Deref;
use std::path::PathBuf;

use crate::printable::printable;

/// Whose turn it is when something fails; decides the process's exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The machine, the network or the program failed (exit code 1).
    Runtime,
    /// The command line or the configuration cannot be used (2).
    Config,
    /// What was given to work on cannot be used (3).
    Data,
    /// Unfinished work does not fit what it was given (4).
    Resume,
    /// It would cost more than allowed (5).
    Budget,
    /// Somebody asked to stop (130).
    Cancelled,
}

impl FaultKind {
    /// The process's exit code.
    pub fn exit_code(self) -> u8 {
        match self {
            FaultKind::Runtime => 1,
            FaultKind::Config => 2,
            FaultKind::Data => 3,
            FaultKind::Resume => 4,
            FaultKind::Budget => 5,
            FaultKind::Cancelled => 130,
        }
    }

    /// Of a file that cannot be used: one that is not there was named wrongly, so was a path through a file; a directory
    /// in a file's place is as a damaged file; a full disk leaves the work unfinished; else the machine refuses.
    pub fn of_io(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::IsADirectory => FaultKind::Data,
            io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => FaultKind::Config,
            kind if is_full(kind) => FaultKind::Resume,
            _ => FaultKind::Runtime,
        }
    }
}

fn is_full(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge)
}

/// What to do about the common refusals of files, or "".
pub fn hint_of_io(error: &io::Error) -> &'static str {
    match error.kind() {
        kind if is_full(kind) => {
            "the disk is full; free some space (`lam-train clean` removes what no run holds any more) and run again, what \
             was done is kept"
        }
        // Which option names another place is known to whoever took the command, and not here.
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "see who may read and write there, or name another place"
        }
        io::ErrorKind::NotFound => "check the path",
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            "a file stands where a directory is needed; choose another directory"
        }
        io::ErrorKind::IsADirectory => "a directory stands where a file is needed; move it somewhere else",
        _ => "",
    }
}

/// The fields of an error's message; "" for one that does not apply. What is put into them passes [`printable`]: they
/// may quote others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// What went wrong, or what it is about, such as a key.
    pub what: String,
    /// Where: a file with its line or row, a stage, an address.
    pub place: String,
    /// The value that was found.
    pub found: String,
    /// Why it cannot be used.
    pub reason: String,
    /// What to do about it.
    pub hint: String,
}

impl Details {
    /// Of what went wrong.
    pub fn new(what: impl fmt::Display) -> Self {
        Self { what: shown(what), ..Self::default() }
    }

    /// At this place, which the place known so far lies in.
    pub fn at(mut self, place: impl fmt::Display) -> Self {
        self.place = joined([shown(place), self.place], ": ");
        self
    }

    /// In one of these files.
    pub fn at_files(self, files: &[PathBuf]) -> Self {
        self.at(files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(", "))
    }

    /// With the value that was found.
    pub fn found(mut self, found: impl fmt::Display) -> Self {
        self.found = shown(found);
        self
    }

    /// For this reason.
    pub fn because(mut self, reason: impl fmt::Display) -> Self {
        self.reason = shown(reason);
        self
    }

    /// All but what to do, in one sentence.
    pub fn sentence(&self) -> String {
        let equals = if self.found.is_empty() { "" } else { " = " };
        let what = format!("{}{equals}{}", self.what, self.found);
        joined([self.place.clone(), what, self.reason.clone()], ": ")
    }

    /// With what to do about it; more than one hint stand on lines of their own.
    pub fn hint(mut self, hint: impl fmt::Display) -> Self {
        self.hint = joined([self.hint, shown(hint)], "\n");
        self
    }
}

impl fmt::Display for Details {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence())?;
        if self.hint.is_empty() { Ok(()) } else { write!(f, "\nhint: {}", self.hint) }
    }
}

fn shown(text: impl fmt::Display) -> String {
    printable(&text.to_string()).into_owned()
}

/// The parts that are not empty, with `between` between them.
fn joined<const N: usize>(parts: [String; N], between: &str) -> String {
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(between)
}

/// An error that tells itself in fields.
pub trait Fault: Error + Send + Sync + 'static {
    /// Whose turn it is.
    fn kind(&self) -> FaultKind;

    /// The fields of its message.
    fn details(&self) -> Details;
}

/// Gives error types the text that is made of their fields.
#[macro_export]
macro_rules! display_details {
    ($($error:ty),+) => {$(
        impl std::fmt::Display for $error {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&$crate::Fault::details(self), f)
            }
        }
    )+};
}

/// Any fault: what a stage and a command return.
pub struct Failure(Box<dyn Fault>);

impl Failure {
    /// A fault without a type of its own.
    pub fn new(kind: FaultKind, details: Details) -> Self {
        Self(Box::new(Told { kind, details }))
    }

    /// The command line or the configuration cannot be used.
    pub fn config(what: impl fmt::Display) -> Self {
        Self::new(FaultKind::Config, Details::new(what))
    }

    /// What was given to work on cannot be used.
    pub fn data(what: impl fmt::Display) -> Self {
        Self::new(FaultKind::Data, Details::new(what))
    }

    /// The work failed.
    pub fn runtime(what: impl fmt::Display) -> Self {
        Self::new(FaultKind::Runtime, Details::new(what))
    }

    /// Somebody asked to stop.
    pub fn cancelled() -> Self {
        Self::new(FaultKind::Cancelled, Details::new("stopped on request"))
    }

    /// The same with what to do about it.
    pub fn hint(self, hint: impl fmt::Display) -> Self {
        Self::new(self.kind(), self.details().hint(hint))
    }
}

impl<F: Fault> From<F> for Failure {
    fn from(fault: F) -> Self {
        Self(Box::new(fault))
    }
}

impl Deref for Failure {
    type Target = dyn Fault;

    fn deref(&self) -> &dyn Fault {
        &*self.0
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// A fault that is its fields and nothing else.
#[derive(Debug)]
struct Told {
    kind: FaultKind,
    details: Details,
}

impl Error for Told {}

impl Fault for Told {
    fn kind(&self) -> FaultKind {
        self.kind
    }

    fn details(&self) -> Details {
        self.details.clone()
    }
}

display_details!(Told);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_made_of_the_fields_that_are_there() {
        let key = Details::new("`learning_rate`").found(-1).because("must not be negative");
        assert_eq!(key.to_string(), "`learning_rate` = -1: must not be negative");
        let placed = key.at("a.toml:3").at("stage `lam1`").hint("use 1e-4");
        assert_eq!(
            placed.to_string(),
            "stage `lam1`: a.toml:3: `learning_rate` = -1: must not be negative\nhint: use 1e-4"
        );
        assert_eq!(Details::new("stopped").to_string(), "stopped");
    }

    #[test]
    fn refusals_of_files_say_whose_turn_it_is() {
        for (kind, code, hint) in [
            (io::ErrorKind::NotFound, 3, "check the path"),
            (io::ErrorKind::IsADirectory, 3, "a directory stands"),
            (io::ErrorKind::NotADirectory, 2, "a file stands"),
            (io::ErrorKind::AlreadyExists, 2, "a file stands"),
            (io::ErrorKind::StorageFull, 4, "free some space (`lam-train clean` removes"),
            (io::ErrorKind::PermissionDenied, 1, "see who may read and write there"),
            (io::ErrorKind::ReadOnlyFilesystem, 1, "or name another place"),
        ] {
            let error = io::Error::from(kind);
            assert_eq!(FaultKind::of_io(&error).exit_code(), code, "{kind}");
            assert!(hint_of_io(&error).contains(hint) && !hint_of_io(&error).contains("--"), "{kind}");
        }
    }

    #[test]
    fn a_failure_keeps_the_kind_of_what_it_holds() {
        let told = Told { kind: FaultKind::Data, details: Details::new("the rows are bad") };
        let failure = Failure::from(told).hint("look at them");
        assert_eq!(failure.kind().exit_code(), 3);
        assert_eq!(failure.to_string(), "the rows are bad\nhint: look at them");
    }
}
