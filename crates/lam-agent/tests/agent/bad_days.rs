//! Endpoints on bad days: answers in other shapes, refusals that teach, waits, keys that come back.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use lam_agent::{ChatClient, PolicyError, RemoteConfig, RemotePolicy};
use lam_prompt::{Message, Role};
use lam_signal::{Fault, FaultKind};
use serde_json::{Value, json};

use crate::endpoint::{endpoint, response, says};
use crate::remote::{ANSWER, ask, config, policy};
use crate::watch::Watch;

fn completion(message: &Value, finish: &str) -> String {
    let body = json!({"choices": [{"index": 0, "finish_reason": finish, "message": message}]});
    response("200 OK", "Content-Type: application/json\r\n", &body.to_string())
}

fn refused(status: &str, message: &str) -> String {
    let body = json!({"error": {"message": message, "type": "invalid_request_error"}});
    response(status, "Content-Type: application/json\r\n", &body.to_string())
}

fn files(directory: &Path) -> usize {
    fs::read_dir(directory).map_or(0, Iterator::count)
}

#[test]
fn what_is_no_whole_answer_is_told_never_counted_and_never_cached() {
    let call = json!([{"id": "c", "type": "function", "function": {"name": "click_input", "arguments": "{}"}}]);
    for (message, finish, reason) in [
        (json!({"content": null, "reasoning_content": format!("hm, {ANSWER}")}), "stop", "answered nothing"),
        (json!({"content": &ANSWER[..60]}), "length", "cut off"),
        (json!({"content": ""}), "length", "cut off"),
        (json!({"content": null, "refusal": "I will not"}), "stop", "it refused: I will not"),
        (json!({"content": null, "tool_calls": call}), "tool_calls", "called the tool `click_input`"),
        (json!({"content": format!("<think>{ANSWER}")}), "stop", "answered nothing"),
        (json!({"content": "{}"}), "content_filter", "withheld"),
    ] {
        let (root, watch) = (tempfile::tempdir().unwrap(), Watch::default());
        let (url, seen) = endpoint(&[completion(&message, finish), says(ANSWER)]);
        let config = RemoteConfig { cache_dir: Some(root.path().join("cache")), ..config(url) };
        let mut policy = RemotePolicy::new(config, &[], watch.monitor()).unwrap();
        let unreadable = ask(&mut policy).unwrap().answer.unwrap_err();
        assert!(unreadable.reason.contains(reason), "{message}: {}", unreadable.reason);
        assert!(watch.notes().contains(reason), "{message}: {}", watch.notes());
        assert_eq!(files(&root.path().join("cache")), 0, "{message}");
        assert!(ask(&mut policy).unwrap().answer.is_ok(), "it is asked again");
        assert_eq!((seen.lock().unwrap().len(), files(&root.path().join("cache"))), (2, 1));
    }
}

#[test]
fn parts_are_joined_and_the_answer_after_the_thought_is_taken() {
    let thought = format!("<think>\nperhaps {}, no\n</think>\n{ANSWER}", ANSWER.replace("click_input", "set_text"));
    for content in [
        json!([{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": ANSWER}]),
        json!([{"type": "text", "text": &ANSWER[..40]}, {"type": "text", "text": &ANSWER[40..]}]),
        json!(thought),
    ] {
        let (url, _) = endpoint(&[completion(&json!({"content": content}), "stop")]);
        let action = ask(&mut policy(config(url))).unwrap().answer.unwrap();
        assert_eq!(action.function, "click_input", "{content}");
    }
}

#[test]
fn an_empty_answer_that_an_earlier_version_cached_is_asked_for_again() {
    let root = tempfile::tempdir().unwrap();
    let (url, seen) = endpoint(&[says(ANSWER)]);
    let config = RemoteConfig { cache_dir: Some(root.path().to_owned()), ..config(url) };
    ask(&mut policy(config.clone())).unwrap();
    let cached = fs::read_dir(root.path()).unwrap().next().unwrap().unwrap().path();
    for kept in [r#"{"text":"","seconds":1.0}"#, "{\"te"] {
        fs::write(&cached, kept).unwrap();
        let (other, _) = endpoint(&[]);
        assert!(ask(&mut policy(RemoteConfig { retries: 0, ..config.clone() })).is_err(), "{other}: asked, in vain");
    }
    fs::write(&cached, json!({"text": format!("<think>hm</think>{ANSWER}"), "seconds": 1.0}).to_string()).unwrap();
    assert!(ask(&mut policy(config)).unwrap().answer.is_ok(), "what can be used is not paid for twice");
    assert_eq!(seen.lock().unwrap().len(), 1);
}

#[test]
fn other_names_and_fixed_temperatures_are_learned_once() {
    let length = refused("400 Bad Request", "Unsupported parameter: 'max_tokens'; use 'max_completion_tokens' instead");
    let temperature = refused("400 Bad Request", "`temperature` is not supported here; only the default (1) is");
    let (url, seen) = endpoint(&[length, temperature, says(ANSWER), says(ANSWER)]);
    let watch = Watch::default();
    let root = tempfile::tempdir().unwrap();
    let config = RemoteConfig { retries: 0, cache_dir: Some(root.path().to_owned()), ..config(url) };
    let mut policy = RemotePolicy::new(config.clone(), &[], watch.monitor()).unwrap();
    assert!(ask(&mut policy).unwrap().answer.is_ok());
    fs::remove_dir_all(root.path()).unwrap();
    assert!(ask(&mut policy).unwrap().answer.is_ok());
    let keys = |body: &str| {
        let body: Value = serde_json::from_str(body).unwrap();
        (body["max_tokens"].clone(), body["max_completion_tokens"].clone(), body["temperature"].clone())
    };
    let seen: Vec<_> = seen.lock().unwrap().iter().map(|(_, body)| keys(body)).collect();
    let (none, most) = (Value::Null, json!(1024));
    let learned = (none.clone(), most.clone(), none.clone());
    let first = (most.clone(), none.clone(), json!(0.0));
    assert_eq!(seen, [first, (none, most, json!(0.0)), learned.clone(), learned]);
    let notes = watch.notes();
    assert_eq!(notes.matches("`max_completion_tokens`").count(), 1, "{notes}");
    assert_eq!(notes.matches("no temperature but its own").count(), 1, "{notes}");
    assert_eq!(files(root.path()), 1, "cached by the question as it was configured");
}

#[test]
fn other_refusals_are_not_sent_again() {
    for (status, message, hint) in [
        ("400 Bad Request", "max_tokens is too large: 1024", ""),
        ("402 Payment Required", "no", "credit"),
        ("403 Forbidden", "no", "check the key"),
        ("404 Not Found", "no", "check `base_url`"),
        ("413 Content Too Large", "no", ""),
        ("501 Not Implemented", "no", ""),
    ] {
        let (url, seen) = endpoint(&[refused(status, message), says(ANSWER)]);
        let error = ask(&mut policy(config(url))).unwrap_err().to_string();
        assert!(error.contains(&status[..3]) && error.contains(message) && error.contains(hint), "{error}");
        assert_eq!(seen.lock().unwrap().len(), 1, "{status}");
    }
    let quota = json!({"error": {"message": "You exceeded your quota", "code": "insufficient_quota"}}).to_string();
    let (url, seen) = endpoint(&[response("429 Too Many Requests", "Retry-After: 1\r\n", &quota), says(ANSWER)]);
    let error = ask(&mut policy(config(url))).unwrap_err().to_string();
    assert!(error.contains("exceeded your quota") && error.contains("no credit"), "{error}");
    assert_eq!(seen.lock().unwrap().len(), 1);
}

#[test]
fn a_key_is_sent_nowhere_else() {
    let (elsewhere, stolen) = endpoint(&[says(ANSWER)]);
    for status in ["302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let (url, _) = endpoint(&[response(status, &format!("Location: {elsewhere}/chat/completions\r\n"), "")]);
        let error = ask(&mut policy(config(url))).unwrap_err().to_string();
        assert!(error.contains(&elsewhere) && error.contains("`base_url`"), "{error}");
    }
    assert!(stolen.lock().unwrap().is_empty());
}

#[test]
fn garbage_pages_and_torn_bodies_are_asked_for_again() {
    let torn = "HTTP/1.1 200 OK\r\nContent-Length: 900\r\nConnection: close\r\n\r\n{\"choices\": [{\"mess".to_owned();
    let chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n{\"choices\": [".to_owned();
    let page = response("502 Bad Gateway", "Content-Type: text/html\r\n", "<html><h1>Bad gateway</h1></html>");
    let garbage = response("200 OK", "", "OK, here you go");
    let overloaded = response("200 OK", "", r#"{"error": {"message": "overloaded"}}"#);
    let stream = response("200 OK", "Content-Type: text/event-stream\r\n", "data: {\"choices\":[{\"delta\":{}}]}\n\n");
    for bad in [&torn, &chunks, &page, &garbage, &overloaded, &stream] {
        let (url, seen) = endpoint(&[bad.clone(), says(ANSWER)]);
        assert!(ask(&mut policy(config(url))).unwrap().answer.is_ok(), "{bad}");
        assert_eq!(seen.lock().unwrap().len(), 2, "{bad}");
    }
    let (url, _) = endpoint(&[page.clone(), page.clone(), page]);
    let error = ask(&mut policy(config(url))).unwrap_err().to_string();
    assert!(error.contains("status 502: a page: Bad gateway, 3 times in a row"), "{error}");
}

#[test]
fn a_busy_endpoint_is_waited_for_as_it_asks_and_says_so() {
    let busy = |header: &str| response("429 Too Many Requests", &format!("{header}\r\n"), r#"{"error":"slow down"}"#);
    for (header, name) in [
        ("Retry-After: 1", "retry-after"),
        ("retry-after-ms: 1000", "retry-after-ms"),
        ("RateLimit: \"api\";r=0;t=1", "ratelimit"),
        ("x-ratelimit-reset-requests: 1s", "x-ratelimit-reset-requests"),
    ] {
        let (url, seen) = endpoint(&[busy(header), busy(header), says(ANSWER)]);
        let (watch, begun) = (Watch::default(), Instant::now());
        let mut policy = RemotePolicy::new(config(url), &[], watch.monitor()).unwrap();
        assert!(ask(&mut policy).unwrap().answer.is_ok());
        assert!(begun.elapsed() >= Duration::from_secs(2), "{header}");
        assert_eq!(seen.lock().unwrap().len(), 3);
        let notes = watch.notes();
        assert!(notes.contains(&format!("the endpoint asks to wait 1 s ({name}), until ")), "{notes}");
    }
}

#[test]
fn a_wait_beyond_the_budget_is_refused_with_the_time() {
    for header in ["Retry-After: 86400", "RateLimit: \"day\";r=0;t=86400", "Retry-After: Thu, 31 Dec 2099 23:59:59 GMT"]
    {
        let busy = response("429 Too Many Requests", &format!("{header}\r\n"), r#"{"error":"come back tomorrow"}"#);
        let (url, seen) = endpoint(&[busy, says(ANSWER)]);
        let begun = Instant::now();
        let error = ask(&mut policy(config(url))).unwrap_err();
        let text = error.to_string();
        for part in ["come back tomorrow", "until ", "GMT", "600 s are waited at most", "`max_wait_s`", "hint:"] {
            assert!(text.contains(part), "no `{part}` in: {text}");
        }
        assert!(begun.elapsed() < Duration::from_secs(10) && seen.lock().unwrap().len() == 1);
    }
    let busy = response("503 Service Unavailable", "Retry-After: 1\r\n", "");
    let (url, _) = endpoint(&[busy.clone(), busy.clone(), busy]);
    let error = ask(&mut policy(RemoteConfig { max_wait_s: 2.5, retries: 5, ..config(url) })).unwrap_err().to_string();
    assert!(error.contains("of which 2 s are spent"), "{error}");
}

/// Asks, and asks the work to stop a moment later; how long that took.
fn stopped(config: RemoteConfig) -> Duration {
    let watch = Watch::default();
    let mut policy = RemotePolicy::new(config, &[], watch.monitor()).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(300));
            watch.cancel.cancel();
        });
        let begun = Instant::now();
        let error = ask(&mut policy).unwrap_err();
        assert!(matches!(error, PolicyError::Cancelled { .. }) && error.kind() == FaultKind::Cancelled, "{error}");
        begun.elapsed()
    })
}

#[test]
fn a_request_to_stop_ends_every_wait_at_once() {
    let soon = Duration::from_secs(3);
    let busy = response("429 Too Many Requests", "Retry-After: 120\r\n", "");
    assert!(stopped(config(endpoint(&[busy]).0)) < soon, "a wait that was asked for");
    let broken = response("500 Internal Server Error", "", "");
    let patient = RemoteConfig { backoff_s: 60.0, ..config(endpoint(&[broken]).0) };
    assert!(stopped(patient) < soon, "a wait of our own");
    // Takes the question and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    assert!(stopped(config(format!("http://{}/v1", silent.local_addr().unwrap()))) < soon, "a silent endpoint");
    let half = "HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n{\"choices\"".to_owned();
    let (url, seen) = endpoint(&[half]);
    let kept = RemoteConfig { retries: 0, ..config(url) };
    let error = ask(&mut policy(kept)).unwrap_err().to_string();
    assert!(error.contains("broke off") && seen.lock().unwrap().len() == 1, "{error}");
}

#[test]
fn a_key_that_comes_back_is_shown_nowhere() {
    let key = "sk-echo/0123456789+abcdef";
    // SAFETY: no other test reads or writes this variable.
    unsafe { std::env::set_var("LAM_TRAIN_TEST_ECHOED_KEY", key) };
    let keyed = |url: String| RemoteConfig { key_env: "LAM_TRAIN_TEST_ECHOED_KEY".into(), retries: 0, ..config(url) };
    for echo in [key.to_owned(), key.replace('/', "\\/"), "sk-echo%2F0123456789%2Babcdef".into()] {
        let body = format!("{{\"error\": {{\"message\": \"no such key: Bearer {echo}\"}}}}");
        let (url, seen) = endpoint(&[response("401 Unauthorized", "", &body)]);
        let error = ask(&mut policy(keyed(url))).unwrap_err();
        assert!(seen.lock().unwrap()[0].0.contains(&format!("authorization: Bearer {key}")), "it is sent");
        for text in [error.to_string(), format!("{:?}", error.details())] {
            assert!(!text.contains("0123456789") && text.contains("[redacted]"), "{text}");
        }
    }
    // An answer is kept: in the cache, in a trajectory, in a report.
    let root = tempfile::tempdir().unwrap();
    let (url, _) = endpoint(&[says(&format!("your key is {key}\u{1b}[31m"))]);
    let config = RemoteConfig { cache_dir: Some(root.path().to_owned()), ..keyed(url) };
    let unreadable = ask(&mut policy(config)).unwrap().answer.unwrap_err();
    assert_eq!(unreadable.text, "your key is [redacted]\u{1b}[31m");
    let cached = fs::read_dir(root.path()).unwrap().next().unwrap().unwrap().path();
    assert!(!fs::read_to_string(cached).unwrap().contains("0123456789"));
    // Beyond the end of an excerpt there may be half a key.
    let (url, _) = endpoint(&[response("400 Bad Request", "", &format!("{} {key}", "x".repeat(290)))]);
    let error = ask(&mut policy(keyed(url))).unwrap_err().to_string();
    assert!(!error.contains("sk-echo"), "{error}");
}

#[test]
fn what_steers_a_terminal_is_shown_as_text() {
    let (url, _) = endpoint(&[refused("400 Bad Request", "a\u{1b}]0;title\u{7}b\u{9b}31mc\u{202e}d\re")]);
    let error = ask(&mut policy(config(url))).unwrap_err().to_string();
    assert!(error.contains("a\\u001b]0;title\\u0007b\\u009b31mc\\u202ed\\u000de"), "{error}");
}

#[test]
fn settings_that_cannot_be_right_are_refused_before_the_first_call() {
    let (url, seen) = endpoint(&[says(ANSWER)]);
    // SAFETY: no other test reads or writes these variables.
    unsafe {
        std::env::set_var("LAM_TRAIN_TEST_KEY_ENDS", "sk-line-end-0123\n");
        std::env::set_var("LAM_TRAIN_TEST_KEY_SPLIT", "sk-line-end-4567\r\nX-Other: 1");
        std::env::set_var("LAM_TRAIN_TEST_KEY_EMPTY", " ");
        std::env::set_var("LAM_TRAIN_TEST_KEY_WIDE", "sk-wide-é-0123");
    }
    let keyed = |key_env: &str| RemoteConfig { key_env: key_env.into(), ..config(url.clone()) };
    let based = |base_url: &str| RemoteConfig { base_url: base_url.into(), ..config(url.clone()) };
    for (config, words) in [
        (keyed("LAM_TRAIN_TEST_KEY_ENDS"), &["LAM_TRAIN_TEST_KEY_ENDS", "line end"][..]),
        (keyed("LAM_TRAIN_TEST_KEY_SPLIT"), &["LAM_TRAIN_TEST_KEY_SPLIT", "line end"]),
        (keyed("LAM_TRAIN_TEST_KEY_EMPTY"), &["LAM_TRAIN_TEST_KEY_EMPTY", "is empty"]),
        (keyed("LAM_TRAIN_TEST_KEY_WIDE"), &["no HTTP header can carry"]),
        (keyed("sk-proj-0123456789abcdef"), &["`key_env` = [redacted]", "never the key itself"]),
        (based("api.example/v1"), &["`base_url` = api.example/v1", "http://"]),
        (based("http://u:pw-of-the-url@h/v1"), &["has a name or a password in it", "[redacted]"]),
        (based("https://h/v1/chat/completions"), &["leave out `/chat/completions`"]),
        (RemoteConfig { model: " ".into(), ..config(url.clone()) }, &["`model`"]),
        (RemoteConfig { timeout_s: -5.0, ..config(url.clone()) }, &["timeout_s"]),
        (RemoteConfig { timeout_s: f64::NAN, ..config(url.clone()) }, &["timeout_s"]),
    ] {
        let error = RemotePolicy::new(config, &[], Watch::nobody()).err().unwrap();
        assert_eq!(error.kind(), FaultKind::Config);
        let text = error.to_string();
        for word in words {
            assert!(text.contains(word), "no `{word}` in: {text}");
        }
        for secret in ["0123", "4567", "pw-of-the-url"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
    assert!(seen.lock().unwrap().is_empty());
}

#[test]
fn an_answer_that_cannot_be_used_is_asked_for_again_and_not_cached() {
    let question = vec![(vec![Message::new(Role::User, "yes or no?")], 0)];
    let yes = |_: usize, answer: &lam_agent::ChatAnswer| {
        if answer.text == "yes" { Ok(true) } else { Err(format!("cannot be read: {}", answer.text)) }
    };
    let (root, watch) = (tempfile::tempdir().unwrap(), Watch::default());
    let (url, seen) = endpoint(&[says("I would say yes."), says("yes"), says("no")]);
    let kept = RemoteConfig { cache_dir: Some(root.path().to_owned()), ..config(url) };
    let client = ChatClient::new(kept, watch.monitor()).unwrap();
    assert_eq!(client.ask_all_for(&question, &yes).unwrap(), [true]);
    assert_eq!(client.ask_all_for(&question, &yes).unwrap(), [true], "from the cache");
    assert_eq!(seen.lock().unwrap().len(), 2);
    assert!(watch.notes().contains("I would say yes.; asked again"), "{}", watch.notes());

    let (root, no) = (tempfile::tempdir().unwrap(), vec![says("no"), says("no"), says("no")]);
    let (url, seen) = endpoint(&no);
    let kept = RemoteConfig { cache_dir: Some(root.path().to_owned()), ..config(url) };
    let client = ChatClient::new(kept, Watch::nobody()).unwrap();
    let error = client.ask_all_for(&question, &yes).unwrap_err().to_string();
    assert!(error.contains("cannot be read: no") && seen.lock().unwrap().len() == 3, "{error}");
    assert_eq!(files(root.path()), 0, "so the next run asks again");
}
