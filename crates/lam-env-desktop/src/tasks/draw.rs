//! Tasks drawn for a query: every seed belongs to one family, one set and one wording.

use lam_env::{EnvError, TaskQuery};
use lam_types::{Phrasing, Task};

use super::{ENVIRONMENT, catalog, instance};

/// The tasks of a query for an application. One without families has a single task, of no family, that asks nothing
/// yet: whoever wants something done says what.
pub fn draw(application: &str, query: &TaskQuery) -> Result<Vec<Task>, EnvError> {
    let catalog = catalog(application);
    if catalog.families.is_empty() && query.families.is_empty() {
        return Ok(vec![Task {
            task_id: format!("{}-{}", catalog.id_prefix, query.seed),
            family: String::new(),
            request: String::new(),
            environment: ENVIRONMENT.to_owned(),
            application: application.to_owned(),
            seed: query.seed,
            phrasing: query.phrasing.unwrap_or(Phrasing::Unseen),
            split: query.split,
        }]);
    }
    catalog.draw(query, &["desktop task", application], |turn, seed| {
        instance(turn.family, seed, turn.split, turn.phrasing).request
    })
}
