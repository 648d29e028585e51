//! What a running stage tells, on its way to the view, to other processes and to trackers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use lam_signal::{Details, Fault, Progress};
use lam_store::StoreError;

use crate::live_progress::ProgressFile;
use crate::tracker::{RunState, StageTrackers};

/// Hears a stage.
pub(crate) struct Recorder<'a> {
    view: &'a dyn Progress,
    /// The stage's private directory.
    output: PathBuf,
    inner: Mutex<Inner>,
}

struct Inner {
    file: ProgressFile,
    /// `None` once a tracker's file could not be written.
    trackers: Option<StageTrackers>,
}

impl<'a> Recorder<'a> {
    /// Tells `view` all that it hears.
    pub fn new(view: &'a dyn Progress, output: &Path, file: ProgressFile, trackers: StageTrackers) -> Self {
        Self { view, output: output.to_path_buf(), inner: Mutex::new(Inner { file, trackers: Some(trackers) }) }
    }

    /// The stage has ended.
    pub fn finish(self, state: RunState) {
        self.track(|trackers, at| trackers.end(state, at));
        let inner = self.inner.into_inner().unwrap_or_else(PoisonError::into_inner);
        // Whoever reads it sees by the run's lock that nothing runs.
        let _ = inner.file.remove();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the trackers something. Training does not end because one cannot be told: it goes on without, and says so.
    fn track(&self, tell: impl FnOnce(&mut StageTrackers, f64) -> Result<(), StoreError>) {
        let refused = {
            let mut inner = self.lock();
            let at = inner.file.at();
            let refused = inner.trackers.as_mut().and_then(|trackers| tell(trackers, at).err());
            if refused.is_some() {
                inner.trackers = None;
            }
            refused
        };
        if let Some(error) = refused {
            self.view.note(&untold(&error));
        }
    }
}

/// What is said once a tracker's file could not be written.
pub(crate) fn untold(error: &StoreError) -> String {
    let Details { hint, .. } = error.details();
    let hint = if hint.is_empty() { String::new() } else { format!(" ({hint})") };
    format!("trackers are not told any more: {}{hint}", error.details().sentence())
}

impl Progress for Recorder<'_> {
    fn begin(&self, what: &str, total: Option<u64>) {
        self.lock().file.work(what, total);
        self.view.begin(what, total);
    }

    fn advance(&self, done: u64, message: &str) {
        self.lock().file.advance(done, message);
        self.view.advance(done, message);
    }

    fn note(&self, line: &str) {
        self.view.note(line);
    }

    fn end(&self) {
        self.lock().file.work("", None);
        self.view.end();
    }

    fn resumed(&self, directory: &Path, step: u64) {
        let below = directory.strip_prefix(&self.output).unwrap_or(directory);
        self.track(|trackers, at| trackers.resume(directory, below, step, at));
        self.view.resumed(directory, step);
    }

    fn figures(&self, directory: &Path, step: u64, values: &BTreeMap<String, f32>) {
        self.track(|trackers, at| trackers.write(directory, step, values, at));
        self.view.figures(directory, step, values);
    }
}
