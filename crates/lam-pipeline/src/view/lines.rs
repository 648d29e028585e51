//! Plain lines: what a log keeps. One every few seconds at most while a stage works.

use std::io::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lam_signal::{Progress, printable};

use super::{StageView, View};
use crate::remaining::work_left_s;
use crate::{Outcome, StageOutcome, format_seconds};

/// Writes plain lines.
pub struct LineView {
    inner: Mutex<Inner>,
    every: Duration,
}

struct Inner {
    out: Box<dyn Write + Send>,
    /// `[k/n] stage`.
    stage: String,
    work: Option<Work>,
}

struct Work {
    what: String,
    total: Option<u64>,
    began: Instant,
    /// What was done at the first report, and when that came.
    first: Option<(u64, Instant)>,
    last_line: Option<Instant>,
}

impl LineView {
    /// Writes to `out`, progress at most once in `every`.
    pub fn new(out: impl Write + Send + 'static, every: Duration) -> Self {
        let inner = Inner { out: Box::new(out), stage: String::new(), work: None };
        Self { inner: Mutex::new(inner), every }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Perhaps nobody reads any more; the run continues all the same.
    fn line(&mut self, text: &str) {
        let _ = writeln!(self.out, "{}", printable(text)).and_then(|()| self.out.flush());
    }
}

impl View for LineView {
    fn started(&self, stage: &StageView<'_>) {
        let mut inner = self.lock();
        inner.stage = format!("[{}/{}] {}", stage.number, stage.total, stage.id);
        let line = format!("{} ({}): {}", inner.stage, stage.kind, stage.why);
        inner.line(&line);
    }

    fn finished(&self, stage: &StageView<'_>, outcome: &StageOutcome) {
        self.lock().line(&finished_line(stage, outcome));
    }

    fn stopped(&self, stage: &StageView<'_>, _error: &str) {
        self.lock().line(&stopped_line(stage));
    }

    fn progress(&self) -> &dyn Progress {
        self
    }
}

/// How a stage's end reads.
pub(super) fn finished_line(stage: &StageView<'_>, outcome: &StageOutcome) -> String {
    let took = format_seconds(outcome.duration_s);
    let said = match outcome.outcome {
        Outcome::Ran => format!("done in {took}"),
        Outcome::Cached => format!("cached, {} (took {took})", outcome.why),
        Outcome::Reused => format!("reused: {} (took {took})", outcome.why),
        Outcome::LeftOut => outcome.why.clone(),
    };
    format!("[{}/{}] {}: {said}", stage.number, stage.total, stage.id)
}

/// How a stage without a result reads.
pub(super) fn stopped_line(stage: &StageView<'_>) -> String {
    format!("[{}/{}] {}: stopped", stage.number, stage.total, stage.id)
}

impl Progress for LineView {
    fn begin(&self, what: &str, total: Option<u64>) {
        let work = Work { what: what.to_string(), total, began: Instant::now(), first: None, last_line: None };
        self.lock().work = Some(work);
    }

    fn advance(&self, done: u64, message: &str) {
        let mut inner = self.lock();
        let Some(work) = &mut inner.work else { return };
        work.first.get_or_insert((done, Instant::now()));
        let since = work.last_line.unwrap_or(work.began).elapsed();
        if since < self.every {
            return;
        }
        work.last_line = Some(Instant::now());
        let line = progress_line(work, done, message);
        let line = format!("{}: {line}", inner.stage);
        inner.line(&line);
    }

    fn note(&self, line: &str) {
        let mut inner = self.lock();
        let line = format!("{}: {line}", inner.stage);
        inner.line(&line);
    }

    fn end(&self) {
        self.lock().work = None;
    }
}

fn progress_line(work: &Work, done: u64, message: &str) -> String {
    let unfinished = work.total.filter(|total| *total > done);
    let left = unfinished
        .zip(work.first)
        .and_then(|(total, (before, since))| work_left_s((before, since.elapsed().as_secs_f64()), done, total));
    work_line((&work.what, done, work.total), message, left)
}

/// Work that is under way: what it is, how many units are done, how many there are; the latest figures; seconds that are
/// left.
pub(crate) fn work_line((what, done, total): (&str, u64, Option<u64>), message: &str, left_s: Option<f64>) -> String {
    let of = total.map(|total| format!("/{total}")).unwrap_or_default();
    let left = left_s.map(|seconds| format!(", {} left", format_seconds(seconds))).unwrap_or_default();
    let gap = if message.is_empty() { "" } else { "  " };
    format!("{what} {done}{of}{gap}{message}{left}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_earlier_run_did_does_not_count_as_speed() {
        let since = Instant::now().checked_sub(Duration::from_secs(10)).unwrap();
        let first = Some((900, since));
        let work = Work { what: "train".into(), total: Some(1100), began: since, first, last_line: None };
        assert_eq!(progress_line(&work, 1000, ""), "train 1000/1100, 10 s left");
        assert_eq!(progress_line(&work, 900, "x"), "train 900/1100  x");
    }
}
