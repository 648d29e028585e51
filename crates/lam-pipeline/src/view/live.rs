//! The live view of a terminal: lines for what is done, one bar for what is under way.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use lam_signal::{Progress, printable};

use super::lines::{finished_line, stopped_line};
use super::{StageView, View};
use crate::StageOutcome;

const SPINNER: &str = "{prefix} {spinner} {msg} {elapsed}";
const BAR: &str = "{prefix} {wide_bar} {pos}/{len}  {msg}  {elapsed}, {eta} left";

/// Draws on standard error.
pub struct LiveView {
    bar: Mutex<ProgressBar>,
}

impl Default for LiveView {
    fn default() -> Self {
        Self::new()
    }
}

impl LiveView {
    /// Nothing is drawn before the first stage.
    pub fn new() -> Self {
        Self { bar: Mutex::new(ProgressBar::hidden()) }
    }

    fn with<T>(&self, act: impl FnOnce(&mut ProgressBar) -> T) -> T {
        act(&mut self.bar.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn close_with(&self, line: &str) {
        self.with(|bar| {
            bar.finish_and_clear();
            *bar = ProgressBar::hidden();
        });
        eprintln!("{}", printable(line));
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the template is fixed and valid").progress_chars("━╸ ")
}

impl View for LiveView {
    fn started(&self, stage: &StageView<'_>) {
        eprintln!("[{}/{}] {} ({}): {}", stage.number, stage.total, stage.id, stage.kind, printable(stage.why));
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(8)).with_style(style(SPINNER));
        bar.set_prefix(format!("[{}/{}] {}", stage.number, stage.total, stage.id));
        bar.enable_steady_tick(Duration::from_millis(250));
        self.with(|current| *current = bar);
    }

    fn finished(&self, stage: &StageView<'_>, outcome: &StageOutcome) {
        self.close_with(&finished_line(stage, outcome));
    }

    fn stopped(&self, stage: &StageView<'_>, _error: &str) {
        self.close_with(&stopped_line(stage));
    }

    fn progress(&self) -> &dyn Progress {
        self
    }
}

impl Progress for LiveView {
    fn begin(&self, what: &str, total: Option<u64>) {
        self.with(|bar| {
            bar.reset();
            match total {
                Some(total) => {
                    bar.set_length(total);
                    bar.set_style(style(BAR));
                }
                None => bar.set_style(style(SPINNER)),
            }
            bar.set_message(printable(what).into_owned());
        });
    }

    fn advance(&self, done: u64, message: &str) {
        self.with(|bar| {
            bar.set_position(done);
            if !message.is_empty() {
                bar.set_message(printable(message).into_owned());
            }
        });
    }

    fn note(&self, line: &str) {
        self.with(|bar| bar.println(format!("{}: {}", bar.prefix(), printable(line))));
    }

    fn end(&self) {
        self.with(|bar| bar.set_style(style(SPINNER)));
    }
}
