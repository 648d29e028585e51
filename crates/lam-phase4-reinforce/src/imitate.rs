//! Which successes are imitated: those of tasks that some tries solved and others did not. Pure choice over
//! trajectories.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use lam_types::{Call, SeenCalls, Trajectory};
use serde::Serialize;

use crate::Imitate;
use crate::share::Share;
use crate::tries::TaskTries;

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Keep {
    /// Successes of a task at most.
    pub per_task: usize,
    /// Which of them come first.
    pub first: Imitate,
    /// Largest share of successful tries of a task that is still learned from.
    pub max_solved_share: f64,
}

/// What was found, by tasks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Tasks in all.
    pub tasks: usize,
    /// All of the tries succeeded, whatever else is there, or none did and no success of another source is there:
    /// nothing to learn from.
    pub tasks_without_difference: usize,
    /// More of the tries succeeded than are learned from.
    pub tasks_nearly_solved: usize,
    /// Learned from although no try succeeded: by successes of another source.
    pub tasks_of_given_successes: usize,
    /// Tasks with a success that is imitated.
    pub tasks_imitated: usize,
    /// Different successes that are imitated.
    pub successes: usize,
}

/// The successes to imitate, tasks in their order.
pub fn successes<'t>(tasks: &[TaskTries<'t>], keep: Keep) -> (Vec<&'t Trajectory>, Counts) {
    let (mut chosen, mut counts) = (Vec::new(), Counts { tasks: tasks.len(), ..Counts::default() });
    for task in tasks {
        let (wins, tries) = (task.wins(), task.tries.len());
        let is_solved = wins > 0 && wins == tries;
        if is_solved || wins == 0 && task.given.is_empty() {
            counts.tasks_without_difference += 1;
            continue;
        }
        if tries > 0 && Share::new(wins, tries).is_above(keep.max_solved_share) {
            counts.tasks_nearly_solved += 1;
            continue;
        }
        counts.tasks_of_given_successes += usize::from(wins == 0);
        counts.tasks_imitated += 1;
        let own = task.tries.iter().copied().filter(|try_| try_.succeeded());
        let ordered = match keep.first {
            Imitate::Distinct => distinct_first(own.collect(), task.given.clone()),
            Imitate::Usual => usual_first(own.collect(), task.given.clone()),
        };
        chosen.extend(ordered.into_iter().take(keep.per_task));
    }
    // An exploration's successes are among its attempts, too: one that is given as both is one.
    counts.successes = chosen.iter().map(|one| one.trajectory_id.as_str()).collect::<BTreeSet<_>>().len();
    (chosen, counts)
}

/// Those that do different things before those that repeat one, LAM3's own before others, shorter first.
fn distinct_first<'t>(mut own: Vec<&'t Trajectory>, mut given: Vec<&'t Trajectory>) -> Vec<&'t Trajectory> {
    own.sort_by_key(|success| success.steps.len());
    given.sort_by_key(|success| success.steps.len());
    let mut seen = SeenCalls::default();
    let (distinct, repeated): (Vec<_>, Vec<_>) = own.into_iter().chain(given).partition(|success| seen.is_new(success));
    distinct.into_iter().chain(repeated).collect()
}

/// Those that do what most of LAM3's successes do, of ways that are as usual the shorter one; others' after LAM3's own.
fn usual_first<'t>(mut own: Vec<&'t Trajectory>, mut given: Vec<&'t Trajectory>) -> Vec<&'t Trajectory> {
    let calls: Vec<Vec<Call>> = own.iter().map(|success| success.calls()).collect();
    let repeats = |of: &Trajectory| {
        let own = of.calls();
        calls.iter().filter(|calls| **calls == own).count()
    };
    own.sort_by_cached_key(|success| (Reverse(repeats(success)), success.steps.len()));
    given.sort_by_key(|success| success.steps.len());
    own.into_iter().chain(given).collect()
}

#[cfg(test)]
mod tests {
    use lam_types::Complete;

    use super::*;
    use crate::example_tries::{attempt, ids};

    const KEEP: Keep = Keep { per_task: 2, first: Imitate::Distinct, max_solved_share: 0.75 };

    #[test]
    fn tasks_that_all_or_no_tries_solve_teach_nothing() {
        let (yes, no) = (Complete::Yes, Complete::No);
        let attempts = [
            attempt("never", 0, &["Bold"], no),
            attempt("never", 1, &["Bold"], no),
            attempt("always", 0, &["Bold"], yes),
            attempt("some", 0, &["Italic"], no),
            attempt("some", 1, &["Bold"], yes),
            attempt("nearly", 0, &["Bold"], yes),
            attempt("nearly", 1, &["Bold"], yes),
            attempt("nearly", 2, &["Bold"], yes),
            attempt("nearly", 3, &["Bold"], yes),
            attempt("nearly", 4, &["Undo"], no),
        ];
        let (chosen, counts) = successes(&TaskTries::of(&attempts, &[]), KEEP);
        assert_eq!(ids(&chosen), ["some-1"]);
        let expected = Counts {
            tasks: 4,
            tasks_without_difference: 2,
            tasks_nearly_solved: 1,
            tasks_of_given_successes: 0,
            tasks_imitated: 1,
            successes: 1,
        };
        assert_eq!(counts, expected);
    }

    #[test]
    fn different_ways_come_first_and_short_ones_before_long_ones() {
        let attempts = [
            attempt("a", 0, &["Home", "Insert", "Bold"], Complete::Yes),
            attempt("a", 1, &["Home", "Bold"], Complete::Yes),
            attempt("a", 2, &["Home", "Bold"], Complete::Yes),
            attempt("a", 3, &["Italic"], Complete::No),
        ];
        let tasks = TaskTries::of(&attempts, &[]);
        let of = |per_task| ids(&successes(&tasks, Keep { per_task, ..KEEP }).0);
        assert_eq!((of(2), of(4)), (vec!["a-1", "a-0"], vec!["a-1", "a-0", "a-2"]));
    }

    #[test]
    fn the_usual_way_comes_before_a_shorter_one_that_was_gone_once() {
        let attempts = [
            attempt("a", 0, &["Bold"], Complete::Yes),
            attempt("a", 1, &["Home", "Insert", "Bold"], Complete::Yes),
            attempt("a", 2, &["Home", "Bold"], Complete::Yes),
            attempt("a", 3, &["Home", "Bold"], Complete::Yes),
            attempt("a", 4, &["Italic"], Complete::No),
            attempt("a", 5, &["Italic"], Complete::No),
        ];
        let given = [attempt("a", 9, &["Bold"], Complete::Yes)];
        let tasks = TaskTries::of(&attempts, &given);
        let of = |per_task| ids(&successes(&tasks, Keep { per_task, first: Imitate::Usual, ..KEEP }).0);
        assert_eq!((of(2), of(9)), (vec!["a-2", "a-3"], vec!["a-2", "a-3", "a-0", "a-1", "a-9"]));
    }

    #[test]
    fn successes_of_another_source_stand_in_where_no_try_succeeded() {
        let attempts = [attempt("a", 0, &["Undo"], Complete::No), attempt("b", 0, &["Bold"], Complete::Yes)];
        let given = [attempt("a", 7, &["Bold"], Complete::Yes), attempt("c", 7, &["Bold"], Complete::Yes)];
        let (chosen, counts) = successes(&TaskTries::of(&attempts, &given), KEEP);
        assert_eq!(ids(&chosen), ["a-7", "c-7"]);
        assert_eq!((counts.tasks, counts.tasks_of_given_successes, counts.tasks_without_difference), (3, 2, 1));
    }

    #[test]
    fn what_every_try_solves_is_not_learned_from_another_source_either() {
        let attempts = [attempt("a", 0, &["Bold"], Complete::Yes), attempt("a", 1, &["Home", "Bold"], Complete::Yes)];
        let given = [attempt("a", 7, &["Bold"], Complete::Yes)];
        let (chosen, counts) = successes(&TaskTries::of(&attempts, &given), KEEP);
        assert_eq!((chosen.len(), counts.tasks_without_difference, counts.tasks_imitated), (0, 1, 0));
    }

    #[test]
    fn a_success_that_is_given_among_the_tries_as_well_counts_once() {
        let attempts = [attempt("a", 0, &["Undo"], Complete::No), attempt("a", 1, &["Bold"], Complete::Yes)];
        let (chosen, counts) = successes(&TaskTries::of(&attempts, &attempts[1..]), KEEP);
        assert_eq!((ids(&chosen), counts.successes), (vec!["a-1", "a-1"], 1));
    }
}
