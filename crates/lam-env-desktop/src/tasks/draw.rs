//! Tasks drawn for a query: families take turns, and every seed belongs to one split and one wording.

use lam_env::random::hash;
use lam_env::{EnvError, TaskQuery};
use lam_types::{Phrasing, Split, Task};

use super::{Family, families, instance};
use crate::ENVIRONMENT;

/// The tasks of a query for an application.
pub fn draw(application: &str, query: &TaskQuery) -> Result<Vec<Task>, EnvError> {
    let wanted = wanted(application, &query.families)?;
    if wanted.is_empty() {
        return Err(EnvError::Usage(format!(
            "application `{application}` has no task families\nhint: ask for something with --task"
        )));
    }
    if query.split != Split::Test && query.phrasing == Some(Phrasing::Unseen) {
        let split = query.split.as_str();
        let hint = "hint: ask for split `test`";
        return Err(EnvError::Usage(format!(
            "the {split} set has no unseen phrasings: they are kept for the test set\n{hint}"
        )));
    }
    let turn = |index: usize| {
        let round = index / wanted.len();
        let unseen = match query.phrasing {
            Some(phrasing) => phrasing == Phrasing::Unseen,
            None => query.split == Split::Test && round % 2 == 1,
        };
        let phrasing = if unseen { Phrasing::Unseen } else { Phrasing::Seen };
        task(application, wanted[index % wanted.len()], (query.split, phrasing), (query.seed, round))
    };
    Ok((0..query.count).map(turn).collect())
}

fn wanted(application: &str, names: &[String]) -> Result<Vec<&'static Family>, EnvError> {
    if names.is_empty() {
        return Ok(families(application));
    }
    names
        .iter()
        .map(|name| super::family(application, name).ok_or_else(|| unknown_family(application, "query", name)))
        .collect()
}

fn task(
    application: &str,
    family: &'static Family,
    (split, phrasing): (Split, Phrasing),
    (seed, round): (u64, usize),
) -> Task {
    let names = ["desktop task", application, family.name, split.as_str(), phrasing.as_str(), &round.to_string()];
    // Signed 64-bit columns and JSON numbers hold 48 bits without loss.
    let seed = hash(&names, seed) >> 16;
    let (kind, wording) = (split.as_str(), phrasing.as_str());
    Task {
        task_id: format!("{ENVIRONMENT}-{application}-{}-{kind}-{wording}-{seed:012x}", family.name),
        family: family.name.to_owned(),
        request: instance(family, seed, split, phrasing).request,
        environment: ENVIRONMENT.to_owned(),
        application: application.to_owned(),
        seed,
        phrasing,
        split,
    }
}

/// The error for a family that does not exist, with the nearest one that does.
pub fn unknown_family(application: &str, task_id: &str, name: &str) -> EnvError {
    let shared = |family: &str| family.bytes().zip(name.bytes()).take_while(|(a, b)| a == b).count();
    let closeness = |name: &&str| (shared(name), std::cmp::Reverse(name.len()));
    let nearest = families(application).into_iter().map(|family| family.name).max_by_key(closeness);
    let hint = nearest.filter(|family| shared(family) > 1).map(|family| format!("\nhint: did you mean `{family}`?"));
    EnvError::UnknownFamily {
        task_id: task_id.to_owned(),
        family: name.to_owned(),
        environment: ENVIRONMENT.to_owned(),
        hint: hint.unwrap_or_default(),
    }
}
