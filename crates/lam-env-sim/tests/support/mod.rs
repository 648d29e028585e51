//! Shared by the tests: queries, and a player that carries actions out.

use lam_env::{Application, TaskQuery};
use lam_env_sim::Sim;
use lam_types::{Action, Complete, Phrasing, Split, Task};

pub fn query(split: Split, phrasing: Option<Phrasing>, count: usize) -> TaskQuery {
    TaskQuery {
        split,
        phrasing,
        families: Vec::new(),
        count,
        seed: 7,
    }
}

pub fn tasks(split: Split, phrasing: Phrasing, count: usize) -> Vec<Task> {
    Sim::new()
        .tasks(&query(split, Some(phrasing), count))
        .expect("a valid query")
}

pub fn play(task: &Task, actions: &[Action]) -> Complete {
    let mut environment = Sim::new().open().expect("sim opens");
    environment.reset(task).expect("a known family");
    for action in actions {
        environment.act(action).expect("a live editor");
    }
    environment.verify().expect("a live editor").complete
}
