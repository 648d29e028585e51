//! How fast a real application is as an environment: medians as one JSON object.
//!
//! ```text
//! cargo run --release -p lam-env-desktop --example desktop_timings -- writer
//! ```

use std::time::{Duration, Instant};

use lam_env::{Application, EnvError, Environment, TaskQuery};
use lam_env_desktop::Desktop;
use lam_types::{Action, Observation, Split, Status, Task};

const RESETS: usize = 7;
const STEPS: usize = 21;
/// What an episode leaves a spare to start in.
const EPISODE: Duration = Duration::from_secs(5);

fn main() -> Result<(), EnvError> {
    let name = std::env::args().nth(1).unwrap_or_else(|| "writer".into());
    let app = Desktop::load(&name)?.with_prewarmed(1);
    let query = TaskQuery { split: Split::Test, phrasing: None, families: vec!["bold".into()], count: 2, seed: 1 };
    let tasks = app.tasks(&query)?;
    let mut environment = app.open()?;
    let first = reset(environment.as_mut(), &tasks[0])?;
    let cold: Result<Vec<f64>, EnvError> = (0..RESETS).map(|_| reset(environment.as_mut(), &tasks[0])).collect();
    let observation = environment.reset(&tasks[0])?;
    let observe = time(environment.as_mut(), &action(&observation, "texts", "Document"))?;
    environment.act(&select(&observation))?;
    let act = time(environment.as_mut(), &action(&observation, "click_input", "Italic"))?;
    let memory = memory_mib();
    let mut warm = Vec::new();
    for round in 0..RESETS {
        let next = &tasks[(round + 1) % 2];
        app.prepare(&[next]);
        std::thread::sleep(EPISODE);
        warm.push(reset(environment.as_mut(), next)?);
    }
    app.prepare(&[&tasks[0]]);
    std::thread::sleep(EPISODE);
    println!(
        "{{\"application\": \"{name}\", \"controls\": {}, \"observe_s\": {observe:.4}, \"act_and_observe_s\": {act:.4}, \
         \"first_reset_s\": {first:.3}, \"cold_reset_s\": {:.3}, \"warm_reset_s\": {:.3}, \"memory_mib\": {memory:.0}, \
         \"memory_with_a_spare_mib\": {:.0}}}",
        observation.controls.len(),
        median(cold?),
        median(warm),
        memory_mib()
    );
    Ok(())
}

fn reset(environment: &mut dyn Environment, task: &Task) -> Result<f64, EnvError> {
    let started = Instant::now();
    environment.reset(task)?;
    Ok(started.elapsed().as_secs_f64())
}

fn time(environment: &mut dyn Environment, action: &Action) -> Result<f64, EnvError> {
    let mut times = Vec::new();
    for _ in 0..STEPS {
        let started = Instant::now();
        environment.act(action)?;
        times.push(started.elapsed().as_secs_f64());
    }
    Ok(median(times))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn action(observation: &Observation, function: &str, name: &str) -> Action {
    let label = observation.controls_named(name).next().map_or("", |control| &control.label);
    Action {
        thought: String::new(),
        control_label: label.into(),
        control_name: name.into(),
        function: function.into(),
        args: lam_types::Args::new(),
        status: Status::Continue,
        plan: Vec::new(),
    }
}

fn select(observation: &Observation) -> Action {
    let word = observation.document.split_whitespace().next().unwrap_or_default();
    let args = lam_types::Args::from_iter([("text".to_owned(), word.into())]);
    Action { args, ..action(observation, "select_text", "") }
}

/// Proportional set size of the desktop's processes.
fn memory_mib() -> f64 {
    let marker = format!("LAM_DESKTOP=lam-desktop-{}-", std::process::id());
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let kib = entries.filter_map(|entry| {
        let variables = std::fs::read(entry.path().join("environ")).ok()?;
        let ours = String::from_utf8_lossy(&variables).split('\0').any(|variable| variable.starts_with(&marker));
        let rollup = ours.then(|| std::fs::read_to_string(entry.path().join("smaps_rollup")).ok()).flatten()?;
        rollup.lines().find_map(|line| line.strip_prefix("Pss:")?.split_whitespace().next()?.parse::<f64>().ok())
    });
    kib.sum::<f64>() / 1024.0
}
