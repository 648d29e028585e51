//! What the live tests share: whether programs are there, episodes of the reference solution, processes of a desktop.

use std::sync::{Mutex, MutexGuard};

use lam_env::{Application, EnvError, Environment, TaskQuery};
use lam_env_desktop::Desktop;
use lam_types::{PastAction, Split, State, Status, StepStatus, Task, Verdict};

static ALONE: Mutex<()> = Mutex::new(());

/// Held by a test that starts desktops: they are told apart by the process they belong to.
pub fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The application, if its programs are installed.
pub fn application(name: &str) -> Option<Desktop> {
    let app = Desktop::load(name).expect("a shipped application");
    match app.check_installed() {
        Ok(()) => Some(app),
        Err(error) if std::env::var_os("LAM_REQUIRE_ENVIRONMENTS").is_some() => panic!("{error}"),
        Err(error) => {
            eprintln!("skipped: {error}");
            None
        }
    }
}

/// The first test task of a family.
pub fn task(app: &Desktop, family: &str) -> Task {
    let query = TaskQuery { split: Split::Test, phrasing: None, families: vec![family.into()], count: 1, seed: 5 };
    app.tasks(&query).expect("the family exists").remove(0)
}

/// One episode of the reference solution.
pub fn solve(app: &Desktop, environment: &mut dyn Environment, task: &Task) -> Result<(Verdict, State), EnvError> {
    let observation = environment.reset(task)?;
    let request = task.request.clone();
    let mut state = State { request, observation, previous_actions: Vec::new(), previous_plan: Vec::new() };
    for _ in 0..20 {
        let action = app.reference(task, &state)?;
        let outcome = environment.act(&action)?;
        assert_eq!(outcome.status, StepStatus::Ok, "{} {}: {}", action.function, action.control_name, outcome.message);
        state.previous_actions.push(PastAction::of(&action, outcome.status));
        state.observation = outcome.observation;
        if action.status == Status::Finish {
            break;
        }
    }
    Ok((environment.verify()?, state))
}

/// Processes of the desktops of process `owner`: id and program.
pub fn processes(owner: u32) -> Vec<(i32, String)> {
    let marker = format!("LAM_DESKTOP=lam-desktop-{owner}-");
    let ids = std::fs::read_dir("/proc").expect("/proc").flatten();
    let ids = ids.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    ids.filter(|id| *id != std::process::id() as i32)
        .filter(|id| {
            let variables = std::fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
            String::from_utf8_lossy(&variables).split('\0').any(|variable| variable.starts_with(&marker))
        })
        .map(|id| {
            let name = std::fs::read_to_string(format!("/proc/{id}/comm")).unwrap_or_default();
            (id, name.trim().to_owned())
        })
        .collect()
}
