//! Tasks drawn for a query: every seed belongs to one family, one set and one wording.

use lam_env::random::hash;
use lam_env::{EnvError, TaskQuery};
use lam_types::Task;

use crate::family::CATALOG;
use crate::instance;

/// The tasks of a query.
pub fn draw(query: &TaskQuery) -> Result<Vec<Task>, EnvError> {
    let task = |turn| {
        let lam_tasks::Turn { family, split, phrasing, .. } = turn;
        let [name, of_split, of_phrasing, round] = turn.names();
        let seed = hash(&["task", &name, &of_split, &of_phrasing, &round], query.seed) >> 16;
        CATALOG.task(&turn, seed, instance::draw(family, seed, split, phrasing).request)
    };
    Ok(CATALOG.turns(query)?.into_iter().map(task).collect())
}
