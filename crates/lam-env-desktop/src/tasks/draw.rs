//! Tasks drawn for a query: every seed belongs to one family, one set and one wording.

use lam_env::{EnvError, TaskQuery};
use lam_types::Task;

use super::{catalog, instance};

/// The tasks of a query for an application.
pub fn draw(application: &str, query: &TaskQuery) -> Result<Vec<Task>, EnvError> {
    let catalog = catalog(application);
    if catalog.families.is_empty() {
        return Err(EnvError::Usage(format!(
            "application `{application}` has no task families\nhint: ask for something with --task"
        )));
    }
    catalog.draw(query, &["desktop task", application], |turn, seed| {
        instance(turn.family, seed, turn.split, turn.phrasing).request
    })
}
