//! Shared by the tests: queries and their tasks.

use lam_env::{Application, TaskQuery};
use lam_env_sim::Sim;
use lam_types::{Phrasing, Split, Task};

pub fn query(split: Split, phrasing: Option<Phrasing>, count: usize) -> TaskQuery {
    TaskQuery { split, phrasing, families: Vec::new(), count, seed: 7 }
}

pub fn tasks(split: Split, phrasing: Phrasing, count: usize) -> Vec<Task> {
    Sim::new().tasks(&query(split, Some(phrasing), count)).expect("a valid query")
}
