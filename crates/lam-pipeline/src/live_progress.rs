//! What the running stage last told, in a file of the run directory: other processes read it. It is there while a stage
//! runs, and after a kill.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use lam_store::{StoreError, remove_file, write_atomic};
use serde::{Deserialize, Serialize};

use crate::remaining::work_left_s;

/// Name of the file in a run directory.
const PROGRESS_FILE: &str = "progress.json";

/// What the running stage is at.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LiveProgress {
    /// The stage.
    pub stage: String,
    /// When this process began with it, seconds since 1970.
    pub began_at: f64,
    /// When this was told, seconds since 1970.
    pub told_at: f64,
    /// The part of its work that is under way, such as `train`; "" between two of them.
    pub what: String,
    /// Units of that work that are done.
    pub done: u64,
    /// All of them, if that is known.
    pub total: Option<u64>,
    /// The latest figures in words, such as the loss.
    pub message: String,
    /// Units that were done at the first report, and when that came, seconds since 1970.
    pub first: Option<(u64, f64)>,
}

impl LiveProgress {
    /// What is told in `run_dir`; `None` where no stage has told anything, or the file is damaged.
    pub fn read(run_dir: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(run_dir.join(PROGRESS_FILE)).ok()?).ok()
    }

    /// Seconds that the work under way still takes at the speed of this process; `None` where that is not known.
    pub fn work_left_s(&self) -> Option<f64> {
        let (before, since) = self.first?;
        work_left_s((before, self.told_at - since), self.done, self.total?)
    }

    /// Units of the work under way that this process has done a second; `None` where that is not known. What was done
    /// before a stop took none of its time.
    pub fn rate(&self) -> Option<f64> {
        let (first, since) = self.first?;
        let here = self.done.checked_sub(first).filter(|here| *here > 0)?;
        let seconds = self.told_at - since;
        (seconds > 0.0).then(|| here as f64 / seconds)
    }
}

/// Writes the file, at most once a second.
pub(crate) struct ProgressFile {
    path: PathBuf,
    now: fn() -> SystemTime,
    told: LiveProgress,
    written_at: f64,
}

/// Seconds between two writings.
const BETWEEN_WRITINGS_S: f64 = 1.0;

impl ProgressFile {
    /// A stage begins.
    pub fn begin(run_dir: &Path, stage: &str, now: fn() -> SystemTime) -> Self {
        let at = seconds(now);
        let told = LiveProgress { stage: stage.to_owned(), began_at: at, told_at: at, ..LiveProgress::default() };
        let mut file = Self { path: run_dir.join(PROGRESS_FILE), now, told, written_at: 0.0 };
        file.write(true);
        file
    }

    /// The present, seconds since 1970.
    pub fn at(&self) -> f64 {
        seconds(self.now)
    }

    /// A part of its work begins.
    pub fn work(&mut self, what: &str, total: Option<u64>) {
        self.told = LiveProgress {
            what: what.to_owned(),
            total,
            done: 0,
            message: String::new(),
            first: None,
            ..std::mem::take(&mut self.told)
        };
        self.write(!what.is_empty());
    }

    /// So many units are done.
    pub fn advance(&mut self, done: u64, message: &str) {
        let at = self.at();
        self.told.first.get_or_insert((done, at));
        self.told.done = done;
        if !message.is_empty() {
            message.clone_into(&mut self.told.message);
        }
        self.write(false);
    }

    /// The stage has ended.
    pub fn remove(self) -> Result<(), StoreError> {
        remove_file(&self.path)
    }

    fn write(&mut self, at_once: bool) {
        self.told.told_at = self.at();
        if at_once || (self.told.told_at - self.written_at).abs() >= BETWEEN_WRITINGS_S {
            self.written_at = self.told.told_at;
            let text = serde_json::to_vec(&self.told).expect("plain data can be written");
            // Nothing depends on it: a full disk is the stage's to tell.
            let _ = write_atomic(&self.path, &text);
        }
    }
}

fn seconds(now: fn() -> SystemTime) -> f64 {
    now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_counts_from_this_process() {
        let told = LiveProgress {
            done: 1000,
            total: Some(1100),
            first: Some((900, 50.0)),
            told_at: 60.0,
            ..LiveProgress::default()
        };
        assert_eq!((told.work_left_s(), told.rate()), (Some(10.0), Some(10.0)));
        assert_eq!(LiveProgress { done: 900, ..told.clone() }.work_left_s(), None, "nothing is done yet");
        assert_eq!(LiveProgress { total: None, ..told }.work_left_s(), None, "nobody knows how much there is");
    }
}
