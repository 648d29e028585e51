//! Runs reference solutions in a real application and prints, family by family, how many were judged right.
//!
//! ```text
//! cargo run --release -p lam-env-desktop --example desktop_experts -- writer 2 [FAMILY …]
//! ```

use std::time::Instant;

use lam_env::{Application, EnvError, Environment, Guarded, TaskQuery};
use lam_env_desktop::Desktop;
use lam_types::{Complete, PastAction, Split, State, Status, StepStatus, Task};

fn main() -> Result<(), EnvError> {
    let mut args = std::env::args().skip(1);
    let app = Desktop::load(&args.next().unwrap_or_else(|| "writer".into()))?;
    let seeds: usize = args.next().and_then(|seeds| seeds.parse().ok()).unwrap_or(1);
    let named: Vec<String> = args.collect();
    let families = if named.is_empty() { app.family_names().into_iter().map(str::to_owned).collect() } else { named };
    let open = || Ok::<_, EnvError>(Guarded::new(app.open()?, app.rules()));
    let mut environment = open()?;
    let (mut all, mut right) = (0, 0);
    for family in &families {
        let started = Instant::now();
        let split = Split::Test;
        let query = TaskQuery { split, phrasing: None, families: vec![family.clone()], count: seeds, seed: 1 };
        let mut failures = Vec::new();
        let tasks = app.tasks(&query)?;
        for (place, task) in tasks.iter().enumerate() {
            match attempt(&app, &mut environment, task, tasks.get(place + 1)) {
                Ok(None) => {}
                Ok(Some(reason)) => failures.push(format!("{}: {reason}", task.request)),
                Err(error) => {
                    failures.push(format!("{}: {error}", task.request));
                    environment = open()?;
                }
            }
        }
        (all, right) = (all + seeds, right + seeds - failures.len());
        let seconds = started.elapsed().as_secs_f64() / seeds as f64;
        println!("{family:<24} {}/{seeds}  {seconds:.1} s an episode", seeds - failures.len());
        failures.iter().for_each(|failure| println!("    {failure}"));
    }
    println!("{right} of {all} episodes, {} families", families.len());
    Ok(())
}

/// What was wrong at the end of one episode of the reference solution, if anything.
fn attempt(
    app: &Desktop,
    environment: &mut dyn Environment,
    task: &Task,
    next: Option<&Task>,
) -> Result<Option<String>, EnvError> {
    let observation = environment.reset(task)?;
    // The next one starts meanwhile.
    app.prepare(&next.into_iter().collect::<Vec<_>>());
    let request = task.request.clone();
    let mut state = State { request, observation, previous_actions: Vec::new(), previous_plan: Vec::new() };
    for _ in 0..20 {
        let action = app.reference(task, &state)?;
        let outcome = environment.act(&action)?;
        if outcome.status != StepStatus::Ok || action.function.is_empty() {
            return Ok(Some(format!(
                "`{} {}`: {} {}",
                action.function, action.control_name, action.thought, outcome.message
            )));
        }
        state.previous_actions.push(PastAction::of(&action, outcome.status));
        state.observation = outcome.observation;
        if action.status == Status::Finish {
            let verdict = environment.verify()?;
            return Ok((verdict.complete != Complete::Yes).then_some(verdict.reason));
        }
    }
    Ok(Some("not finished".into()))
}
