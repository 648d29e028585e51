//! The reference solution: what an all-knowing user does. It is not a teacher: it sees the task, not the state.
//!
//! It tells what is possible, so that tests and evaluations can be held against it.

use lam_types::{Action, Task};

use crate::drive::drive;
use crate::instance::{self, Instance};
use crate::procedure::plan_steps;

/// The actions that solve a task from its start, or `None` for a family that does not exist.
pub fn reference(task: &Task) -> Option<Vec<Action>> {
    let Instance { parts, mut start, .. } = instance::of(task)?;
    drive(&mut start, &instance::calls(&parts)).ok()
}

/// The steps of a plan that solves a task from any start: tabs are always named.
pub fn reference_plan(task: &Task) -> Option<Vec<String>> {
    Some(plan_steps(&instance::of(task)?.calls()))
}
