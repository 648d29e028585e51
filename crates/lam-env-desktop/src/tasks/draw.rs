//! Tasks drawn for a query: every seed belongs to one family, one set and one wording.

use lam_env::random::hash;
use lam_env::{EnvError, TaskQuery};
use lam_tasks::Turn;
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
    let task = |turn| {
        let Turn { family, split, phrasing, .. } = turn;
        let [name, of_split, of_phrasing, round] = turn.names();
        let names = ["desktop task", application, &name, &of_split, &of_phrasing, &round];
        let seed = hash(&names, query.seed) >> 16;
        catalog.task(&turn, seed, instance(family, seed, split, phrasing).request)
    };
    Ok(catalog.turns(query)?.into_iter().map(task).collect())
}
