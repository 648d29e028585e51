//! What the server says to plain messages and requests.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use lam_env_remote::{OpenEnvServer, ServerSettings};
use lam_env_sim::reference;
use lam_signal::Secret;
use lam_types::Task;
use serde_json::{Value, json};
use tungstenite::Message;

use crate::applications::{Failing, served, settings};
use crate::socket::{Socket, error, get, http, until};

fn wire(action: &lam_types::Action) -> Value {
    let mut wire = json!(action);
    wire["control_text"] = wire["control_name"].take();
    wire.as_object_mut().unwrap().remove("control_name");
    wire
}

#[test]
fn an_episode_is_rewarded_at_its_end_and_only_there() {
    let server = served(settings());
    let mut socket = Socket::open(server.address());
    let begun = socket.ask("reset", json!({"seed": 5, "split": "train", "episode_id": "e1"}));
    let seen = &begun["data"]["observation"];
    assert_eq!(begun["type"], "observation");
    assert_eq!((&begun["data"]["reward"], &begun["data"]["done"]), (&Value::Null, &json!(false)));
    assert!(!seen["controls"].as_array().unwrap().is_empty() && !seen["request"].as_str().unwrap().is_empty());
    assert_eq!((&seen["application"], &seen["step"], &seen["success"]), (&json!("word"), &json!(0), &Value::Null));
    let task: Task = serde_json::from_value(seen["task"].clone()).unwrap();
    let actions = reference(&task).unwrap();
    for (index, action) in actions.iter().enumerate() {
        let answer = socket.ask("step", wire(action));
        let (seen, is_last) = (&answer["data"]["observation"], index + 1 == actions.len());
        assert_eq!(seen["last_action"], json!({"status": "ok", "message": ""}), "{answer}");
        assert_eq!(seen["step"], json!(index + 1));
        let reward = if is_last { json!(1.0) } else { Value::Null };
        assert_eq!((&answer["data"]["reward"], &answer["data"]["done"]), (&reward, &json!(is_last)));
        assert_eq!(seen["success"], if is_last { json!(true) } else { Value::Null });
        assert_eq!((&seen["truncated"], &seen["error"]), (&json!(false), &Value::Null));
    }
    let state = socket.ask("state", json!({}));
    assert_eq!((&state["data"]["episode_id"], &state["data"]["step_count"]), (&json!("e1"), &json!(actions.len())));
    let (code, message) = error(&socket.ask("step", wire(&actions[0])));
    assert!(code == "EXECUTION_ERROR" && message.contains("the episode is over\nhint: send `reset`"), "{message}");
    let again = socket.ask("reset", json!({"task": task, "episode_id": "e2"}));
    assert_eq!(again["data"]["observation"]["controls"], begun["data"]["observation"]["controls"]);
}

#[test]
fn the_same_seed_draws_the_same_task_and_none_draws_another_each_time() {
    let server = served(settings());
    let mut socket = Socket::open(server.address());
    let mut task = |data: Value| socket.ask("reset", data)["data"]["observation"]["task"]["task_id"].clone();
    assert_eq!(task(json!({"seed": 3})), task(json!({"seed": 3})));
    assert_ne!(task(json!({"seed": 3})), task(json!({"seed": 4})));
    assert_ne!(task(json!({})), task(json!({})));
    let asked = socket.ask("reset", json!({"seed": 3, "request": "Do something else"}));
    assert_eq!(asked["data"]["observation"]["request"], "Do something else");
}

#[test]
fn what_does_not_fit_is_refused_with_openenvs_code_and_the_session_goes_on() {
    let server = served(settings());
    let mut socket = Socket::open(server.address());
    for (text, code, words) in [
        ("{", "INVALID_JSON", "EOF"),
        (r#"{"type":"dance"}"#, "UNKNOWN_TYPE", "`dance`"),
        (r#"{"type":"step","data":{"function":"x"}}"#, "EXECUTION_ERROR", "hint: send `reset` first"),
        (r#"{"type":"reset","data":{"sed":1}}"#, "VALIDATION_ERROR", "unknown field `sed`"),
        (r#"{"type":"reset","data":{"family":"bolt"}}"#, "VALIDATION_ERROR", "hint: did you mean"),
        (r#"{"type":"reset","data":{"seed":-1}}"#, "VALIDATION_ERROR", "-1"),
        (r#"{"type":"reset","data":{"split":"train","phrasing":"unseen"}}"#, "VALIDATION_ERROR", "unseen"),
    ] {
        let (found, message) = socket.refused(text);
        assert!(found == code && message.contains(words), "{text}: {found}: {message}");
    }
    assert_eq!(socket.ask("reset", json!({}))["type"], "observation");
    let (code, message) = socket.refused(r#"{"type":"step","data":{"function":"x","label":"1"}}"#);
    assert!(code == "VALIDATION_ERROR" && message.contains("unknown field `label`"), "{message}");
    let answer = socket.ask("step", json!({"function": "fly", "status": "FINISH"}));
    assert_eq!(answer["data"]["observation"]["last_action"]["status"], "invalid_action");
    assert_eq!(answer["data"]["done"], json!(false), "an invalid FINISH ends nothing");
    assert_eq!(answer["data"]["observation"]["error"], "no function `fly`");
}

#[test]
fn an_episode_without_end_is_truncated() {
    let server = served(ServerSettings { max_steps: 2, ..settings() });
    let mut socket = Socket::open(server.address());
    socket.ask("reset", json!({"seed": 1}));
    assert_eq!(socket.ask("step", json!({"function": ""}))["data"]["done"], json!(false));
    let last = socket.ask("step", json!({"function": ""}));
    let seen = &last["data"]["observation"];
    assert_eq!((&last["data"]["done"], &last["data"]["reward"]), (&json!(true), &json!(0.0)));
    assert_eq!((&seen["truncated"], &seen["success"]), (&json!(true), &json!(false)));
    assert_eq!(seen["error"], "not finished after 2 steps");
}

#[test]
fn sessions_beyond_the_most_are_turned_away_until_one_ends() {
    let server = served(ServerSettings { max_sessions: 1, ..settings() });
    let mut first = Socket::open(server.address());
    first.ask("reset", json!({}));
    let mut second = Socket::open(server.address());
    let turned_away = second.receive().unwrap();
    assert_eq!(error(&turned_away).0, "CAPACITY_REACHED");
    assert_eq!((&turned_away["data"]["active_sessions"], &turned_away["data"]["max_sessions"]), (&json!(1), &json!(1)));
    assert_eq!(second.receive().unwrap_err().0, 1013);
    first.send(r#"{"type":"close"}"#);
    until("the seat is free again", || server.sessions() == 0);
    assert_eq!(Socket::open(server.address()).ask("reset", json!({}))["type"], "observation");
}

#[test]
fn a_token_is_asked_for_wherever_others_could_connect() {
    let open = ServerSettings { host: "0.0.0.0".into(), ..settings() };
    let refused = OpenEnvServer::start(Arc::new(lam_env_sim::Sim::new()), open).err().unwrap().to_string();
    assert!(refused.contains("no token is set\nhint: give one by --token-env NAME"), "{refused}");
    let token = Secret::new("s3 cret");
    let server = served(ServerSettings { host: "0.0.0.0".into(), token, ..settings() });
    let address = ([127, 0, 0, 1], server.address().port()).into();
    let status = |path: &str, headers: &[(&'static str, &str)]| Socket::with_headers(address, path, headers).err();
    assert_eq!(status("/ws", &[]), Some(401));
    assert_eq!(status("/ws?token=other", &[]), Some(401));
    assert_eq!(status("/ws", &[("authorization", "Bearer s3")]), Some(401));
    assert_eq!(status("/ws?token=s3%20cret", &[]), None);
    assert_eq!(status("/ws", &[("authorization", "Bearer s3 cret")]), None);
    // lam:s3 cret
    assert_eq!(status("/ws", &[("authorization", "Basic bGFtOnMzIGNyZXQ=")]), None);
    assert_eq!(get(address, "/schema").0, 401);
    assert_eq!(get(address, "/health").0, 200);
}

#[test]
fn pages_in_a_browser_do_not_reach_a_server_without_a_token() {
    let server = served(settings());
    let with_origin = |origin: &str| Socket::with_headers(server.address(), "/ws", &[("origin", origin)]).err();
    for other in ["http://somewhere", "null", "http://127.0.0.1:1"] {
        assert_eq!(with_origin(other), Some(403), "{other}");
    }
    // So do clients that are no browsers, Python's `websocket-client` among them: they name the server itself.
    assert_eq!(with_origin(&format!("http://{}", server.address())), None);
}

#[test]
fn a_message_that_is_too_large_ends_the_session_with_the_reason() {
    let server = served(ServerSettings { max_message_bytes: 1 << 16, ..settings() });
    let mut socket = Socket::open(server.address());
    let long = "x".repeat(1 << 20);
    socket.send(&json!({"type": "step", "data": {"function": long}}).to_string());
    let (code, message) = error(&socket.receive().unwrap());
    assert!(code == "SESSION_ERROR" && message.contains("larger than 65536 bytes"), "{message}");
    assert_eq!(socket.receive().unwrap_err().0, 1009);
    until("the session is over", || server.sessions() == 0);
}

#[test]
fn an_idle_session_ends() {
    let server = served(ServerSettings { idle_timeout: Duration::from_millis(300), ..settings() });
    let mut socket = Socket::open(server.address());
    let (code, message) = error(&socket.receive().unwrap());
    assert!(code == "SESSION_ERROR" && message.contains("idle for 0.3 s"), "{message}");
    assert_eq!(socket.receive().unwrap_err(), (1001, "SESSION_ERROR: idle for 0.3 s".to_owned()));
}

#[test]
fn a_silent_connection_is_asked_and_one_that_never_answers_is_let_go() {
    let (ping_after, pong_within) = (Duration::from_millis(100), Duration::from_millis(400));
    let server = served(ServerSettings { ping_after, pong_within, ..settings() });
    let mut alive = Socket::open(server.address());
    // Reading answers the pings; nobody reads the other one.
    let _silent = Socket::open(server.address());
    until("both are in", || server.sessions() == 2);
    let mut pings = 0;
    until("the silent one is let go", || {
        pings += usize::from(matches!(alive.0.read(), Ok(Message::Ping(_))));
        server.sessions() == 1
    });
    assert!(pings >= 2, "{pings}");
    assert_eq!(alive.ask("reset", json!({}))["type"], "observation");
}

#[test]
fn who_waits_for_an_instance_is_heard_meanwhile() {
    let server = OpenEnvServer::start(Arc::new(Failing::default()), settings()).unwrap();
    let mut socket = Socket::open(server.address());
    socket.ask("reset", json!({}));
    let begun = Instant::now();
    socket.send(r#"{"type":"step","data":{"function":"hang"}}"#);
    socket.0.send(Message::Ping(vec![7].into())).unwrap();
    assert_eq!(socket.0.read().unwrap(), Message::Pong(vec![7].into()));
    assert!(begun.elapsed() < Duration::from_secs(2), "the instance takes three");
    socket.send(r#"{"type":"state"}"#);
    assert_eq!(error(&socket.receive().unwrap()).0, "EXECUTION_ERROR");
    assert_eq!(socket.receive().unwrap()["type"], "state", "what was said meanwhile is answered after it");
}

#[test]
fn instances_that_panic_die_or_hang_are_told_and_replaced() {
    let limits = ServerSettings { call_timeout: Duration::from_millis(500), ..settings() };
    let server = OpenEnvServer::start(Arc::new(Failing::default()), limits).unwrap();
    let mut socket = Socket::open(server.address());
    for (function, words) in [("panic", "panicked: no such paper size"), ("die", "the window is gone")] {
        assert_eq!(socket.ask("reset", json!({}))["type"], "observation");
        let (code, message) = error(&socket.ask("step", json!({"function": function})));
        assert!(code == "EXECUTION_ERROR" && message.contains(words), "{message}");
        assert_eq!(error(&socket.ask("step", json!({"function": function}))).0, "EXECUTION_ERROR");
    }
    socket.ask("reset", json!({}));
    let (code, message) = error(&socket.ask("step", json!({"function": "hang"})));
    assert!(code == "EXECUTION_ERROR" && message.contains("no answer within 0.5 s"), "{message}");
    assert_eq!(socket.receive().unwrap_err().0, 1011);
    assert_eq!(server.sessions(), 1, "a seat is taken as long as its instance lives");
    until("the instance has ended", || server.sessions() == 0);
}

#[test]
fn no_instance_outlives_a_server_that_stops() {
    let app = Failing::default();
    let server = OpenEnvServer::start(Arc::new(app.clone()), settings()).unwrap();
    let mut sockets = [Socket::open(server.address()), Socket::open(server.address())];
    for socket in &mut sockets {
        socket.ask("reset", json!({}));
    }
    assert_eq!(app.alive.load(Ordering::Acquire), 2);
    drop(server);
    assert_eq!(app.alive.load(Ordering::Acquire), 0);
    for socket in &mut sockets {
        assert_eq!(error(&socket.receive().unwrap()), ("SESSION_ERROR".to_owned(), "the server stops".to_owned()));
        assert_eq!(socket.receive().unwrap_err().0, 1001);
    }
}

#[test]
fn a_server_that_stops_says_so_as_long_as_it_waits_for_an_instance() {
    let server = OpenEnvServer::start(Arc::new(Failing::default()), settings()).unwrap();
    let address = server.address();
    let mut socket = Socket::open(address);
    socket.ask("reset", json!({}));
    socket.send(r#"{"type":"step","data":{"function":"hang"}}"#);
    socket.0.send(Message::Ping(Vec::new().into())).unwrap();
    assert!(matches!(socket.0.read().unwrap(), Message::Pong(_)), "what was said before it has arrived");
    let stopping = std::thread::spawn(move || drop(server));
    assert_eq!(error(&socket.receive().unwrap()).1, "the server stops");
    assert_eq!(get(address, "/health"), (503, json!({"detail": "the server stops"})));
    assert_eq!(Socket::with_headers(address, "/ws", &[]).err(), Some(503));
    stopping.join().unwrap();
    assert!(TcpStream::connect(address).is_err(), "nobody listens any more");
}

#[test]
fn a_server_that_stops_does_not_wait_for_who_reads_nothing() {
    let app = Failing::default();
    let server = OpenEnvServer::start(Arc::new(app.clone()), settings()).unwrap();
    let mut socket = Socket::open(server.address());
    socket.ask("reset", json!({}));
    socket.send(r#"{"type":"step","data":{"function":"tell"}}"#);
    // Its beginning is on its way, so that the rest waits for somebody to take it.
    socket.0.get_ref().peek(&mut [0]).unwrap();
    let begun = Instant::now();
    drop(server);
    assert_eq!(app.alive.load(Ordering::Acquire), 0);
    assert!(begun.elapsed() < Duration::from_secs(20), "it does not wait until nobody took anything for 30 s");
}

#[test]
fn no_instance_starts_for_a_body_that_comes_once_the_server_stops() {
    let server = OpenEnvServer::start(Arc::new(Failing::default()), settings()).unwrap();
    let address = server.address();
    let mut stream = TcpStream::connect(address).unwrap();
    let head =
        "POST /reset HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    let mut go_on = [0; 25];
    stream.read_exact(&mut go_on).unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n", "the body is waited for");
    let stopping = std::thread::spawn(move || drop(server));
    until("nobody listens any more", || TcpStream::connect(address).is_err());
    // The answer may be missing, where this comes too late.
    let mut answer = String::new();
    let _ = stream.write_all(b"{}").and_then(|()| stream.read_to_string(&mut answer));
    assert!(!answer.starts_with("HTTP/1.1 200"), "{answer}");
    stopping.join().unwrap();
}

#[test]
fn who_sends_pings_and_reads_nothing_is_not_read_either() {
    let server = served(settings());
    let mut stream = Socket::open(server.address()).0.get_ref().try_clone().unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(1))).unwrap();
    // A ping of 125 bytes, masked with zeros.
    let ping = [&[0x89, 0x80 | 125, 0, 0, 0, 0][..], &[b'x'; 125]].concat();
    let pings = ping.repeat(8192);
    let taken = (0..128).take_while(|_| stream.write_all(&pings).is_ok()).count();
    assert!(taken < 128, "the answers to 128 MiB of pings are kept");
}

#[test]
fn an_application_that_panics_while_it_draws_is_told() {
    let server = OpenEnvServer::start(Arc::new(Failing::default()), settings()).unwrap();
    let (status, body) = get(server.address(), "/tasks?family=panic");
    assert!(status == 500 && body["detail"].as_str().unwrap().contains("panicked: no such paper size"), "{body}");
    assert_eq!(get(server.address(), "/tasks?family=bold").0, 200);
}

#[test]
fn an_instance_that_does_not_start_is_told() {
    let server = OpenEnvServer::start(Arc::new(Failing { is_broken: true, ..Failing::default() }), settings()).unwrap();
    let mut socket = Socket::open(server.address());
    let (code, message) = error(&socket.receive().unwrap());
    assert!(code == "FACTORY_ERROR" && message.contains("the program is missing"), "{message}");
    assert_eq!(socket.receive().unwrap_err().0, 1011);
}

#[test]
fn requests_tell_what_is_served() {
    let server = served(settings());
    let address = server.address();
    assert_eq!(get(address, "/health"), (200, json!({"status": "healthy"})));
    for (host, status) in [("localhost:80", 200), ("[::1]:80", 200), ("127.0.0.1", 200), ("evil.example:80", 403)] {
        assert_eq!(http(address, &format!("GET /health HTTP/1.1\r\nHost: {host}"), "").0, status, "{host}");
    }
    let (status, metadata) = get(address, "/metadata");
    assert_eq!((status, &metadata["name"]), (200, &json!("sim")));
    let (_, schema) = get(address, "/schema");
    assert_eq!(schema["action"]["x-lam"]["version"], json!(lam_env_remote::SCHEMA_VERSION));
    let functions = schema["action"]["properties"]["function"]["enum"].as_array().unwrap();
    assert!(functions.contains(&json!("click_input")) && schema["observation"]["properties"]["truncated"].is_object());
    let (_, drawn) = get(address, "/tasks?split=train&count=3&seed=2&family=bold");
    let same = get(address, "/tasks?split=train&count=3&seed=2&family=bold").1;
    assert!(drawn["tasks"].as_array().is_some_and(|tasks| tasks.len() == 3) && drawn == same, "{drawn}");
    for (path, status, words) in [
        ("/tasks?families=x", 422, "unknown key `families`"),
        ("/tasks?count=1000001", 422, "at most"),
        ("/tasks?seed=x", 422, "`seed` = x"),
        ("/tasks?split=tset", 422, "`split`: "),
        ("/tasks?family=no_such", 422, "no_such"),
        ("/state", 409, "hint: episodes are played over /ws"),
        ("/nothing", 404, "/schema"),
        ("/ws", 426, "WebSocket"),
        ("/reset", 405, "another method"),
    ] {
        let (found, body) = get(address, path);
        assert!(found == status && body["detail"].as_str().unwrap().contains(words), "{path}: {found} {body}");
    }
}

#[test]
fn requests_may_share_a_connection() {
    let server = served(settings());
    let mut stream = TcpStream::connect(server.address()).unwrap();
    let ask = |last: &str| format!("GET /health HTTP/1.1\r\nHost: x\r\n{last}\r\n");
    stream.write_all(format!("{}{}", ask(""), ask("Connection: close\r\n")).as_bytes()).unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).unwrap();
    assert_eq!(answers.matches(r#"{"status":"healthy"}"#).count(), 2, "{answers}");
}

#[test]
fn a_body_that_is_too_large_is_refused_with_the_reason() {
    let server = served(settings());
    let body = " ".repeat(2 << 20);
    let (status, answer) = http(server.address(), "POST /reset HTTP/1.1\r\nHost: x", &body);
    assert!(status == 400 && answer["detail"].as_str().unwrap().contains("1048576 are allowed"), "{status} {answer}");
}

#[test]
fn a_posted_reset_shows_a_first_screen() {
    let server = served(settings());
    let post = |body: &str| http(server.address(), "POST /reset HTTP/1.1\r\nHost: x", body);
    let (status, answer) = post(r#"{"seed":4}"#);
    assert_eq!((status, &answer["done"], &answer["reward"]), (200, &json!(false), &Value::Null));
    assert!(!answer["observation"]["controls"].as_array().unwrap().is_empty());
    assert_eq!((post("").0, post("null").0), (200, 200));
    assert_eq!(post("{").0, 400);
    assert_eq!(post(r#"{"sed":4}"#).0, 422);
    until("no session is left", || server.sessions() == 0);
}

#[test]
fn junk_is_answered_or_let_go_and_the_server_lives() {
    let server = served(settings());
    // hyper answers these by itself, without a body.
    assert_eq!(http(server.address(), "\u{1}\u{2}", ""), (400, Value::Null));
    let long = format!("GET /health HTTP/1.1\r\nHost: x\r\nX-Long: {}", "x".repeat(300_000));
    assert_eq!(http(server.address(), &long, ""), (431, Value::Null));
    drop(TcpStream::connect(server.address()).unwrap());
    let mut socket = Socket::open(server.address());
    socket.0.send(Message::binary(vec![0, 1])).unwrap();
    assert_eq!(error(&socket.receive().unwrap()).0, "SESSION_ERROR");
    assert_eq!(socket.receive().unwrap_err().0, 1003);
    assert_eq!(get(server.address(), "/health").0, 200);
}
