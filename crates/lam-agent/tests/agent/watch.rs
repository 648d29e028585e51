//! Whoever watches what an endpoint's client tells, and may stop it.

use std::sync::Mutex;

use lam_signal::{Cancel, Monitor, NoProgress, Progress};

/// Hears the notes, and may stop the work.
#[derive(Default)]
pub struct Watch {
    notes: Mutex<Vec<String>>,
    pub cancel: Cancel,
}

impl Watch {
    pub fn monitor(&self) -> Monitor<'_> {
        Monitor { progress: self, cancel: &self.cancel }
    }

    pub fn nobody() -> Monitor<'static> {
        static NEVER: std::sync::LazyLock<Cancel> = std::sync::LazyLock::new(Cancel::default);
        Monitor { progress: &NoProgress, cancel: &NEVER }
    }

    pub fn notes(&self) -> String {
        self.notes.lock().unwrap().join("\n")
    }
}

impl Progress for Watch {
    fn begin(&self, _what: &str, _total: Option<u64>) {}
    fn advance(&self, _done: u64, _message: &str) {}
    fn note(&self, line: &str) {
        self.notes.lock().unwrap().push(line.to_owned());
    }
    fn end(&self) {}
}
