//! How a run shows itself: a live bar on a terminal, plain lines in a log, JSON lines for machines, or nothing.

mod json;
mod lines;
mod live;

use std::io::{IsTerminal, stderr};
use std::time::Duration;

use lam_signal::{NoProgress, Progress};

use crate::StageOutcome;

pub use json::JsonView;
pub use lines::LineView;
pub(crate) use lines::work_line;
pub use live::LiveView;

/// A stage as views name it.
#[derive(Clone, Copy, Debug)]
pub struct StageView<'a> {
    /// Its place in the run, from 1.
    pub number: usize,
    /// How many stages there are.
    pub total: usize,
    /// The stage.
    pub id: &'a str,
    /// Its kind.
    pub kind: &'a str,
    /// Why it runs or not.
    pub why: &'a str,
}

/// Hears what a run does.
pub trait View: Sync {
    /// A stage begins to run.
    fn started(&self, stage: &StageView<'_>);
    /// A stage has its result, or is left out.
    fn finished(&self, stage: &StageView<'_>, outcome: &StageOutcome);
    /// A stage failed or was stopped; people are told why by whoever gets the run's error.
    fn stopped(&self, stage: &StageView<'_>, error: &str);
    /// Where the running stage reports.
    fn progress(&self) -> &dyn Progress;
}

/// The view that suits standard error: JSON lines if asked for, a bar on a terminal, else plain lines.
pub fn view_for_stderr(json: bool) -> Box<dyn View> {
    const BETWEEN_LINES: Duration = Duration::from_secs(5);
    if json {
        Box::new(JsonView::new(stderr(), Duration::from_secs(1)))
    } else if stderr().is_terminal() {
        Box::new(LiveView::new())
    } else {
        Box::new(LineView::new(stderr(), BETWEEN_LINES))
    }
}

/// Shows nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoView;

impl View for NoView {
    fn started(&self, _stage: &StageView<'_>) {}
    fn finished(&self, _stage: &StageView<'_>, _outcome: &StageOutcome) {}
    fn stopped(&self, _stage: &StageView<'_>, _error: &str) {}
    fn progress(&self) -> &dyn Progress {
        &NoProgress
    }
}
