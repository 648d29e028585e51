//! The tasks of a query, drawn while somebody waits. Knows no episode.

use lam_env::{Application, EnvError, TaskQuery};
use lam_signal::{Cancel, Monitor, Progress};
use lam_types::{Phrasing, Split, Task};

use crate::AgentError;

/// The tasks of a query, with progress where an application has to start something for each of them.
///
/// # Errors
/// When the application cannot draw them, or somebody asked to stop.
pub fn draw_tasks(
    app: &dyn Application,
    query: &TaskQuery,
    progress: &dyn Progress,
    cancel: &Cancel,
) -> Result<Vec<Task>, AgentError> {
    progress.begin("tasks drawn", Some(query.count as u64));
    let drawn = |count: usize| {
        progress.advance(count as u64, "");
        !cancel.is_cancelled()
    };
    let tasks = app.draw_tasks(query, &drawn);
    progress.end();
    let tasks = tasks.map_err(|error| match error {
        EnvError::Stopped => AgentError::Cancelled { finished: 0, total: query.count },
        error => AgentError::Draw(error),
    })?;
    match tasks.iter().find(|task| task.request.trim().is_empty()) {
        Some(task) => Err(AgentError::Draw(EnvError::NothingAsked { environment: task.environment.clone() })),
        None => Ok(tasks),
    }
}

/// Tasks that no phase learns from, in known and in other wordings.
#[derive(Clone, Copy, Debug)]
pub struct HeldOut<'a> {
    /// The set they are drawn from: test or validation.
    pub split: Split,
    /// Only these families; none for all.
    pub families: &'a [String],
    /// How many in known wordings, which come first.
    pub seen: usize,
    /// How many in wordings that no phase trained on.
    pub unseen: usize,
    /// Seed of the draw.
    pub seed: u64,
}

impl HeldOut<'_> {
    /// The tasks.
    ///
    /// # Errors
    /// As [`draw_tasks`].
    pub fn draw(&self, app: &dyn Application, monitor: Monitor<'_>) -> Result<Vec<Task>, AgentError> {
        let draw = |phrasing: Phrasing, count: usize| {
            let (split, families, seed) = (self.split, self.families.to_vec(), self.seed);
            let query = TaskQuery { split, phrasing: Some(phrasing), families, count, seed };
            draw_tasks(app, &query, monitor.progress, monitor.cancel)
        };
        let mut tasks = draw(Phrasing::Seen, self.seen)?;
        tasks.extend(draw(Phrasing::Unseen, self.unseen)?);
        Ok(tasks)
    }
}
