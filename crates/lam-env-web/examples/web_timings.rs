//! How fast the pages are, as JSON: medians over many episodes on one browser, in milliseconds.
//! `cargo run --release -p lam-env-web --example web_timings`.

use std::time::Instant;

use lam_env::{Application, Environment, Expert, TaskQuery};
use lam_env_web::{Clicks, Web, WebEnvironment, WebExpert, own_words};
use lam_types::{PastAction, Split, State, Status, Task};
use serde_json::{Value, json};

/// Small and large pages, with one step and with many.
const FAMILIES: [&str; 8] = [
    "click-test",
    "click-button",
    "enter-text",
    "email-inbox-delete",
    "choose-list",
    "social-media",
    "click-checkboxes",
    "click-tab-2",
];
const EPISODES: usize = 200;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let by_script = measure(Clicks::Script)?;
    let native = measure(Clicks::Native)?;
    println!("{:#}", json!({"families": FAMILIES, "episodes": EPISODES, "script": by_script, "native": native}));
    Ok(())
}

fn measure(clicks: Clicks) -> Result<Value, Box<dyn std::error::Error>> {
    let web = Web::find(clicks)?;
    let families = FAMILIES.map(str::to_owned).to_vec();
    let query = TaskQuery { split: Split::Train, phrasing: None, families, count: EPISODES, seed: 1 };
    let mut tasks = web.tasks(&query)?;
    tasks.sort_by(|one, other| one.family.cmp(&other.family));
    let started = Instant::now();
    let mut environment = web.instance();
    environment.reset(&tasks[0])?;
    let cold_ms = ms(started);
    for task in &mut tasks {
        task.request = own_words(&mut environment, task)?;
    }
    let (mut resets, mut steps, mut won) = (Vec::new(), Vec::new(), 0);
    let mut page = String::new();
    for task in &tasks {
        let (reset_ms, steps_ms, is_won) = episode(&mut environment, task)?;
        // The first episode of a page loads it.
        if page == task.family {
            resets.push(reset_ms);
            steps.extend(steps_ms);
        }
        page.clone_from(&task.family);
        won += usize::from(is_won);
    }
    let mean = steps.iter().sum::<f64>() / steps.len() as f64;
    Ok(json!({
        "browser_start_ms": cold_ms,
        "reset_and_observe_ms": median(&mut resets),
        "act_and_observe_ms": median(&mut steps),
        "steps_per_second": 1000.0 / mean,
        "steps": steps.len(),
        "won": won,
        "memory_mib": memory_mib(&environment),
    }))
}

/// Milliseconds of the reset and of each step, and whether the expert won.
fn episode(environment: &mut WebEnvironment, task: &Task) -> Result<(f64, Vec<f64>, bool), lam_env::EnvError> {
    let started = Instant::now();
    let observation = environment.reset(task)?;
    let (reset_ms, mut steps) = (ms(started), Vec::new());
    let mut state =
        State { request: task.request.clone(), observation, previous_actions: Vec::new(), previous_plan: Vec::new() };
    while steps.len() < 20 && !environment.has_ended() {
        let action = WebExpert.decide(&state)?;
        let started = Instant::now();
        let outcome = environment.act(&action)?;
        steps.push(ms(started));
        state.previous_actions.push(PastAction::of(&action, outcome.status));
        state.observation = outcome.observation;
        if action.status == Status::Finish {
            break;
        }
    }
    Ok((reset_ms, steps, environment.verify()?.complete == lam_types::Complete::Yes))
}

fn ms(since: Instant) -> f64 {
    1000.0 * since.elapsed().as_secs_f64()
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Proportional memory of the browser's processes.
fn memory_mib(environment: &WebEnvironment) -> u64 {
    let share = |id: &i32| {
        let text = std::fs::read_to_string(format!("/proc/{id}/smaps_rollup")).ok()?;
        let line = text.lines().find(|line| line.starts_with("Pss:"))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    };
    environment.processes().iter().filter_map(share).sum::<u64>() / 1024
}
