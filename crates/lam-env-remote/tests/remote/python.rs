//! The environment of `configs/environments` in a Python process of its own, driven as any other.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use lam_agent::{ExpertPolicy, Job, Limits, Session, run_episodes};
use lam_env::{Application, EnvError, TaskQuery};
use lam_env_remote::{ClientSettings, Remote};
use lam_signal::{Cancel, NoProgress};
use lam_types::{Action, Phrasing, Split, Status, StepStatus, Trajectory};

use crate::not_run::not_run;

/// A server, ended with the test.
struct Served(Child, String);

impl Drop for Served {
    fn drop(&mut self) {
        let _ = (self.0.kill(), self.0.wait());
    }
}

/// The switches, where there is a Python.
#[track_caller]
fn switches() -> Option<Served> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/environments/switches.py");
    let mut command = Command::new("python3");
    command.args([script.as_os_str(), "--port".as_ref(), "0".as_ref()]).env("PYTHONDONTWRITEBYTECODE", "1");
    let Ok(mut child) = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn() else {
        not_run("python3 is not installed");
        return None;
    };
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let url = line.split_whitespace().find(|word| word.starts_with("ws://")).unwrap_or_default();
    let url = url.trim_end_matches(';').to_owned();
    let served = Served(child, url);
    if served.1.is_empty() {
        // A stub in its place, say, or one from before the language that is used.
        not_run("python3 does not serve configs/environments/switches.py");
        return None;
    }
    Some(served)
}

fn query(split: Split, phrasing: Option<Phrasing>, count: usize) -> TaskQuery {
    TaskQuery { split, phrasing, families: Vec::new(), count, seed: 3 }
}

fn play(remote: &Remote, query: &TaskQuery) -> Vec<Trajectory> {
    let jobs = Job::for_tasks(&remote.tasks(query).unwrap(), 1);
    let limits = Limits { parallel: 4, ..Limits::default() };
    let session = Session { limits: &limits, journal: None, progress: &NoProgress, cancel: &Cancel::default() };
    run_episodes(remote, &jobs, &mut ExpertPolicy::of(remote).unwrap(), &session).unwrap()
}

#[test]
fn an_environment_without_rust_is_drawn_acted_in_taught_and_judged() {
    let Some(served) = switches() else { return };
    let remote = Remote::connect(&served.1, ClientSettings::default()).unwrap();
    assert_eq!((remote.environment(), remote.version()), ("switches", "1/openenv"));
    assert_eq!(remote.functions()[0].name, "click_input");
    let words = remote.vocabulary();
    assert!(words.iter().any(|text| text == "kitchen") && words.iter().any(|text| text.starts_with("Make it bright")));
    let train = query(Split::Train, None, 12);
    let tasks = remote.tasks(&train).unwrap();
    assert_eq!(tasks, remote.tasks(&train).unwrap(), "the same query gives the same tasks");
    assert!(tasks.iter().all(|task| task.phrasing == Phrasing::Seen && task.split == Split::Train));
    let families: Vec<&str> = tasks.iter().take(3).map(|task| task.family.as_str()).collect();
    assert_eq!(families, ["light", "dark", "light"], "families take turns");

    let known = play(&remote, &train);
    for one in &known {
        let is_understood = one.task.request.starts_with("Turn ");
        assert_eq!(one.succeeded(), is_understood, "{}: {:?}", one.task.request, one.verdict);
    }
    assert!(known.iter().any(|one| one.succeeded() && one.steps.len() > 1));
    let unseen = play(&remote, &query(Split::Test, Some(Phrasing::Unseen), 24));
    assert!(unseen.iter().all(|one| !one.succeeded()), "the expert does not know every wording");
    let reason = &unseen[0].verdict.reason;
    assert!(reason.contains("expected: ") && reason.contains("; found: "), "{reason}");
}

#[test]
fn what_does_not_fit_is_refused_and_the_session_goes_on() {
    let Some(served) = switches() else { return };
    let remote = Remote::connect(&served.1, ClientSettings::default()).unwrap();
    let task = remote.tasks(&query(Split::Train, None, 1)).unwrap().remove(0);
    let mut environment = remote.open().unwrap();
    let mut other = task.clone();
    other.family = "no_such".into();
    let refused = environment.reset(&other).unwrap_err();
    assert!(matches!(&refused, EnvError::Usage(details) if details.what.contains("`no_such`")), "{refused}");
    let screen = environment.reset(&task).unwrap();
    let action = |function: &str, label: &str| Action {
        function: function.into(),
        control_label: label.into(),
        status: Status::Continue,
        ..Action::stop("")
    };
    for (function, label, words) in [("fly", "1", "`fly`"), ("click_input", "99", "`99`"), ("click_input", "", "``")] {
        let outcome = environment.act(&action(function, label)).unwrap();
        assert_eq!((outcome.status, outcome.observation == screen), (StepStatus::InvalidAction, true));
        assert!(outcome.message.contains(words), "{}", outcome.message);
    }
    let outcome = environment.act(&action("click_input", "1")).unwrap();
    assert_eq!(outcome.status, StepStatus::Ok);
    assert_ne!(outcome.observation.controls[0].selected, screen.controls[0].selected);
    let refused = remote.tasks(&query(Split::Train, Some(Phrasing::Unseen), 1)).unwrap_err().to_string();
    assert!(refused.contains("unseen"), "{refused}");
}
