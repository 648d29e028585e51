//! UFO's devices played from messages as the protocol's field list has them (`aip/*.jsonl`): what the server must say,
//! and what the device says, line by line. `$session`, `$response` and `$call` stand for what the server said last.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::thread::JoinHandle;
use std::time::Duration;

use lam_agent::{Decision, Job, Limits, Policy, PolicyError, Request, Session, run_episodes};
use lam_env::{Application, EnvError, TaskQuery};
use lam_env_remote::{AipSettings, UfoAip};
use lam_signal::Secret;
use lam_signal::{Cancel, Fault, FaultKind, NoProgress};
use lam_types::{Action, Complete, PolicyId, Split, Status, StepStatus, Task};
use serde_json::{Value, json};

use crate::socket::{LONG, Socket, get};

const TASKS: &str = "[[family]]\nname = \"word\"\nwindow = \"*- Word\"\nlaunch = \"start winword report.docx\"\n\
    requests = [\"Make the title bold\"]\n[guard]\ndeny_controls = [\"Close*\"]\n";

fn settings() -> AipSettings {
    AipSettings { port: 0, settle: Duration::ZERO, device_wait: Duration::from_secs(20), ..AipSettings::default() }
}

/// Plays a recording; the rest of the connection is kept until the thread is joined and its result dropped.
fn play(address: SocketAddr, file: &str) -> JoinHandle<Socket> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/remote/aip").join(file);
    let text = std::fs::read_to_string(path).expect("a recording");
    std::thread::spawn(move || {
        let mut socket = Socket::open(address);
        let mut names = HashMap::new();
        for (index, line) in text.lines().enumerate() {
            let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("line {}: {error}", index + 1));
            if let Some(message) = line.get("device") {
                socket.send(&filled(message, &names).to_string());
            } else {
                let said = socket.receive().unwrap_or_else(|end| panic!("line {}: {end:?}", index + 1));
                let call = &said["actions"][0]["call_id"];
                let told = [("$session", &said["session_id"]), ("$response", &said["response_id"]), ("$call", call)];
                names.extend(told.into_iter().filter(|(_, key)| !key.is_null()).map(|(name, key)| (name, key.clone())));
                let expected = filled(&line["server"], &names);
                assert!(holds(&said, &expected), "line {}: {said}\n  expected {expected}", index + 1);
            }
        }
        socket
    })
}

/// A message with the names filled in.
fn filled(message: &Value, names: &HashMap<&str, Value>) -> Value {
    match message {
        Value::String(text) => names.get(text.as_str()).cloned().unwrap_or_else(|| message.clone()),
        Value::Array(items) => items.iter().map(|item| filled(item, names)).collect(),
        Value::Object(fields) => fields.iter().map(|(key, value)| (key.clone(), filled(value, names))).collect(),
        other => other.clone(),
    }
}

/// Whether `said` has all that is expected.
fn holds(said: &Value, expected: &Value) -> bool {
    match (said, expected) {
        (Value::Object(said), Value::Object(expected)) => {
            expected.iter().all(|(key, value)| said.get(key).is_some_and(|said| holds(said, value)))
        }
        (Value::Array(said), Value::Array(expected)) => {
            said.len() == expected.len() && said.iter().zip(expected).all(|(said, expected)| holds(said, expected))
        }
        (said, expected) => said == expected,
    }
}

fn action(function: &str, (label, name): (&str, &str), args: Value, status: Status) -> Action {
    Action {
        thought: String::new(),
        control_label: label.to_owned(),
        control_name: name.to_owned(),
        function: function.to_owned(),
        args: args.as_object().cloned().unwrap_or_default(),
        status,
        plan: Vec::new(),
    }
}

fn query(families: &[&str]) -> TaskQuery {
    let families = families.iter().map(|name| (*name).to_owned()).collect();
    TaskQuery { split: Split::Test, phrasing: None, families, count: 1, seed: 0 }
}

fn task(app: &UfoAip, families: &[&str], request: &str) -> Task {
    let mut task = app.tasks(&query(families)).unwrap().remove(0);
    if !request.is_empty() {
        request.clone_into(&mut task.request);
    }
    task
}

#[test]
fn a_word_episode_is_played_on_a_device() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tasks.toml");
    std::fs::write(&file, TASKS).unwrap();
    let app = UfoAip::with_tasks(settings(), &file).unwrap();
    let device = play(app.listen().unwrap(), "word.jsonl");
    let task = task(&app, &[], "");
    assert_eq!((task.request.as_str(), task.family.as_str()), ("Make the title bold", "word"));
    let mut environment = app.open().unwrap();
    let screen = environment.reset(&task).unwrap();
    assert_eq!(screen.document, "The title\nA line of text");
    assert_eq!((screen.controls.len(), screen.controls[0].selected), (2, Some(false)));
    let selected =
        environment.act(&action("select_text", ("", ""), json!({"text": "The title"}), Status::Continue)).unwrap();
    assert_eq!((selected.status, selected.message.as_str()), (StepStatus::Ok, ""));
    let unknown = environment.act(&action("click_input", ("9", "Italic"), json!({}), Status::Continue)).unwrap();
    assert_eq!((unknown.status, unknown.message.as_str()), (StepStatus::InvalidAction, "no control with label `9`"));
    let denied = environment.act(&action("click_input", ("1", "Close all"), json!({}), Status::Continue)).unwrap();
    assert_eq!((denied.status, denied.message.as_str()), (StepStatus::InvalidAction, "control `Close all` is denied"));
    let bold =
        environment.act(&action("click_input", ("1", "Bold"), json!({"button": "left"}), Status::Finish)).unwrap();
    assert_eq!(bold.observation.controls[0].selected, Some(true));
    let verdict = environment.verify().unwrap();
    assert_eq!((verdict.complete, verdict.judge.as_str()), (Complete::Unsure, "none"));
    device.join().expect("the device heard what it should");
}

#[test]
fn what_fails_on_a_device_is_told_and_a_lost_window_ends_the_episode() {
    let app = UfoAip::new(settings());
    let device = play(app.listen().unwrap(), "notepad.jsonl");
    let task = task(&app, &["*Notepad"], "Write a line");
    let mut environment = app.open().unwrap();
    assert_eq!(environment.reset(&task).unwrap().document, "");
    let words =
        environment.act(&action("insert_table", ("", ""), json!({"rows": 1, "columns": 1}), Status::Continue)).unwrap();
    assert_eq!(words.status, StepStatus::InvalidAction);
    assert_eq!(words.message, "insert_table is Word's, and the window belongs to Notepad.exe");
    let clicked = environment.act(&action("click_input", ("1", "Editor"), json!({}), Status::Continue)).unwrap();
    assert!(clicked.status == StepStatus::Ok && clicked.message.starts_with("Warning: "), "{}", clicked.message);
    let written = environment
        .act(&action("set_edit_text", ("1", "Text editor"), json!({"text": "x"}), Status::Continue))
        .unwrap();
    assert_eq!((written.status, written.message.as_str()), (StepStatus::AppError, "The control is read only"));
    let error = environment.act(&action("click_input", ("1", "Text editor"), json!({}), Status::Continue)).unwrap_err();
    assert!(matches!(&error, EnvError::Failed { reason, .. } if reason.contains("No window is selected")), "{error}");
    drop(device.join().expect("the device heard what it should"));
}

/// Registers and plays the beginning of an episode.
fn begun(app: &UfoAip) -> JoinHandle<Socket> {
    let address = app.listen().unwrap();
    std::thread::spawn(move || {
        let mut socket = Socket::open(address);
        socket.send(&json!({"type": "register", "status": "ok", "client_id": "win3"}).to_string());
        assert_eq!(socket.receive().unwrap()["status"], "ok");
        assert_eq!(socket.receive().unwrap()["type"], "task");
        socket.send(&json!({"type": "task", "status": "continue", "client_id": "win3"}).to_string());
        assert_eq!(socket.receive().unwrap()["type"], "command");
        socket
    })
}

#[test]
fn a_device_that_disappears_is_a_failed_environment_and_another_takes_its_place() {
    let app = UfoAip::new(settings());
    let device = begun(&app);
    let leaving = std::thread::spawn(move || drop(device.join().expect("it began")));
    let mut environment = app.open().unwrap();
    let task = task(&app, &["*Notepad"], "Write a line");
    let error = environment.reset(&task).unwrap_err();
    assert!(matches!(&error, EnvError::Failed { reason, .. } if reason.contains("device `win3` is lost")), "{error}");
    leaving.join().unwrap();
    drop(environment);
    let next = play(app.listen().unwrap(), "notepad.jsonl");
    let mut environment = app.open().unwrap();
    environment.reset(&task).unwrap();
    drop((environment, next));
}

/// Says that the task is done, whatever is seen.
struct Done;

impl Policy for Done {
    fn id(&self) -> PolicyId {
        PolicyId { name: "done".into(), hash: "0".into() }
    }

    fn decide(&mut self, requests: &[Request<'_>]) -> Result<Vec<Decision>, PolicyError> {
        let done = || action("", ("", ""), json!({}), Status::Finish);
        Ok(requests.iter().map(|_| Decision { answer: Ok(done()), tokens: None, seconds: 0.0 }).collect())
    }
}

#[test]
fn a_run_goes_on_with_the_next_device() {
    let app = UfoAip::new(settings());
    let first = begun(&app);
    let address = app.listen().unwrap();
    let devices = std::thread::spawn(move || {
        drop(first.join().expect("it began"));
        play(address, "notepad_opened.jsonl").join().expect("the device heard what it should")
    });
    let jobs = Job::for_tasks(&[task(&app, &["*Notepad"], "Write a line")], 1);
    let limits = Limits::default();
    let session = Session { limits: &limits, journal: None, progress: &NoProgress, cancel: &Cancel::default() };
    let trajectory = run_episodes(&app, &jobs, &mut Done, &session).unwrap().remove(0);
    assert_eq!((trajectory.environment_error, trajectory.verdict.complete), (None, Complete::Unsure));
    assert_eq!(trajectory.steps[0].state.observation.controls[0].control_text, "Text editor");
    drop(devices.join());
}

#[test]
fn a_device_that_says_nothing_is_given_up() {
    let app = UfoAip::new(AipSettings { call_timeout: Duration::from_millis(300), ..settings() });
    let device = begun(&app);
    let mut environment = app.open().unwrap();
    let error = environment.reset(&task(&app, &["*Notepad"], "Write a line")).unwrap_err().to_string();
    assert!(error.contains("device `win3` gave no result of `get_desktop_app_target_info` within 0.3 s"), "{error}");
    drop(environment);
    let mut socket = device.join().unwrap();
    assert_eq!(socket.receive().unwrap()["type"], "task_end");
    assert!(socket.receive().is_err(), "what it still does must not meet the next episode");
}

#[test]
fn a_window_that_is_not_there_is_told_with_those_that_are() {
    let app = UfoAip::new(settings());
    let device = begun(&app);
    let shown = std::thread::spawn(move || {
        let mut socket = device.join().unwrap();
        let windows = json!([{"id": "1", "name": "Inbox"}]);
        let result = json!({"status": "success", "result": windows, "call_id": "call-2"});
        socket.send(&json!({"type": "command_results", "status": "continue", "action_results": [result]}).to_string());
        socket
    });
    let mut environment = app.open().unwrap();
    let error = environment.reset(&task(&app, &["*Notepad"], "Write a line")).unwrap_err().to_string();
    assert!(error.contains("no window matches `*Notepad`\nhint: the device shows `Inbox`"), "{error}");
    drop(shown.join());
}

#[test]
fn a_device_serves_one_run_after_another() {
    let app = UfoAip::new(settings());
    let address = app.listen().unwrap();
    let mut socket = Socket::open(address);
    socket.send(&json!({"type": "register", "status": "ok", "client_id": "win4"}).to_string());
    let heartbeat = |socket: &mut Socket| {
        let answer = socket.receive().unwrap();
        assert_eq!((&answer["type"], &answer["status"]), (&json!("heartbeat"), &json!("ok")));
    };
    heartbeat(&mut socket);
    for _ in 0..2 {
        drop(app.open().unwrap());
        // Between two runs nobody but its keeper hears it.
        socket.send(&json!({"type": "heartbeat", "status": "ok", "client_id": "win4"}).to_string());
        heartbeat(&mut socket);
    }
    socket.0.close(None).unwrap();
    let brief = UfoAip::new(AipSettings { device_wait: Duration::from_millis(100), ..settings() });
    let none = brief.open().err().unwrap().to_string();
    assert!(
        none.contains("no device has dialled in") && none.contains("hint: start one with python -m ufo.client.client"),
        "{none}"
    );
}

#[test]
fn what_a_device_says_unasked_reaches_no_call() {
    let app = UfoAip::new(settings());
    let mut socket = Socket::open(app.listen().unwrap());
    socket.send(&json!({"type": "register", "status": "ok", "client_id": "win5"}).to_string());
    assert_eq!(socket.receive().unwrap()["status"], "ok");
    let result = json!({"status": "failure", "error": "stale", "call_id": "call-2"});
    let stale = json!({"type": "command_results", "status": "continue", "action_results": [result]}).to_string();
    let begins = json!({"type": "task", "status": "continue", "client_id": "win5"}).to_string();
    socket.send(&begins);
    for _ in 0..100 {
        socket.send(&stale);
    }
    // The answer to this one comes after all of them were heard.
    socket.send(&json!({"type": "heartbeat", "status": "ok", "client_id": "win5"}).to_string());
    assert_eq!(socket.receive().unwrap()["type"], "heartbeat");
    let shown = std::thread::spawn(move || {
        assert_eq!(socket.receive().unwrap()["type"], "task");
        socket.0.get_ref().set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        assert!(socket.0.read().is_err(), "no tool is called before the task begins");
        socket.0.get_ref().set_read_timeout(Some(LONG)).unwrap();
        socket.send(&begins);
        let call = socket.receive().unwrap()["actions"][0]["call_id"].clone();
        assert_eq!(call, "call-2");
        let result = json!({"status": "success", "result": [{"id": "1", "name": "Inbox"}], "call_id": call});
        socket.send(&json!({"type": "command_results", "status": "continue", "action_results": [result]}).to_string());
        socket
    });
    let mut environment = app.open().unwrap();
    let error = environment.reset(&task(&app, &["*Notepad"], "Write a line")).unwrap_err().to_string();
    assert!(error.contains("hint: the device shows `Inbox`"), "{error}");
    drop(shown.join().unwrap());
}

#[test]
fn devices_hear_that_nobody_listens_any_more() {
    let app = UfoAip::new(settings());
    let mut socket = Socket::open(app.listen().unwrap());
    socket.send(&json!({"type": "register", "status": "ok", "client_id": "win6"}).to_string());
    assert_eq!(socket.receive().unwrap()["status"], "ok");
    let stopping = std::thread::spawn(move || drop(app));
    assert_eq!(socket.receive().unwrap_err().0, 1001);
    // What answers the goodbye is sent with the next look.
    assert!(socket.receive().is_err());
    stopping.join().unwrap();
}

#[test]
fn who_is_no_device_or_shows_another_token_is_turned_away() {
    let app = UfoAip::new(AipSettings { token: Secret::new("right"), ..settings() });
    let address = app.listen().unwrap();
    assert_eq!(Socket::with_headers(address, "/ws", &[]).err(), Some(401));
    assert_eq!(Socket::with_headers(address, "/ws?token=wrong", &[]).err(), Some(401));
    assert_eq!(get(address, "/").0, 401);
    for (text, words) in [
        (r#"{"type":"heartbeat","status":"ok"}"#, "`heartbeat` came before `register`"),
        (r#"{"type":"register","client_type":"constellation","client_id":"c"}"#, "only devices"),
        (r#"{"type":"register"}"#, "without a client_id"),
        ("nonsense", "not understood"),
    ] {
        let mut socket = Socket::with_headers(address, "/ws?token=right", &[]).unwrap();
        socket.send(text);
        let answer = socket.receive().unwrap();
        assert_eq!((&answer["type"], &answer["status"]), (&json!("error"), &json!("error")));
        assert!(answer["error"].as_str().unwrap().contains(words), "{answer}");
    }
    let open = UfoAip::parse("0.0.0.0:0", None).unwrap().listen().unwrap_err().to_string();
    assert!(open.contains("no token is set\nhint: set LAM_AIP_TOKEN"), "{open}");
}

#[test]
fn addresses_and_tasks_that_cannot_be_meant_are_told() {
    for (text, words) in [
        ("5000", "no port"),
        ("host:port", "`port` is no port"),
        ("host:1?device=2", "unknown key `device`"),
        ("host:1?devices=0", "devices = 0: from 1 to 64"),
        ("host:1?tasks=no-such.toml", "no-such.toml: "),
    ] {
        let refused = UfoAip::parse(text, None).err().unwrap();
        assert!(
            refused.kind() == FaultKind::Config
                && refused.to_string().contains(words)
                && refused.to_string().contains("\nhint: "),
            "{refused}"
        );
    }
    let app = UfoAip::parse("127.0.0.1:0?devices=3", None).unwrap();
    assert_eq!((app.instances(), app.environment()), (Some(3), "ufo-aip"));
    let device = begun(&app);
    let mut environment = app.open().unwrap();
    let nothing = environment.reset(&task(&app, &[], "")).unwrap_err().to_string();
    assert!(nothing.contains("nothing is asked\nhint: give --task"), "{nothing}");
    drop((environment, device));
}
