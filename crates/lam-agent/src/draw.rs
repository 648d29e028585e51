//! The tasks of a query, drawn while somebody waits. Knows no episode.

use lam_env::{Application, EnvError, TaskQuery};
use lam_signal::{Cancel, Progress};
use lam_types::Task;

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
