//! What is refused, with the status, the field and the words that OpenAI's clients read.

use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lam_http_server::ServerError;
use lam_serve::{ServeError, Server, ServerSettings};
use lam_signal::Secret;
use serde_json::{Value, json};

use crate::tiny::{CONTEXT, Reply, Tiny, answer, chat, config, exchange, get, post, read, request};

const CHAT: &str = "/v1/chat/completions";

#[track_caller]
fn refused(reply: &Reply, status: u16, param: Option<&str>, words: &[&str]) {
    let error = &reply.json()["error"];
    assert_eq!((reply.status, error["param"].as_str()), (status, param), "{}", reply.text);
    assert!(error["type"].is_string() && error.get("code").is_some(), "{}", reply.text);
    let message = error["message"].as_str().unwrap();
    for word in words {
        assert!(message.contains(word), "no `{word}` in {message}");
    }
}

#[test]
fn what_cannot_be_answered_is_named() {
    let server = Tiny::default().serve();
    let ask = |body: &Value| post(server.address(), CHAT, body);
    refused(&ask(&chat("x", json!({"model": "none"}))), 404, Some("model"), &["`none`", "tiny"]);
    refused(&ask(&chat("x", json!({"temperature": "hot"}))), 400, Some("temperature"), &["a string", "a number"]);
    refused(&ask(&chat("x", json!({"n": 100}))), 400, Some("n"), &["100", "64"]);
    let long = "make the title bold ".repeat(200);
    refused(&ask(&chat(&long, json!({}))), 400, Some("messages"), &[" tokens", &CONTEXT.to_string()]);
    let wide = chat("x", json!({"max_tokens": CONTEXT}));
    refused(&ask(&wide), 400, Some("max_tokens"), &["`max_tokens` is 400", "at most 400"]);
    let completion =
        |prompt: Value| post(server.address(), "/v1/completions", &json!({"model": "tiny", "prompt": prompt}));
    refused(
        &completion(json!([1, 99999])),
        400,
        Some("prompt"),
        &["99999", &format!("{} tokens", config().vocab_size)],
    );
    refused(&get(server.address(), "/v1/models/none"), 404, Some("model"), &["tiny"]);
    refused(&get(server.address(), "/v1/models/%FF"), 400, None, &["UTF-8"]);
    refused(&get(server.address(), "/v2"), 404, None, &["/v2"]);
    refused(&get(server.address(), CHAT), 405, None, &["POST"]);
    let raw = |body: &[u8]| {
        let mut bytes = request("POST", CHAT, "", &"x".repeat(body.len()));
        let start = bytes.len() - body.len();
        bytes[start..].copy_from_slice(body);
        exchange(server.address(), &bytes)
    };
    refused(&raw(b"{\"model\": \"tiny\""), 400, None, &["not JSON"]);
    refused(&raw(b"{\"model\": \"\xFF\xFE\"}"), 400, None, &["not JSON"]);
    refused(&raw("[".repeat(5000).as_bytes()), 400, None, &["not JSON"]);
    refused(&raw(b""), 400, None, &["not JSON"]);
    assert_eq!(answer(server.address(), &chat("x", json!({})))["object"], "chat.completion", "and it goes on");
}

#[test]
fn a_prompt_that_is_far_too_long_is_refused_before_it_is_split_and_what_fits_is_not() {
    let long = "make the title bold ".repeat(150_000);
    for is_compact in [true, false] {
        let server = Tiny { is_compact, ..Tiny::default() }.serve();
        let fits = [" at least ", " tokens", &CONTEXT.to_string()];
        let reply = post(server.address(), CHAT, &chat(&long, json!({})));
        refused(&reply, 400, Some("messages"), &fits);
        assert_eq!(reply.json()["error"]["code"], "context_length_exceeded");
        let body = json!({"model": "tiny", "prompt": long});
        refused(&post(server.address(), "/v1/completions", &body), 400, Some("prompt"), &fits);
    }
    // The compact form has single spaces.
    let server = Tiny { is_compact: true, ..Tiny::default() }.serve();
    let spaces = " ".repeat(100_000);
    let body = chat(&format!("make it{spaces}bold"), json!({"temperature": 0}));
    let plain = chat("make it bold", json!({"temperature": 0}));
    assert_eq!(answer(server.address(), &body)["choices"], answer(server.address(), &plain)["choices"]);
}

#[test]
fn what_the_template_refuses_is_told_without_the_servers_files() {
    let template = "{% for m in messages %}{% if m.content == 'no' %}{{ raise_exception('not that') }}{% endif %}\
        {{ m.content }}{% if m.role == 'assistant' %}{{ eos_token }}{% endif %}{% endfor %}";
    let server = Tiny { template: Some(template.into()), ..Tiny::default() }.serve();
    let reply = post(server.address(), CHAT, &chat("no", json!({})));
    refused(&reply, 400, Some("messages"), &["chat template", "not that"]);
    for word in ["/", "hint", "jinja"] {
        assert!(!reply.json()["error"]["message"].as_str().unwrap().contains(word), "{}", reply.text);
    }
    assert_eq!(answer(server.address(), &chat("yes", json!({})))["object"], "chat.completion");
}

#[test]
fn a_call_whose_numbers_have_exponents_is_a_history() {
    let template = "{% if tools %}{{ tools | tojson }}{% endif %}{% for m in messages %}{{ m.content }}\
        {% for c in m.tool_calls %}{{ c.function.name ~ (c.function.arguments | tojson) }}{% endfor %}\
        {% if m.role == 'assistant' %}{{ eos_token }}{% endif %}{% endfor %}";
    let server = Tiny { template: Some(template.into()), ..Tiny::default() }.serve();
    let call = json!({"id": "c", "type": "function",
        "function": {"name": "scale", "arguments": "{\"by\": 0.00001, \"to\": [1e300, 1e16]}"}});
    let mut body = chat("x", json!({}));
    body["messages"] = json!([{"role": "user", "content": "x"}, {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "y"}]);
    assert_eq!(answer(server.address(), &body)["object"], "chat.completion");
}

#[test]
fn unknown_fields_change_nothing_and_are_logged_once() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&lines);
    let settings = ServerSettings {
        port: 0,
        log: Arc::new(move |line: &str| log.lock().unwrap().push(line.to_owned())),
        ..ServerSettings::default()
    };
    let server = Tiny { settings, ..Tiny::default() }.serve();
    let plain = answer(server.address(), &chat("x", json!({"temperature": 0})));
    for _ in 0..2 {
        let more = json!({"temperature": 0, "mirostat": 2, "user": "me"});
        assert_eq!(answer(server.address(), &chat("x", more))["choices"], plain["choices"]);
    }
    assert_eq!(*lines.lock().unwrap(), ["/v1/chat/completions: `mirostat` is not known and changes nothing"]);
}

#[test]
fn a_token_is_asked_for_where_one_is_set() {
    let settings = ServerSettings { port: 0, token: Secret::new("s3cret-token"), ..ServerSettings::default() };
    let server = Tiny { settings, ..Tiny::default() }.serve();
    let ask =
        |headers: &str| exchange(server.address(), &request("POST", CHAT, headers, &chat("x", json!({})).to_string()));
    for headers in ["", "Authorization: Bearer other\r\n", "Authorization: Basic s3cret-token\r\n"] {
        refused(&ask(headers), 401, None, &["Authorization: Bearer"]);
    }
    assert_eq!(ask("Authorization: bearer s3cret-token\r\n").status, 200);
    assert_eq!(get(server.address(), "/v1/models").status, 401);
    assert_eq!(get(server.address(), "/metrics").status, 401);
    assert_eq!((get(server.address(), "/health").status, get(server.address(), "/").status), (200, 200));
    let open = ServerSettings { host: "0.0.0.0".into(), port: 0, ..ServerSettings::default() };
    let start = || Server::start(lam_serve::Models::of(Vec::new(), Vec::new(), Arc::default()).unwrap(), open.clone());
    assert!(matches!(start(), Err(ServeError::Server(ServerError::Exposed { .. }))));
}

#[test]
fn a_host_is_what_it_resolves_to() {
    let at = |host: &str| ServerSettings { host: host.into(), port: 0, ..ServerSettings::default() };
    for own in ["localhost", "127.0.0.1", "127.8.9.10"] {
        assert!(at(own).check().is_ok(), "{own}");
    }
    for open in ["0.0.0.0", "0", "192.0.2.1", "::"] {
        assert!(matches!(at(open).check(), Err(ServerError::Exposed { .. })), "{open}");
    }
    let error = at("").check().unwrap_err();
    assert!(matches!(error, ServerError::Bind { .. }) && error.to_string().contains("--host"), "{error}");
}

#[test]
fn pages_of_other_names_are_kept_out() {
    let server = Tiny::default().serve();
    let ask = |host: &str| {
        exchange(
            server.address(),
            format!("GET /v1/models HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").as_bytes(),
        )
    };
    refused(&ask("evil.example.com"), 403, None, &["another host"]);
    for host in ["localhost:8000", "127.0.0.1:8000", "[::1]:8000", "workstation"] {
        assert_eq!(ask(host).status, 200, "{host}");
    }
}

#[test]
fn pages_of_other_servers_are_kept_out_and_the_servers_own_is_not() {
    let server = Tiny::default().serve();
    // What a browser sends without asking first.
    let ask = |origin: &str| {
        let headers = format!("Content-Type: text/plain\r\nOrigin: {origin}\r\n");
        exchange(server.address(), &request("POST", CHAT, &headers, &chat("x", json!({})).to_string()))
    };
    for other in ["https://evil.example.com", "http://localhost:3000", "null"] {
        refused(&ask(other), 403, None, &["another server", "token"]);
    }
    assert_eq!(ask("http://localhost").status, 200, "the host that is asked");
}

#[test]
fn pages_of_origins_that_are_named_may_ask_and_read_what_comes() {
    let (page, token) = ("http://localhost:3000", Secret::new("s3cret-token"));
    let settings = ServerSettings { port: 0, allowed_origins: vec![page.to_owned()], ..ServerSettings::default() };
    for settings in [settings.clone(), ServerSettings { token, ..settings }] {
        let (has_token, server) = (settings.token.is_some(), Tiny { settings, ..Tiny::default() }.serve());
        let ask = |method: &str, origin: &str, more: &str| {
            let headers = format!("Authorization: Bearer s3cret-token\r\nOrigin: {origin}\r\n{more}");
            let body = if method == "POST" { chat("x", json!({})).to_string() } else { String::new() };
            exchange(server.address(), &request(method, CHAT, &headers, &body))
        };
        let first = "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: content-type\r\n";
        // A browser asks first without the token.
        let asked = format!("Origin: {page}\r\n{first}");
        let told = exchange(server.address(), &request("OPTIONS", CHAT, &asked, ""));
        assert_eq!((told.status, told.header("access-control-allow-headers")), (204, Some("content-type")));
        assert_eq!(told.header("access-control-allow-origin"), Some(page));
        for (reply, status) in [(ask("POST", page, ""), 200), (ask("GET", page, ""), 405)] {
            assert_eq!((reply.status, reply.header("access-control-allow-origin")), (status, Some(page)));
        }
        let other = ask("POST", "http://localhost:3001", "");
        let expected = (if has_token { 200 } else { 403 }, None);
        assert_eq!((other.status, other.header("access-control-allow-origin")), expected, "{}", other.text);
        let told = ask("OPTIONS", "http://localhost:3001", first);
        assert!(told.status >= 400 && told.header("access-control-allow-methods").is_none(), "{}", told.text);
    }
    let settings = ServerSettings { allowed_origins: vec!["*".into()], ..ServerSettings::default() };
    assert!(matches!(settings.check(), Err(ServerError::Origin { .. })));
}

#[test]
fn a_body_may_begin_with_a_byte_order_mark_and_must_not_be_compressed() {
    let server = Tiny::default().serve();
    let body = chat("x", json!({"temperature": 0})).to_string();
    let ask = |headers: &str, body: &str| exchange(server.address(), &request("POST", CHAT, headers, body));
    let plain = ask("", &body).json();
    let marked = ask("Content-Encoding: Identity\r\n", &format!("\u{feff}{body}"));
    assert_eq!(marked.json()["choices"], plain["choices"], "{}", marked.text);
    for path in [CHAT, "/v1/completions", "/v1/rewards"] {
        let packed = exchange(server.address(), &request("POST", path, "Content-Encoding: gzip\r\n", &body));
        refused(&packed, 415, None, &["`gzip`"]);
    }
}

#[test]
fn bodies_that_are_too_large_or_too_slow_are_refused() {
    let settings = ServerSettings {
        port: 0,
        max_body_bytes: 10_000,
        client_timeout: Duration::from_millis(600),
        ..ServerSettings::default()
    };
    let server = Tiny { settings, ..Tiny::default() }.serve();
    let large = chat(&"x".repeat(50_000), json!({}));
    refused(&post(server.address(), CHAT, &large), 413, None, &["10000"]);
    let mut slow = TcpStream::connect(server.address()).unwrap();
    let whole = request("POST", CHAT, "", &chat("x", json!({})).to_string());
    slow.write_all(&whole[..whole.len() - 3]).unwrap();
    refused(&read(slow), 408, None, &["did not arrive"]);
    // A head that does not end is no request: the connection ends.
    let mut slow = TcpStream::connect(server.address()).unwrap();
    slow.write_all(b"POST /v1/chat/completions HTTP/1.1\r\nHost: loc").unwrap();
    slow.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut rest = Vec::new();
    std::io::Read::read_to_end(&mut slow, &mut rest).unwrap();
    assert!(rest.is_empty() || rest.starts_with(b"HTTP/1.1 408"), "{}", String::from_utf8_lossy(&rest));
    // Half a request, and then no more of it.
    let mut half = TcpStream::connect(server.address()).unwrap();
    half.write_all(&whole[..whole.len() - 3]).unwrap();
    half.shutdown(Shutdown::Write).unwrap();
    let mut rest = Vec::new();
    std::io::Read::read_to_end(&mut half, &mut rest).unwrap();
    assert!(rest.is_empty() || rest.starts_with(b"HTTP/1.1 400"), "{}", String::from_utf8_lossy(&rest));
    assert_eq!(answer(server.address(), &chat("x", json!({})))["object"], "chat.completion");
}
