//! How fast a real application is as an environment: medians as one JSON object.
//!
//! ```text
//! cargo run --release -p lam-env-desktop --example desktop_timings -- writer
//! ```

use std::time::Instant;

use lam_env::{Application, EnvError, Environment, TaskQuery};
use lam_env_desktop::Desktop;
use lam_types::{Action, Observation, Split, Status};

const RESETS: usize = 7;
const STEPS: usize = 21;

fn main() -> Result<(), EnvError> {
    let name = std::env::args().nth(1).unwrap_or_else(|| "writer".into());
    let app = Desktop::load(&name)?;
    let query = TaskQuery { split: Split::Test, phrasing: None, families: vec!["bold".into()], count: 1, seed: 1 };
    let task = &app.tasks(&query)?[0];
    let started = Instant::now();
    let mut environment = app.open()?;
    let mut observation = environment.reset(task)?;
    let first = started.elapsed().as_secs_f64();
    let mut resets = Vec::new();
    for _ in 0..RESETS {
        let started = Instant::now();
        observation = environment.reset(task)?;
        resets.push(started.elapsed().as_secs_f64());
    }
    let look = action(&observation, "texts", "Document");
    let observe = time(environment.as_mut(), &look)?;
    environment.act(&select(&observation))?;
    let act = time(environment.as_mut(), &action(&observation, "click_input", "Italic"))?;
    println!(
        "{{\"application\": \"{name}\", \"controls\": {}, \"observe_s\": {observe:.4}, \"act_and_observe_s\": {act:.4}, \
         \"first_reset_s\": {first:.3}, \"reset_s\": {:.3}, \"memory_mib\": {:.0}}}",
        observation.controls.len(),
        median(resets),
        memory_mib()
    );
    Ok(())
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
