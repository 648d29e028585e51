//! Tasks drawn for a query: families take turns, and every seed belongs to one split and one wording.

use lam_env::random::hash;
use lam_env::{EnvError, TaskQuery};
use lam_types::{Phrasing, Split, Task};

use crate::environment::{APPLICATION, ENVIRONMENT, unknown_family};
use crate::family::{self, Family};
use crate::instance;

/// The tasks of a query.
pub fn draw(query: &TaskQuery) -> Result<Vec<Task>, EnvError> {
    let families = wanted(&query.families)?;
    if query.split != Split::Test && query.phrasing == Some(Phrasing::Unseen) {
        return Err(EnvError::Usage(format!(
            "the {} set has no unseen phrasings: they are kept for the test set\nhint: ask for split `test`",
            query.split.as_str()
        )));
    }
    let turn = |index: usize| {
        let round = index / families.len();
        let unseen = match query.phrasing {
            Some(phrasing) => phrasing == Phrasing::Unseen,
            None => query.split == Split::Test && round % 2 == 1,
        };
        let phrasing = if unseen { Phrasing::Unseen } else { Phrasing::Seen };
        task(families[index % families.len()], query.split, phrasing, query.seed, round)
    };
    Ok((0..query.count).map(turn).collect())
}

fn wanted(names: &[String]) -> Result<Vec<&'static Family>, EnvError> {
    if names.is_empty() {
        return Ok(family::all().collect());
    }
    names.iter().map(|name| family::find(name).ok_or_else(|| unknown_family("query", name))).collect()
}

/// The task of a family in one round of a query.
fn task(family: &'static Family, split: Split, phrasing: Phrasing, seed: u64, round: usize) -> Task {
    let names = ["task", family.name, split.as_str(), phrasing.as_str(), &round.to_string()];
    // Signed 64-bit columns and JSON numbers hold 48 bits without loss.
    let seed = hash(&names, seed) >> 16;
    Task {
        task_id: format!("{ENVIRONMENT}-{}-{}-{}-{seed:012x}", family.name, split.as_str(), phrasing.as_str()),
        family: family.name.to_owned(),
        request: instance::draw(family, seed, split, phrasing).request,
        environment: ENVIRONMENT.to_owned(),
        application: APPLICATION.to_owned(),
        seed,
        phrasing,
        split,
    }
}
