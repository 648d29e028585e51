//! JSON lines for machines, one an event.

use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use lam_signal::{Progress, printable};
use serde_json::{Value, json};

use super::{StageView, View};
use crate::StageOutcome;

/// Writes one JSON object a line.
pub struct JsonView {
    inner: Mutex<Inner>,
    every: Duration,
}

struct Inner {
    out: Box<dyn Write + Send>,
    stage: String,
    what: String,
    total: Option<u64>,
    last_line: Option<Instant>,
}

impl JsonView {
    /// Writes to `out`, progress at most once in `every`.
    pub fn new(out: impl Write + Send + 'static, every: Duration) -> Self {
        let (stage, what) = (String::new(), String::new());
        Self { inner: Mutex::new(Inner { out: Box::new(out), stage, what, total: None, last_line: None }), every }
    }

    fn with(&self, write: impl FnOnce(&mut Inner) -> Option<Value>) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(event) = write(&mut inner) {
            // Perhaps nobody reads any more; the run continues all the same.
            let _ = writeln!(inner.out, "{}", printable(&event.to_string())).and_then(|()| inner.out.flush());
        }
    }
}

impl View for JsonView {
    fn started(&self, stage: &StageView<'_>) {
        self.with(|inner| {
            inner.stage = stage.id.to_string();
            Some(json!({ "event": "started", "stage": stage.id, "kind": stage.kind, "number": stage.number,
                "total": stage.total, "why": stage.why }))
        });
    }

    fn finished(&self, stage: &StageView<'_>, outcome: &StageOutcome) {
        self.with(|_| {
            Some(json!({ "event": outcome.outcome.event(), "stage": stage.id, "number": stage.number,
                "total": stage.total, "why": outcome.why, "duration_s": outcome.duration_s }))
        });
    }

    fn stopped(&self, stage: &StageView<'_>, error: &str) {
        self.with(|_| Some(json!({ "event": "stopped", "stage": stage.id, "error": error })));
    }

    fn progress(&self) -> &dyn Progress {
        self
    }
}

impl Progress for JsonView {
    fn begin(&self, what: &str, total: Option<u64>) {
        self.with(|inner| {
            (inner.what, inner.total, inner.last_line) = (what.to_string(), total, None);
            None
        });
    }

    fn advance(&self, done: u64, message: &str) {
        self.with(|inner| {
            if inner.last_line.is_some_and(|last| last.elapsed() < self.every) {
                return None;
            }
            inner.last_line = Some(Instant::now());
            Some(json!({ "event": "progress", "stage": inner.stage, "what": inner.what, "done": done,
                "of": inner.total, "message": message }))
        });
    }

    fn note(&self, line: &str) {
        self.with(|inner| Some(json!({ "event": "note", "stage": inner.stage, "text": line })));
    }

    fn end(&self) {}
}
