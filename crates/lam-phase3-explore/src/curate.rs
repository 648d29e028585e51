//! What is kept of the attempts: pure choice over trajectories. Knows no file and no policy.

use std::collections::BTreeMap;

use lam_types::{SeenCalls, Trajectory};

/// The attempts, chosen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curated {
    /// Successes that go into LAM3's training set, in task order.
    pub successes: Vec<Trajectory>,
    /// Failures, for phase 4, in task order.
    pub failures: Vec<Trajectory>,
    /// Attempts that an environment error ended: in neither set.
    pub environment_errors: usize,
}

/// How many trajectories of a task are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// Successes, shortest first.
    pub successes: usize,
    /// Failures, first tries first.
    pub failures: usize,
    /// Whether solved tasks keep their failures.
    pub failures_of_solved: bool,
}

/// Chooses what is kept of each task, among trajectories that do different things: of the model's own attempts, and of
/// episodes in which a plan was followed with success. Failures are the model's own: at a task that a plan solved, the
/// model failed all the same. Attempts ended by the environment are counted, not kept.
pub fn curate(attempts: Vec<Trajectory>, followed: Vec<Trajectory>, keep: Keep) -> Curated {
    let mut curated = Curated::default();
    let own = attempts.into_iter().map(|episode| (episode, true));
    for episodes in by_task(own.chain(followed.into_iter().map(|episode| (episode, false)))) {
        let (mut successes, mut failures, mut was_solved_by_itself) = (Vec::new(), Vec::new(), false);
        for (episode, is_own) in episodes {
            if episode.environment_error.is_some() {
                curated.environment_errors += 1;
            } else if episode.succeeded() {
                was_solved_by_itself |= is_own;
                successes.push(episode);
            } else if is_own {
                failures.push(episode);
            }
        }
        if !was_solved_by_itself || keep.failures_of_solved {
            curated.failures.extend(distinct(failures, keep.failures));
        }
        if !successes.is_empty() {
            successes.sort_by_key(|success| (success.steps.len(), success.attempt));
            curated.successes.extend(distinct(successes, keep.successes));
        }
    }
    curated
}

/// The episodes of each task together, tasks in the order of their first one.
fn by_task(episodes: impl Iterator<Item = (Trajectory, bool)>) -> Vec<Vec<(Trajectory, bool)>> {
    let mut place = BTreeMap::new();
    let mut groups: Vec<Vec<(Trajectory, bool)>> = Vec::new();
    for episode in episodes {
        let index = *place.entry(episode.0.task.task_id.clone()).or_insert(groups.len());
        if index == groups.len() {
            groups.push(Vec::new());
        }
        groups[index].push(episode);
    }
    groups
}

/// The first `count` trajectories that do different things.
fn distinct(trajectories: Vec<Trajectory>, count: usize) -> Vec<Trajectory> {
    let mut seen = SeenCalls::default();
    trajectories.into_iter().filter(|trajectory| seen.is_new(trajectory)).take(count).collect()
}

#[cfg(test)]
mod tests {
    use lam_types::{Action, Args, Complete, Phrasing, PolicyId, Split, State, Status, Step, Task, Verdict};

    use super::*;

    fn step(step_index: u32, control_name: &str) -> Step {
        let state = State {
            request: String::new(),
            observation: lam_types::Observation::default(),
            previous_actions: Vec::new(),
            previous_plan: Vec::new(),
        };
        let action = Action {
            thought: String::new(),
            control_label: String::new(),
            control_name: control_name.into(),
            function: "click_input".into(),
            args: Args::new(),
            status: Status::Continue,
            plan: Vec::new(),
        };
        Step::new(step_index, state, action)
    }

    fn attempt(task: &str, attempt: u32, clicks: &[&str], complete: Complete) -> Trajectory {
        Trajectory {
            trajectory_id: format!("{task}-{attempt}"),
            task: Task {
                task_id: task.into(),
                family: "bold".into(),
                request: "make it bold".into(),
                environment: "sim".into(),
                application: "word".into(),
                seed: 1,
                phrasing: Phrasing::Seen,
                split: Split::Train,
            },
            environment_version: "1".into(),
            attempt,
            policy: PolicyId { name: "LAM2".into(), hash: String::new() },
            steps: clicks.iter().enumerate().map(|(index, name)| step(index as u32, name)).collect(),
            verdict: Verdict { complete, reason: String::new(), judge: "state".into(), sub_scores: Vec::new() },
            environment_error: None,
        }
    }

    const KEEP: Keep = Keep { successes: 2, failures: 2, failures_of_solved: false };

    fn ids(trajectories: &[Trajectory]) -> Vec<&str> {
        trajectories.iter().map(|trajectory| trajectory.trajectory_id.as_str()).collect()
    }

    #[test]
    fn the_shortest_distinct_successes_of_a_task_are_kept() {
        let attempts = vec![
            attempt("a", 0, &["Home", "Insert", "Bold"], Complete::Yes),
            attempt("a", 1, &["Home", "Bold"], Complete::Yes),
            attempt("a", 2, &["Home", "Bold"], Complete::Yes),
            attempt("a", 3, &["Italic"], Complete::No),
        ];
        let curated = curate(attempts, Vec::new(), KEEP);
        assert_eq!(ids(&curated.successes), ["a-1", "a-0"]);
        assert!(curated.failures.is_empty(), "a solved task keeps no failure unless asked");
    }

    #[test]
    fn only_unsolved_tasks_leave_failures() {
        let attempts = vec![
            attempt("a", 0, &["Bold"], Complete::No),
            attempt("a", 1, &["Bold"], Complete::Unsure),
            attempt("a", 2, &["Italic"], Complete::No),
            attempt("b", 0, &["Bold"], Complete::Yes),
            attempt("b", 1, &["Undo"], Complete::No),
        ];
        let curated = curate(attempts.clone(), Vec::new(), KEEP);
        assert_eq!(ids(&curated.failures), ["a-0", "a-2"]);
        assert_eq!(ids(&curated.successes), ["b-0"]);
        let all = curate(attempts, Vec::new(), Keep { failures: 1, failures_of_solved: true, ..KEEP });
        assert_eq!(ids(&all.failures), ["a-0", "b-1"]);
    }

    #[test]
    fn a_plan_that_solves_a_task_leaves_the_models_failure() {
        let own = vec![attempt("a", 0, &["Bold"], Complete::No), attempt("b", 0, &["Bold", "Undo"], Complete::Yes)];
        let followed = vec![attempt("a", 1, &["Home", "Bold"], Complete::Yes)];
        let curated = curate(own, followed, KEEP);
        assert_eq!(ids(&curated.successes), ["a-1", "b-0"]);
        assert_eq!(ids(&curated.failures), ["a-0"]);
    }

    #[test]
    fn a_dead_environment_is_no_failure_of_the_policy() {
        let mut dead = attempt("a", 0, &["Bold"], Complete::No);
        dead.environment_error = Some("it died".into());
        let curated = curate(vec![dead], Vec::new(), KEEP);
        assert_eq!((curated.environment_errors, curated.failures.len(), curated.successes.len()), (1, 0, 0));
    }
}
