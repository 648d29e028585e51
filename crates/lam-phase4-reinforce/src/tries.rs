//! Tries of the same task together. Does not know what is learned of them.

use std::collections::BTreeMap;

use lam_types::Trajectory;

/// What is known of one task.
#[derive(Clone, Debug, Default)]
pub struct TaskTries<'t> {
    /// LAM3's tries, in their order.
    pub tries: Vec<&'t Trajectory>,
    /// Successes of another source, such as plans that were carried out.
    pub given: Vec<&'t Trajectory>,
}

impl<'t> TaskTries<'t> {
    /// Tasks in the order in which they first occur.
    pub fn of(attempts: &'t [Trajectory], given: &'t [Trajectory]) -> Vec<Self> {
        let mut places: BTreeMap<&str, usize> = BTreeMap::new();
        let mut tasks: Vec<Self> = Vec::new();
        let all = attempts.iter().map(|one| (one, false)).chain(given.iter().map(|one| (one, true)));
        for (trajectory, is_given) in all {
            let place = *places.entry(&trajectory.task.task_id).or_insert(tasks.len());
            if place == tasks.len() {
                tasks.push(Self::default());
            }
            match is_given {
                true => tasks[place].given.push(trajectory),
                false => tasks[place].tries.push(trajectory),
            }
        }
        tasks
    }

    /// How many of LAM3's tries succeeded.
    pub fn wins(&self) -> usize {
        self.tries.iter().filter(|try_| try_.succeeded()).count()
    }
}
