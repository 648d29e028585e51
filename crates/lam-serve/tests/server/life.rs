//! A server under more than it can do, with clients that go away, and at its end.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use lam_serve::{Metrics, Models, ServedModel, Server, ServerSettings};
use serde_json::{Value, json};

use crate::tiny::{Tiny, answer, chat, get, post, request};

const CHAT: &str = "/v1/chat/completions";

/// An answer that takes 300 steps; each step of the model takes a while.
fn long() -> Value {
    chat("make the title bold", json!({"max_tokens": 300, "seed": 1, "logprobs": true}))
}

/// A long answer that never ends by itself.
fn endless(stream: bool) -> Value {
    let format = json!({"type": "json_schema", "json_schema": {"schema": {"type": "string", "minLength": 2000}}});
    let mut body = long();
    body["response_format"] = format;
    body["stream"] = stream.into();
    body
}

/// Many answers with all that can be told of their tokens: more than the sockets' buffers hold.
fn voluble() -> Value {
    let mut body = endless(true);
    (body["n"], body["top_logprobs"]) = (json!(60), json!(20));
    body
}

fn slow(slots: usize, queue: usize, settings: ServerSettings) -> Tiny {
    Tiny { slots, queue, pause: Duration::from_millis(10), settings, ..Tiny::default() }
}

fn settings() -> ServerSettings {
    ServerSettings { port: 0, ..ServerSettings::default() }
}

/// Opens a stream and reads its beginning.
fn open(address: SocketAddr, body: &Value) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(&request("POST", CHAT, "", &body.to_string())).unwrap();
    let mut bytes = [0; 64];
    assert!(stream.read(&mut bytes).unwrap() > 0);
    stream
}

/// Waits until a figure has a value.
#[track_caller]
fn wait_for(address: SocketAddr, line: &str) {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        let metrics = get(address, "/metrics").text;
        if metrics.lines().any(|found| found == line) {
            return;
        }
        assert!(Instant::now() < until, "no `{line}` in\n{metrics}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn what_is_too_much_is_refused_and_told_when_to_come_back() {
    let server = slow(1, 1, settings()).serve();
    let (first, second) = (open(server.address(), &endless(true)), open(server.address(), &endless(true)));
    wait_for(server.address(), "lam_serve_requests_waiting 1");
    wait_for(server.address(), "lam_serve_requests_running 1");
    let refused = post(server.address(), CHAT, &long());
    assert_eq!((refused.status, &refused.json()["error"]["code"]), (429, &json!("queue_full")), "{}", refused.text);
    let seconds: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds));
    drop((first, second));
    wait_for(server.address(), "lam_serve_abandoned_total 2");
    assert_eq!(answer(server.address(), &chat("x", json!({"max_tokens": 2})))["object"], "chat.completion");
}

#[test]
fn clients_that_go_away_in_the_middle_of_a_step_leave_the_engine_in_order() {
    let tiny = Tiny { slots: 1, queue: 2, ..Tiny::default() };
    let server = tiny.clone().serve();
    let closed = tiny.gate.lock().unwrap();
    let send = |body: &Value| {
        let mut client = TcpStream::connect(server.address()).unwrap();
        client.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        client.write_all(&request("POST", CHAT, "", &body.to_string())).unwrap();
        client
    };
    let _first = send(&endless(false));
    wait_for(server.address(), "lam_serve_requests_waiting 1");
    // The engine is in a step: each of these waits on its way to it, and goes away; then there is no place for more.
    let answered = (0..10).find_map(|_| {
        let mut head = [0; 12];
        send(&long()).read_exact(&mut head).ok().map(|()| String::from_utf8_lossy(&head).into_owned())
    });
    assert_eq!(answered.as_deref(), Some("HTTP/1.1 429"));
    drop(closed);
    wait_for(server.address(), "lam_serve_requests_waiting 0");
    assert_eq!(answer(server.address(), &chat("x", json!({"max_tokens": 2})))["object"], "chat.completion");
}

#[test]
fn a_client_that_goes_away_gives_its_slot_back() {
    let server = slow(1, 8, settings()).serve();
    for stream in [true, false] {
        let body = endless(stream);
        let mut client = TcpStream::connect(server.address()).unwrap();
        client.write_all(&request("POST", CHAT, "", &body.to_string())).unwrap();
        wait_for(server.address(), "lam_serve_requests_running 1");
        drop(client);
        wait_for(server.address(), &format!("lam_serve_abandoned_total {}", if stream { 1 } else { 2 }));
        wait_for(server.address(), "lam_serve_requests_running 0");
    }
}

#[test]
fn a_client_that_goes_away_is_noticed_also_where_bytes_behind_its_request_wait() {
    let server = slow(1, 8, settings()).serve();
    for (number, stream) in [true, false].into_iter().enumerate() {
        let body = endless(stream).to_string();
        let kept = String::from_utf8(request("POST", CHAT, "", &body)).unwrap().replace("Connection: close\r\n", "");
        let mut client = TcpStream::connect(server.address()).unwrap();
        client.write_all(kept.repeat(2).as_bytes()).unwrap();
        wait_for(server.address(), "lam_serve_requests_running 1");
        drop(client);
        wait_for(server.address(), &format!("lam_serve_abandoned_total {}", number + 1));
        wait_for(server.address(), "lam_serve_requests_running 0");
    }
}

#[test]
fn a_stop_string_ends_the_work_too() {
    let server = slow(1, 8, settings()).serve();
    let mut body = endless(false);
    body["stop"] = json!(["\""]);
    // The string's opening quote is the stop string: the first token.
    assert_eq!(answer(server.address(), &body)["choices"][0]["message"]["content"], "");
    wait_for(server.address(), "lam_serve_requests_waiting 0");
    wait_for(server.address(), "lam_serve_requests_running 0");
    let metrics = get(server.address(), "/metrics").text;
    assert!(metrics.lines().any(|line| line == "lam_serve_abandoned_total 0"), "it was answered:\n{metrics}");
    let written = metrics.lines().find_map(|line| line.strip_prefix("lam_serve_generation_tokens_total "));
    // Of 300; how far the engine was when it learned of the end depends on who else computes.
    assert!(written.unwrap().parse::<u32>().unwrap() < 150, "{metrics}");
}

#[test]
fn an_answer_that_takes_too_long_is_ended() {
    let server = slow(1, 8, ServerSettings { answer_timeout: Duration::from_millis(300), ..settings() }).serve();
    let reply = post(server.address(), CHAT, &endless(false));
    assert_eq!((reply.status, &reply.json()["error"]["code"]), (504, &json!("timeout")), "{}", reply.text);
    let reply = post(server.address(), CHAT, &endless(true));
    assert!(
        reply.status == 200 && reply.text.contains("\"timeout\"") && !reply.text.contains("[DONE]"),
        "{}",
        reply.text
    );
    wait_for(server.address(), "lam_serve_requests_running 0");
}

#[test]
fn an_answer_is_due_also_for_a_client_that_takes_it_slowly() {
    let (patience, longer) = (Duration::from_secs(2), Duration::from_secs(120));
    let settings = ServerSettings { answer_timeout: patience, client_timeout: longer, ..settings() };
    let server = Tiny { slots: 8, settings, ..Tiny::default() }.serve();
    let started = Instant::now();
    // What is made waits for the client, and is there whenever it comes.
    let mut client = open(server.address(), &voluble());
    wait_for(server.address(), "lam_serve_requests_running 8");
    wait_for(server.address(), "lam_serve_requests_waiting 0");
    wait_for(server.address(), "lam_serve_requests_running 0");
    std::thread::sleep((patience + Duration::from_millis(500)).saturating_sub(started.elapsed()));
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).unwrap();
    let rest = String::from_utf8_lossy(&rest);
    assert!(rest.contains("\"timeout\"") && !rest.contains("[DONE]"), "{} bytes", rest.len());
    wait_for(server.address(), "lam_serve_request_seconds_count 1");
}

#[test]
fn answers_in_the_making_are_finished_before_the_end() {
    let server = slow(2, 8, settings()).serve();
    let address = server.address();
    let mut body = endless(true);
    body["max_tokens"] = json!(250);
    let running = std::thread::spawn(move || post(address, CHAT, &body));
    wait_for(address, "lam_serve_requests_running 1");
    let stopping = std::thread::spawn(move || server.stop());
    let until = Instant::now() + Duration::from_secs(30);
    while get(address, "/health").status == 200 {
        assert!(Instant::now() < until, "the server does not begin to stop");
    }
    let refused = post(address, CHAT, &long());
    assert_eq!((refused.status, &refused.json()["error"]["code"]), (503, &json!("server_stopping")));
    let reply = running.join().unwrap();
    let last = reply.events().pop().unwrap();
    assert_eq!(last["choices"][0]["finish_reason"], "length");
    stopping.join().unwrap();
    assert!(TcpStream::connect(address).is_err(), "nobody listens any more");
}

#[test]
fn a_stopped_server_has_finished_what_was_under_way_and_leaves_its_port() {
    let server = slow(1, 8, settings()).serve();
    let address = server.address();
    assert!(server.is_running() && get(address, "/health").status == 200);
    let mut body = endless(true);
    body["max_tokens"] = json!(40);
    let mut under_way = open(address, &body);
    server.stop();
    let mut rest = String::new();
    under_way.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("\"finish_reason\":\"length\"") && rest.contains("data: [DONE]"), "{rest}");
    assert!(TcpStream::connect(address).is_err(), "nobody listens any more");
    let settings = ServerSettings { port: address.port(), ..settings() };
    let next = Tiny { settings, ..Tiny::default() }.serve();
    assert_eq!(next.address(), address, "the port is free again");
    assert_eq!(answer(address, &chat("x", json!({"max_tokens": 2})))["object"], "chat.completion");
}

#[test]
fn the_grace_is_not_for_ever() {
    let server = slow(1, 8, ServerSettings { grace: Duration::from_millis(200), ..settings() }).serve();
    let address = server.address();
    let whole = std::thread::spawn(move || post(address, CHAT, &endless(false)));
    let streamed = std::thread::spawn(move || post(address, CHAT, &endless(true)));
    wait_for(address, "lam_serve_requests_waiting 1");
    let started = Instant::now();
    server.stop();
    assert!(started.elapsed() < Duration::from_secs(20));
    assert_eq!(whole.join().unwrap().status, 503);
    assert!(streamed.join().unwrap().text.contains("the server is stopping"));
}

#[test]
fn a_thread_that_goes_on_for_ever_does_not_keep_the_server_from_its_end() {
    let (release, held) = channel::<()>();
    let held = Mutex::new(held);
    let (reached, arrived) = channel();
    // A minute is for ever here, and a server that waits for it fails the test and not the whole run of tests.
    let log = move |_: &str| {
        let _ = (reached.send(()), held.lock().unwrap().recv_timeout(Duration::from_secs(60)));
    };
    let settings = ServerSettings { grace: Duration::from_millis(100), log: Arc::new(log), ..settings() };
    let server = Tiny { settings, ..Tiny::default() }.serve();
    let mut client = TcpStream::connect(server.address()).unwrap();
    client.write_all(&request("POST", CHAT, "", &chat("x", json!({"mirostat": 2})).to_string())).unwrap();
    arrived.recv_timeout(Duration::from_secs(30)).unwrap();
    let started = Instant::now();
    server.stop();
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
    drop(release);
}

#[test]
fn every_place_has_a_connection_and_there_is_one_more_to_be_told() {
    let settings = ServerSettings { max_connections: 1, ..settings() };
    let tiny = Tiny { slots: 1, queue: 5, settings, ..Tiny::default() };
    let server = tiny.clone().serve();
    let closed = tiny.gate.lock().unwrap();
    let body = endless(false).to_string();
    let clients: Vec<TcpStream> = (0..6)
        .map(|_| {
            let mut client = TcpStream::connect(server.address()).unwrap();
            client.write_all(&request("POST", CHAT, "", &body)).unwrap();
            client
        })
        .collect();
    assert_eq!(get(server.address(), "/health").status, 200);
    drop((clients, closed));
}

#[test]
fn places_are_counted_once_for_each_engine() {
    let metrics = Arc::new(Metrics::default());
    let tiny = Tiny { slots: 2, queue: 5, ..Tiny::default() };
    let base = tiny.model("base", &metrics);
    let place = (base.context, base.vocabulary);
    let over = ServedModel::new("over".into(), Arc::clone(&base.renderer), base.engine.clone(), place);
    let models = vec![base, over, Tiny { slots: 1, ..tiny }.model("other", &metrics)];
    assert_eq!(Models::of(models, Vec::new(), metrics).unwrap().places(), 7 + 6);
}

#[test]
fn an_idle_engine_does_not_hide_what_another_one_has_in_the_making() {
    let metrics = Arc::new(Metrics::default());
    let busy = Tiny { slots: 1, ..Tiny::default() };
    let models = vec![busy.model("tiny", &metrics), Tiny::default().model("idle", &metrics)];
    let server = Server::start(Models::of(models, Vec::new(), metrics).unwrap(), settings()).unwrap();
    let closed = busy.gate.lock().unwrap();
    let mut client = TcpStream::connect(server.address()).unwrap();
    client.write_all(&request("POST", CHAT, "", &long().to_string())).unwrap();
    // It counts as waiting until the step is over that takes it in.
    wait_for(server.address(), "lam_serve_requests_waiting 1");
    answer(server.address(), &chat("x", json!({"model": "idle"})));
    wait_for(server.address(), "lam_serve_requests_running 0");
    let metrics = get(server.address(), "/metrics").text;
    assert!(metrics.lines().any(|line| line == "lam_serve_requests_waiting 1"), "{metrics}");
    drop(closed);
}

#[test]
fn a_client_that_reads_nothing_is_let_go() {
    let settings = ServerSettings { client_timeout: Duration::from_millis(500), ..settings() };
    let server = Tiny { slots: 1, settings, ..Tiny::default() }.serve();
    let client = open(server.address(), &voluble());
    wait_for(server.address(), "lam_serve_requests_running 1");
    wait_for(server.address(), "lam_serve_requests_waiting 0");
    wait_for(server.address(), "lam_serve_requests_running 0");
    wait_for(server.address(), "lam_serve_request_seconds_count 1");
    drop(client);
}
