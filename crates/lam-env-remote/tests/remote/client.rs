//! Our client against our server, against a wire that breaks, and against servers of another kind.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use lam_agent::{AgentError, ExpertPolicy, Job, Limits, Session, run_episodes};
use lam_env::{Application, EnvError};
use lam_env_remote::{ClientSettings, OpenEnvServer, Remote, RemoteError, ServerSettings};
use lam_env_sim::{Sim, reference};
use lam_signal::{Cancel, Fault, FaultKind, NoProgress, Secret};
use lam_types::{Action, Args, Complete, Status, StepStatus, Trajectory};
use serde_json::{Value, json};

use crate::applications::{Failing, query, served, settings, url};
use crate::proxy::Proxy;
use crate::socket::until;

fn remote(url: &str) -> Remote {
    Remote::connect(url, ClientSettings::default()).expect("a server")
}

fn action(function: &str, status: Status) -> Action {
    Action {
        thought: String::new(),
        control_label: String::new(),
        control_name: String::new(),
        function: function.to_owned(),
        args: Args::new(),
        status,
        plan: Vec::new(),
    }
}

/// What the expert's episodes look like, without times and without where they were played.
pub fn episodes(app: &dyn Application, count: usize, limits: &Limits) -> Vec<Trajectory> {
    let jobs = Job::for_tasks(&app.tasks(&query(count)).unwrap(), 1);
    let session = Session { limits, journal: None, progress: &NoProgress, cancel: &Cancel::default() };
    let mut policy = ExpertPolicy::of(app).unwrap();
    let mut trajectories = run_episodes(app, &jobs, &mut policy, &session).unwrap();
    for trajectory in &mut trajectories {
        (trajectory.trajectory_id, trajectory.environment_version) = (String::new(), String::new());
        for step in &mut trajectory.steps {
            (step.policy_seconds, step.environment_seconds) = (0.0, 0.0);
        }
    }
    trajectories
}

#[test]
fn episodes_over_the_network_are_those_played_here() {
    let server = served(settings());
    let remote = remote(&url(&server)).with_twin(Box::new(Sim::new()));
    assert_eq!((remote.environment(), remote.version()), ("sim", format!("{}/openenv", Sim::new().version()).as_str()));
    assert_eq!(remote.functions(), Sim::new().functions());
    let limits = Limits { parallel: 4, ..Limits::default() };
    let (there, here) = (episodes(&remote, 80, &limits), episodes(&Sim::new(), 80, &limits));
    assert_eq!(there, here);
    assert!(here.iter().any(Trajectory::succeeded) && here.iter().any(|trajectory| !trajectory.succeeded()));
    assert!(here.iter().flat_map(|trajectory| &trajectory.steps).any(|step| step.acceptable_labels.len() > 1));
    until("every session has ended", || server.sessions() == 0);
}

#[test]
fn a_finish_that_calls_nothing_is_judged_too() {
    let server = served(settings());
    let remote = remote(&url(&server));
    let task = &remote.tasks(&query(1)).unwrap()[0];
    let mut environment = remote.open().unwrap();
    environment.reset(task).unwrap();
    for action in reference(task).unwrap() {
        let outcome = environment.act(&Action { status: Status::Continue, ..action }).unwrap();
        assert_eq!((outcome.status, environment.has_ended()), (StepStatus::Ok, false));
    }
    assert_eq!(environment.verify().unwrap().complete, Complete::Yes);
    environment.reset(task).unwrap();
    assert_eq!(environment.verify().unwrap().complete, Complete::No);
    assert!(environment.has_ended());
}

#[test]
fn what_is_used_out_of_turn_is_told() {
    let server = served(settings());
    let remote = remote(&url(&server));
    let mut environment = remote.open().unwrap();
    assert!(matches!(environment.act(&action("x", Status::Continue)), Err(EnvError::Usage(_))));
    assert!(matches!(environment.verify(), Err(EnvError::Usage(_))));
    let mut task = remote.tasks(&query(1)).unwrap().remove(0);
    task.family = "no_such".into();
    let refused = environment.reset(&task).unwrap_err();
    assert!(matches!(&refused, EnvError::Usage(details) if details.what.contains("`no_such`")), "{refused}");
    let mut unknown = query(1);
    unknown.families = vec!["no_such".into()];
    assert!(remote.tasks(&unknown).unwrap_err().to_string().contains("`no_such`"));
}

#[test]
fn limits_of_the_server_end_the_episode_as_our_own_do() {
    let server = served(ServerSettings { max_steps: 1, ..settings() });
    let remote = remote(&url(&server));
    let task = &remote.tasks(&query(1)).unwrap()[0];
    let mut environment = remote.open().unwrap();
    environment.reset(task).unwrap();
    environment.act(&action("fly", Status::Continue)).unwrap();
    let verdict = environment.verify().unwrap();
    assert_eq!((environment.has_ended(), verdict.judge.as_str()), (true, "limits"));
    assert_eq!(verdict.reason, "not finished after 1 steps");
}

#[test]
fn a_server_that_stops_is_a_failed_environment() {
    let server = served(settings());
    let remote = Remote::connect(&url(&server), ClientSettings { attempts: 2, ..ClientSettings::default() }).unwrap();
    let task = &remote.tasks(&query(1)).unwrap()[0];
    let mut environment = remote.open().unwrap();
    environment.reset(task).unwrap();
    drop(server);
    let error = environment.act(&action("click_input", Status::Continue)).unwrap_err();
    assert!(matches!(error, EnvError::Failed { .. }), "{error}");
    let error = environment.reset(task).unwrap_err().to_string();
    assert!(error.contains("environment `remote:ws://127.0.0.1:"), "{error}");
}

#[test]
fn a_wire_that_breaks_ends_one_episode_and_the_next_connects_again() {
    let server = served(settings());
    let proxy = Proxy::to(server.address(), &[]);
    let remote = remote(&proxy.url());
    let task = &remote.tasks(&query(1)).unwrap()[0];
    let mut environment = remote.open().unwrap();
    environment.reset(task).unwrap();
    proxy.cut();
    assert!(matches!(environment.act(&action("x", Status::Continue)), Err(EnvError::Failed { .. })));
    environment.reset(task).unwrap();
    // Between two episodes a cut goes unnoticed.
    proxy.cut();
    environment.reset(task).unwrap();
    for action in reference(task).unwrap() {
        environment.act(&action).unwrap();
    }
    assert_eq!(environment.verify().unwrap().complete, Complete::Yes);
}

#[test]
fn a_run_goes_on_over_a_wire_that_breaks() {
    let server = served(settings());
    // The requests for /schema, /metadata and /tasks share one, then sessions that break in the midst.
    let proxy = Proxy::to(server.address(), &[usize::MAX, 30_000, 40_000]);
    let remote = remote(&proxy.url()).with_twin(Box::new(Sim::new()));
    let limits = Limits { parallel: 1, environment_retries: 2, ..Limits::default() };
    let (there, here) = (episodes(&remote, 12, &limits), episodes(&Sim::new(), 12, &limits));
    assert_eq!(there, here);
    assert!(proxy.made() >= 4, "two sessions broke: {}", proxy.made());
}

#[test]
fn an_answer_that_is_too_large_is_a_failed_environment() {
    let server = served(settings());
    let small = ClientSettings { max_message_bytes: 2000, attempts: 1, ..ClientSettings::default() };
    let proxy = small_schema(&server);
    let remote = Remote::connect(&proxy, small).expect("its schema is short");
    let mut environment = remote.open().unwrap();
    let task = Sim::new().tasks(&query(1)).unwrap().remove(0);
    let error = environment.reset(&task).unwrap_err();
    assert!(error.to_string().contains("larger than 2000 bytes"), "{error}");
}

/// A server with a short schema whose sessions are those of `behind`.
fn small_schema(behind: &OpenEnvServer) -> String {
    let behind = behind.address();
    let schema = json!({"action": {"x-lam": {"version": 1, "functions": []}}});
    fake(move |path| match path {
        "/schema" => Reply::Json(schema.clone()),
        "/ws" => Reply::Session(Box::new(move |mut socket| {
            let mut other = crate::socket::Socket::open(behind);
            while let Ok(message) = socket.read() {
                let Ok(text) = message.into_text() else { return };
                let data: Value = serde_json::from_str(&text).unwrap();
                let answer = other.ask("reset", json!({"seed": data["data"]["seed"]}));
                let _ = socket.send(tungstenite::Message::text(answer.to_string()));
            }
        })),
        _ => Reply::Json(json!({"name": "small"})),
    })
}

#[test]
fn a_server_that_hangs_is_given_up() {
    let server = OpenEnvServer::start(Arc::new(Failing::default()), settings()).unwrap();
    let brief = ClientSettings { call_timeout: Duration::from_millis(500), ..ClientSettings::default() };
    let remote = Remote::connect(&url(&server), brief).unwrap();
    let task = &remote.tasks(&query(1)).unwrap()[0];
    let mut environment = remote.open().unwrap();
    environment.reset(task).unwrap();
    let error = environment.act(&action("hang", Status::Continue)).unwrap_err().to_string();
    assert!(error.contains("no answer to `step` within 0.5 s"), "{error}");
}

#[test]
fn an_environment_that_dies_there_dies_here() {
    let server = OpenEnvServer::start(Arc::new(Failing::default()), settings()).unwrap();
    let remote = remote(&url(&server));
    let task = &remote.tasks(&query(1)).unwrap()[0];
    let mut environment = remote.open().unwrap();
    for function in ["die", "panic"] {
        environment.reset(task).unwrap();
        let error = environment.act(&action(function, Status::Continue)).unwrap_err();
        assert!(matches!(&error, EnvError::Failed { reason, .. } if reason.contains("EXECUTION_ERROR")), "{error}");
    }
}

#[test]
fn a_full_server_is_tried_again() {
    let server = served(ServerSettings { max_sessions: 1, ..settings() });
    let patient = ClientSettings { attempts: 8, backoff: Duration::from_millis(50), ..ClientSettings::default() };
    let remote = Remote::connect(&url(&server), patient).unwrap();
    let task = remote.tasks(&query(1)).unwrap().remove(0);
    let mut first = remote.open().unwrap();
    first.reset(&task).unwrap();
    let mut second = remote.open().unwrap();
    let waiting = std::thread::spawn(move || second.reset(&task).map(|_| ()));
    std::thread::sleep(Duration::from_millis(200));
    drop(first);
    waiting.join().unwrap().expect("the seat that was freed");
}

#[test]
fn a_policy_that_thinks_for_long_keeps_its_session() {
    let (ping_after, pong_within) = (Duration::from_millis(100), Duration::from_millis(1500));
    let server = served(ServerSettings { ping_after, pong_within, ..settings() });
    let remote = remote(&url(&server));
    let task = &remote.tasks(&query(1)).unwrap()[0];
    let mut environment = remote.open().unwrap();
    environment.reset(task).unwrap();
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(environment.act(&action("fly", Status::Continue)).unwrap().status, StepStatus::InvalidAction);
}

#[test]
fn a_wrong_token_is_told() {
    let server = served(ServerSettings { token: Secret::new("right"), ..settings() });
    let with = |token| ClientSettings { token: Secret::new(token), ..ClientSettings::default() };
    for token in ["", "wrong"] {
        let refused = Remote::connect(&url(&server), with(token)).err().unwrap();
        assert!(refused.to_string().contains("no or another token"), "{refused}");
    }
    let remote = Remote::connect(&url(&server), with("right")).unwrap();
    let task = &remote.tasks(&query(1)).unwrap()[0];
    remote.open().unwrap().reset(task).unwrap();
}

#[test]
fn nobody_there_and_nobody_we_understand_are_told() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let refused = Remote::connect(&format!("ws://{free}/ws"), ClientSettings::default()).err().unwrap();
    assert!(matches!(refused, RemoteError::Unreachable { .. }) && refused.kind() == FaultKind::Runtime, "{refused}");
    assert!(refused.to_string().contains("hint: is `lam-train serve env` running there?"), "{refused}");
    for (schema, words) in [
        (
            json!({"action": {"type": "object"}}),
            "speaks no version of the action schema, this program speaks version 1",
        ),
        (
            json!({"action": {"x-lam": {"version": 2}}}),
            "speaks version 2 of the action schema, this program speaks version 1",
        ),
        (json!({"action": {"x-lam": {"version": 1}}}), "x-lam: missing field `functions`"),
    ] {
        let url = fake(move |_| Reply::Json(schema.clone()));
        let refused = Remote::connect(&url, ClientSettings::default()).err().unwrap().to_string();
        assert!(refused.contains(words) && refused.contains("\nhint: "), "{refused}");
    }
}

/// Whatever JSON a server sends instead of what is expected of it.
fn odd() -> Vec<Value> {
    let mut deep = json!(1);
    for _ in 0..120 {
        deep = json!([deep]);
    }
    vec![
        json!(null),
        json!([]),
        json!({}),
        json!("text"),
        json!(7),
        json!(true),
        json!([{}]),
        json!({"data": []}),
        deep,
    ]
}

fn sound_schema() -> Value {
    let functions = json!([{"name": "press", "target": "application", "args": [], "doc": "Press."}]);
    json!({"action": {"x-lam": {"version": 1, "functions": functions, "tasks": true, "acceptable_labels": true}}})
}

#[test]
fn a_server_that_describes_itself_oddly_is_refused() {
    let mut schemas = odd();
    schemas.extend(odd().into_iter().map(|odd| json!({"action": odd})));
    schemas.extend(odd().into_iter().map(|odd| json!({"action": {"x-lam": odd}})));
    let with = |key: &str, value: Value| {
        let mut schema = sound_schema();
        schema["action"]["x-lam"][key] = value;
        schema
    };
    schemas.extend(odd().into_iter().filter(|odd| *odd != json!([])).map(|odd| with("functions", odd)));
    let function = |name: &str, args: Value| json!({"name": name, "target": "application", "args": args, "doc": ""});
    let arg = |name: &str, kind: Value| json!([{"name": name, "kind": kind, "required": true, "doc": ""}]);
    schemas.extend([
        with("functions", json!([function("press", json!([])), function("press", json!([]))])),
        with("functions", json!([function("", json!([]))])),
        with("functions", json!([function("a b\u{1b}[2J", json!([]))])),
        with("functions", json!([function("put", arg("n", json!({"integer": {"min": 3, "max": 1}})))])),
        with("functions", json!([function("put", arg("", json!("text")))])),
        with("max_sessions", json!(1_000_000_000_000_u64)),
        with("max_sessions", json!(-1)),
    ]);
    for schema in schemas {
        let shown = schema.to_string();
        let url = fake(move |_| Reply::Json(schema.clone()));
        assert!(Remote::connect(&url, ClientSettings::default()).is_err(), "{shown}");
    }
    for metadata in odd() {
        let url = fake(move |path| Reply::Json(if path == "/schema" { sound_schema() } else { metadata.clone() }));
        assert_eq!(remote(&url).environment(), "remote");
    }
}

#[test]
fn tasks_that_are_none_are_an_error() {
    let task = json!(Sim::new().tasks(&query(1)).unwrap()[0]);
    let mut answers = odd();
    answers.extend(odd().into_iter().filter(|odd| *odd != json!([])).map(|odd| json!({"tasks": odd})));
    answers.push(json!({"tasks": [task, task, task]}));
    for answer in answers {
        let shown = answer.to_string();
        let url = fake(move |path| Reply::Json(if path == "/schema" { sound_schema() } else { answer.clone() }));
        assert!(remote(&url).tasks(&query(2)).is_err(), "{shown}");
    }
}

#[test]
fn an_episode_whose_server_answers_oddly_is_kept_as_failed() {
    let mut frames: Vec<String> = odd().iter().map(Value::to_string).collect();
    frames.extend(odd().into_iter().map(|odd| json!({"type": odd, "data": {}}).to_string()));
    frames.extend(odd().into_iter().map(|odd| json!({"type": "observation", "data": odd}).to_string()));
    frames.extend(odd().into_iter().map(|odd| json!({"type": "error", "data": odd}).to_string()));
    let observed =
        |observation: Value| json!({"type": "observation", "data": {"observation": observation}}).to_string();
    frames.extend(odd().into_iter().map(observed));
    frames.push(observed(json!({"request": 7, "controls": []})));
    frames
        .push(observed(json!({"request": "", "controls": [{"label": 1, "control_text": "", "control_type": "Text"}]})));
    frames.extend(["".to_owned(), "{".to_owned(), "[".repeat(100_000), "{\"data\":".repeat(10_000)]);
    let task = Sim::new().tasks(&query(1)).unwrap().remove(0);
    for (place, frame) in frames.into_iter().enumerate() {
        let (shown, said) = (frame.chars().take(200).collect::<String>(), frame);
        // At times the first screen is sound, and what follows is not.
        let sound = place % 2;
        let url = fake(move |path| match path {
            "/schema" => Reply::Json(sound_schema()),
            "/ws" => Reply::Session(answering(sound, said.clone())),
            _ => Reply::Json(json!({"name": "odd"})),
        });
        let remote = Remote::connect(&url, ClientSettings { attempts: 1, ..ClientSettings::default() }).unwrap();
        let jobs = Job::for_tasks(std::slice::from_ref(&task), 1);
        let limits = Limits { environment_retries: 0, ..Limits::default() };
        let session = Session { limits: &limits, journal: None, progress: &NoProgress, cancel: &Cancel::default() };
        let mut policy = ExpertPolicy::of(&Sim::new()).unwrap();
        let died = run_episodes(&remote, &jobs, &mut policy, &session).unwrap_err();
        let AgentError::AllDied { trajectories: kept, .. } = died else { panic!("{shown}: {died}") };
        assert!(kept[0].environment_error.is_some(), "{shown}: {:?}", kept[0]);
    }
}

/// Sessions with so many sound answers, and then this one to everything.
fn answering(sound: usize, frame: String) -> Box<dyn FnOnce(tungstenite::WebSocket<std::net::TcpStream>) + Send> {
    Box::new(move |mut socket| {
        let first =
            json!({"type": "observation", "data": {"observation": {"request": "", "controls": []}}}).to_string();
        let frames = std::iter::repeat_n(first, sound).chain(std::iter::repeat(frame));
        for frame in frames {
            if socket.read().is_err() || socket.send(tungstenite::Message::text(frame)).is_err() {
                return;
            }
        }
    })
}

/// A server that is not ours draws no tasks: what it shows for a seed is one.
#[test]
fn any_openenv_server_with_our_schema_is_driven() {
    let functions = json!([{"name": "press", "target": "application", "args": [], "doc": "Press."}]);
    let schema = json!({"action": {"x-lam": {"version": 1, "functions": functions}}});
    let url = fake(move |path| match path {
        "/schema" => Reply::Json(schema.clone()),
        "/ws" => Reply::Session(Box::new(counting)),
        _ => Reply::Json(json!({"name": "counting", "description": "", "version": "7"})),
    });
    let remote = remote(&url);
    assert_eq!((remote.environment(), remote.version(), remote.instances()), ("counting", "7/openenv", Some(1)));
    let tasks = remote.tasks(&query(3)).unwrap();
    assert_eq!(tasks, remote.tasks(&query(3)).unwrap());
    assert!(tasks.iter().all(|task| task.request == format!("Press {} times", task.seed % 3 + 1)), "{tasks:?}");
    let mut environment = remote.open().unwrap();
    for task in &tasks {
        let screen = environment.reset(task).unwrap();
        assert_eq!(screen.controls[0].control_text, "Counter");
        for _ in 0..=task.seed % 3 {
            assert!(!environment.has_ended());
            environment.act(&action("press", Status::Continue)).unwrap();
        }
        assert!(environment.has_ended());
        assert_eq!(environment.verify().unwrap().complete, Complete::Yes);
    }
    environment.reset(&tasks[0]).unwrap();
    assert_eq!(environment.verify().unwrap().complete, Complete::No);
}

/// Sessions in OpenEnv's own words, without ours: a number is to be reached by presses.
fn counting(mut socket: tungstenite::WebSocket<std::net::TcpStream>) {
    let (mut goal, mut count) = (0, 0);
    while let Ok(message) = socket.read() {
        let Ok(message) = serde_json::from_str::<Value>(&message.into_text().unwrap()) else { return };
        let data = &message["data"];
        let mut finished = false;
        match message["type"].as_str() {
            Some("reset") => (goal, count) = (data["seed"].as_u64().unwrap() % 3 + 1, 0),
            Some("step") => {
                count += u64::from(data["function"] == "press");
                finished = data["status"] == "FINISH";
            }
            _ => return,
        }
        let done = finished || count >= goal;
        let controls = json!([{"label": "1", "control_text": "Counter", "control_type": "Text"}]);
        let observation = json!({"request": format!("Press {goal} times"), "controls": controls});
        let reward = if done { json!(f64::from(u8::from(count == goal))) } else { Value::Null };
        let answer =
            json!({"type": "observation", "data": {"observation": observation, "reward": reward, "done": done}});
        if socket.send(tungstenite::Message::text(answer.to_string())).is_err() {
            return;
        }
    }
}

/// What a fake server gives for a path.
enum Reply {
    Json(Value),
    Session(Box<dyn FnOnce(tungstenite::WebSocket<std::net::TcpStream>) + Send>),
}

/// A server made of a function, and its address.
fn fake(reply: impl Fn(&str) -> Reply + Send + Sync + 'static) -> String {
    use std::io::Write;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/ws", listener.local_addr().unwrap());
    let reply = Arc::new(reply);
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let reply = Arc::clone(&reply);
            std::thread::spawn(move || {
                let mut head = [0; 4096];
                let length = stream.peek(&mut head).unwrap();
                let head = String::from_utf8_lossy(&head[..length]).into_owned();
                match reply(head.split(' ').nth(1).unwrap()) {
                    Reply::Session(session) => session(tungstenite::accept(stream).unwrap()),
                    Reply::Json(body) => {
                        crate::socket::take_request(&stream);
                        let body = body.to_string();
                        let head =
                            format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
                        stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
                    }
                }
            });
        }
    });
    url
}
