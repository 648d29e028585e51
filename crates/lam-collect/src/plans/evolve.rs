//! Evolution (paper §3.1.4): a task gets a further requirement, with a limit on the words added.
//!
//! The rule here joins two pairs of different families; the plan stays executable, because it is one plan after
//! the other. Both come from the same split and are about the same application.

use std::collections::BTreeSet;

use lam_store::task_plan_id;
use lam_types::{PlanSource, Split, TaskPlan};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::config::PlansConfig;

const PRODUCER: &str = "rule:join-1";
const JOINTS: [&str; 2] = [" and then ", ", then "];
/// Partners tried for one parent before it is left alone.
const TRIES: usize = 20;

/// As many evolved pairs as the configured ratio asks for, if there are partners for them.
pub fn evolve(pairs: &[TaskPlan], config: &PlansConfig) -> Vec<TaskPlan> {
    let mut evolved = Vec::new();
    for split in [Split::Train, Split::Test] {
        let mut random = stream(config.seed, split);
        let of_split = || pairs.iter().filter(|pair| pair.split == split);
        let applications: BTreeSet<&str> = of_split().map(|pair| pair.application.as_str()).collect();
        for application in applications {
            let parents: Vec<&TaskPlan> = of_split().filter(|pair| pair.application == application).collect();
            evolved.extend(evolve_group(&parents, &mut random, config));
        }
    }
    evolved
}

fn evolve_group(parents: &[&TaskPlan], random: &mut ChaCha8Rng, config: &PlansConfig) -> Vec<TaskPlan> {
    let wanted = (parents.len() as f64 * config.evolve_ratio).round() as usize;
    let (mut evolved, mut tasks) = (Vec::new(), BTreeSet::new());
    let turns = (0..wanted).map(|turn| parents[turn % parents.len()]);
    for parent in turns {
        let joined = (0..TRIES).find_map(|_| {
            let partner = parents[random.random_range(0..parents.len())];
            let joint = JOINTS[random.random_range(0..JOINTS.len())];
            join(parent, partner, joint, config).filter(|pair| !tasks.contains(&pair.task))
        });
        if let Some(pair) = joined {
            tasks.insert(pair.task.clone());
            evolved.push(pair);
        }
    }
    evolved
}

/// Both tasks in one, unless that breaks a limit.
fn join(parent: &TaskPlan, partner: &TaskPlan, joint: &str, config: &PlansConfig) -> Option<TaskPlan> {
    let words = |text: &str| text.split_whitespace().count();
    let (first, second) = wordings(parent, partner);
    let task = format!("{}{joint}{second}", first.trim_end_matches([' ', '.', '?', '!']));
    let plan = [parent.plan.as_slice(), partner.plan.as_slice()].concat();
    let fits = words(&task) <= config.max_task_words
        && words(&task).saturating_sub(words(&parent.task)) <= config.max_extra_words
        && plan.len() <= config.max_steps;
    let differ = parent.family != partner.family || parent.family.is_empty() && parent.task_id != partner.task_id;
    (fits && differ).then(|| TaskPlan {
        task_id: task_plan_id(&parent.task_id, &task, &plan),
        source: PlanSource::Evolved,
        task,
        plan,
        parent_id: Some(parent.task_id.clone()),
        producer: format!("{PRODUCER} with {}", partner.task_id),
        family: family(parent, partner),
        ..parent.clone()
    })
}

/// Both families; none where the document names none.
fn family(parent: &TaskPlan, partner: &TaskPlan) -> String {
    if parent.family.is_empty() { String::new() } else { format!("{}+{}", parent.family, partner.family) }
}

/// How the two tasks stand in one sentence: where the document names no families, the second begins
/// with a small letter, and an application that both name at their ends is named once.
fn wordings<'a>(parent: &'a TaskPlan, partner: &TaskPlan) -> (&'a str, String) {
    if !parent.family.is_empty() {
        return (&parent.task, partner.task.clone());
    }
    let place = parent.task.rfind(" in ").map(|at| parent.task.split_at(at));
    let is_named = |place: &str| place[4..].starts_with(char::is_uppercase) && partner.task.ends_with(place);
    let first = place.filter(|(_, place)| is_named(place)).map_or(parent.task.as_str(), |(before, _)| before);
    let mut characters = partner.task.chars();
    let small = characters.next().map(|first| first.to_lowercase().chain(characters).collect()).unwrap_or_default();
    (first, small)
}

/// The random stream of one split's evolution.
fn stream(seed: u64, split: Split) -> ChaCha8Rng {
    let name = lam_store::hash_bytes(format!("{seed}/evolve/{}", split.as_str()).as_bytes());
    ChaCha8Rng::seed_from_u64(u64::from_str_radix(&name[..16], 16).expect("a hash is hex"))
}
