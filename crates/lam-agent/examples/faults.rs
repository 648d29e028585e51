//! Episodes of the scripted expert while the processes of their environments are killed at random: every episode has
//! to come out as a trajectory, and nothing may be left running, also when the run is interrupted.
//!
//! ```text
//! cargo run --release -p lam-agent --example faults -- writer 100            # or web, mousepad, galculator
//! cargo run --release -p lam-agent --example faults -- writer 100 3          # kills 3 s apart on average, else 6
//! timeout --signal=INT 20 target/release/examples/faults writer 100         # Ctrl-C after 20 s
//! ```

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use lam_agent::{AgentError, ExpertPolicy, Job, Limits, Session, run_episodes};
use lam_env::{Application, EnvError, TaskQuery};
use lam_env_desktop::Desktop;
use lam_env_web::{Clicks, Web};
use lam_signal::{Cancel, Progress};
use lam_types::{Split, Trajectory};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let name = args.first().map_or("writer", String::as_str);
    let episodes = args.get(1).map_or(Ok(100), |count| count.parse())?;
    let seconds: f64 = args.get(2).map_or(Ok(6.0), |seconds| seconds.parse())?;
    let app = application(name)?;
    let query = TaskQuery { split: Split::Test, phrasing: None, families: Vec::new(), count: episodes, seed: 7 };
    let tasks = app.tasks(&query)?;
    let cancel = Cancel::default();
    let interrupted = cancel.clone();
    ctrlc::set_handler(move || interrupted.cancel())?;
    let killer = Killer::start(seconds);
    let started = Instant::now();
    let session = Session { limits: &Limits::default(), journal: None, progress: &Deaths::default(), cancel: &cancel };
    let mut policy = ExpertPolicy::of(app.as_ref())?;
    let done = run_episodes(app.as_ref(), &Job::for_tasks(&tasks, 1), &mut policy, &session);
    let (ended, killed) = (started.elapsed(), killer.stop());
    drop(app);
    println!("{name}: {episodes} episodes, {:.0} s, killed {killed:?}", ended.as_secs_f64());
    let whole = report(done, episodes)?;
    let left = processes();
    println!("processes left behind: {left:?}");
    if whole && left.is_empty() { Ok(()) } else { Err("a trajectory is missing, or a process is left".into()) }
}

fn application(name: &str) -> Result<Box<dyn Application>, EnvError> {
    Ok(match name {
        "web" => Box::new(Web::find(Clicks::Script)?),
        name => Box::new(Desktop::load(name)?),
    })
}

/// Prints what came of the run; whether no trajectory is missing.
fn report(done: Result<Vec<Trajectory>, AgentError>, episodes: usize) -> Result<bool, AgentError> {
    let trajectories = match done {
        Ok(trajectories) => trajectories,
        Err(stopped @ AgentError::Cancelled { .. }) => {
            println!("interrupted: {stopped}");
            return Ok(true);
        }
        Err(error) => return Err(error),
    };
    let lost = trajectories.iter().filter(|trajectory| trajectory.environment_error.is_some()).count();
    let right = trajectories.iter().filter(|trajectory| trajectory.succeeded()).count();
    println!("{} trajectories: {right} succeeded, {lost} ended with an environment error", trajectories.len());
    for trajectory in trajectories.iter().filter(|trajectory| !trajectory.succeeded()) {
        let why = trajectory.environment_error.as_ref().unwrap_or(&trajectory.verdict.reason);
        println!("    {}: {why}", trajectory.task.task_id);
    }
    Ok(trajectories.len() == episodes)
}

/// Prints every death that the run notices.
#[derive(Default)]
struct Deaths(Mutex<u64>);

impl Progress for Deaths {
    fn begin(&self, _what: &str, _total: Option<u64>) {}

    fn advance(&self, done: u64, message: &str) {
        let mut last = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if done >= *last + 10 {
            *last = done;
            eprintln!("{done} episodes, {message}");
        }
    }

    fn note(&self, line: &str) {
        eprintln!("{line}");
    }

    fn end(&self) {}
}

/// Kills one of our processes now and then.
struct Killer {
    stop: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<BTreeMap<String, u32>>,
}

impl Killer {
    /// Kills `seconds` apart on average.
    fn start(seconds: f64) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            let (mut killed, mut random) = (BTreeMap::new(), 0x9e37_79b9_7f4a_7c15_u64);
            while !stopped.load(Ordering::Acquire) {
                let pause = seconds * 2.0 * draw(&mut random, 1000) as f64 / 1000.0;
                let until = Instant::now() + Duration::from_secs_f64(pause);
                while Instant::now() < until && !stopped.load(Ordering::Acquire) {
                    std::thread::sleep(Duration::from_millis(20));
                }
                let found = processes();
                if found.is_empty() || stopped.load(Ordering::Acquire) {
                    continue;
                }
                let (id, name) = &found[draw(&mut random, found.len() as u64) as usize];
                // SAFETY: kill takes plain numbers; the process was just found to be of this run.
                unsafe { libc::kill(*id, libc::SIGKILL) };
                *killed.entry(name.clone()).or_insert(0) += 1;
            }
            killed
        });
        Self { stop, thread }
    }

    /// Stops; how many of which program were killed.
    fn stop(self) -> BTreeMap<String, u32> {
        self.stop.store(true, Ordering::Release);
        self.thread.join().unwrap_or_default()
    }
}

/// A number below `most` (xorshift64).
fn draw(state: &mut u64, most: u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state % most
}

/// The processes of this run's environments: id and name.
fn processes() -> Vec<(i32, String)> {
    let own = std::process::id();
    let markers = [format!("lam-desktop-{own}-"), format!("lam-web-{own}-")];
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let ours = ids.filter(|id| {
        let read = |file: &str| std::fs::read(format!("/proc/{id}/{file}")).unwrap_or_default();
        let text = [read("environ"), read("cmdline")].concat();
        let text = String::from_utf8_lossy(&text);
        markers.iter().any(|marker| text.contains(marker))
    });
    let named = ours.map(|id| {
        let name = std::fs::read_to_string(format!("/proc/{id}/comm")).unwrap_or_default();
        (id, name.trim().to_owned())
    });
    named.collect()
}
