//! Prints what the environment's tasks look like: solution lengths, controls on a screen, and how often the
//! expert succeeds, overall and by family.

use std::collections::BTreeMap;

use lam_env::{Application, EnvError, Expert, TaskQuery};
use lam_env_sim::{Sim, reference};
use lam_types::{Complete, PastAction, Split, State, Status, Task};

fn main() -> Result<(), EnvError> {
    let count = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(500);
    let sim = Sim::new();
    let query = TaskQuery { split: Split::Train, phrasing: None, families: Vec::new(), count, seed: 1 };
    let tasks = sim.tasks(&query)?;
    let mut steps = 0;
    let (mut screens, mut controls, mut largest) = (0, 0, 0);
    let mut families: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for task in &tasks {
        let mut environment = sim.open()?;
        let mut observation = environment.reset(task)?;
        for action in reference(task).unwrap_or_default() {
            steps += 1;
            screens += 1;
            controls += observation.controls.len();
            largest = largest.max(observation.controls.len());
            observation = environment.act(&action)?.observation;
        }
        let entry = families.entry(&task.family).or_default();
        entry.0 += usize::from(expert_succeeds(&sim, task)?);
        entry.1 += 1;
    }
    let solved: usize = families.values().map(|(solved, _)| solved).sum();
    println!("tasks {count}, mean solution length {:.2}", ratio(steps, count));
    println!("controls a screen: mean {:.1}, largest {largest}", ratio(controls, screens));
    println!("expert: {:.1} %", 100.0 * ratio(solved, count));
    for (family, (solved, tried)) in families {
        println!("{family:24} {solved:3} of {tried:3}");
    }
    Ok(())
}

fn ratio(part: usize, whole: usize) -> f64 {
    part as f64 / whole as f64
}

fn expert_succeeds(sim: &Sim, task: &Task) -> Result<bool, EnvError> {
    let mut environment = sim.open()?;
    let mut state = State {
        request: task.request.clone(),
        observation: environment.reset(task)?,
        previous_actions: Vec::new(),
        previous_plan: Vec::new(),
    };
    for _ in 0..30 {
        let action = lam_env_sim::SimExpert.decide(&state)?;
        let outcome = environment.act(&action)?;
        state.previous_actions.push(PastAction::of(&action, outcome.status));
        state.previous_plan = action.plan;
        state.observation = outcome.observation;
        if action.status == Status::Finish {
            break;
        }
    }
    Ok(environment.verify()?.complete == Complete::Yes)
}
