//! A teacher behind an endpoint, through the binary: what it repeats is not shown or kept, waits end with a signal.

#[path = "../crates/lam-agent/tests/agent/endpoint.rs"]
mod endpoint;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use endpoint::{endpoint, response, says};
use serde_json::json;

use crate::support::{Place, contents};

/// A pipeline whose teacher is asked at this address; `more` are keys of the endpoint.
fn teacher(place: &Place, url: &str, more: &str) {
    let limits = "[stage.set.trajectories.limits]\nmax_steps = 2\nmax_invalid_in_a_row = 1\n";
    let remote = format!("[stage.set.trajectories.teacher.remote]\nbase_url = \"{url}\"\nretries = 0\n{more}");
    let stage = "[[stage]]\nname = \"collected\"\nkind = \"trajectories\"\n[stage.set.trajectories]\ntasks = 1\n";
    place.write("teacher.toml", &format!("name = \"teacher\"\nseed = 1\n{stage}{limits}{remote}"));
}

const RUN: [&str; 4] = ["run", "teacher.toml", "--runs-dir", "runs"];
const FINISH: &str =
    r#"{"thought":"done","control_label":"","control_name":"","function":"","args":{},"status":"FINISH","plan":[]}"#;

fn with_key(mut command: Command, key: &str) -> (i32, String) {
    let output = command.env("LAM_TEST_KEY", key).output().expect("lam-train starts");
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&text).into_owned())
}

/// What was printed, and every file of the run, hold neither the key nor an escape.
fn nothing_told(printed: &str, runs: &Path, hidden: &str) {
    let files = contents(runs).into_iter().map(|(name, bytes)| (name, String::from_utf8_lossy(&bytes).into_owned()));
    for (name, text) in files.chain([("the terminal".to_owned(), printed.to_owned())]) {
        assert!(!text.contains(hidden), "{name}: {text}");
        assert!(name.ends_with(".parquet") || !text.contains(['\u{1b}', '\u{9b}', '\u{202e}']), "{name}: {text}");
    }
}

#[test]
fn a_key_that_an_endpoint_repeats_is_neither_shown_nor_kept() {
    let key = "sk-live/abcdefghij+0123456789";
    let steers = "\u{1b}[2J\u{9b}31m\u{202e}";
    let body = json!({"error": {"message": format!("no such key: Bearer {key}{steers}")}}).to_string();
    for body in [body.clone(), body.replace('/', "\\/"), format!("Bearer {key}{steers}"), body.replace('/', "%2F")] {
        for json in [false, true] {
            let place = Place::new("echoed-key");
            let (url, seen) = endpoint(&[response("401 Unauthorized", "", &body)]);
            teacher(&place, &url, "key_env = \"LAM_TEST_KEY\"\n");
            let args = [&RUN[..], if json { &["--json"] } else { &[] }].concat();
            let (code, printed) = with_key(place.command(&args), key);
            assert_eq!(code, 1, "{printed}");
            assert!(seen.lock().expect("no holder panics")[0].0.contains(key), "it was sent");
            assert!(printed.contains("[redacted]") && printed.contains("status 401"), "{printed}");
            nothing_told(&printed, &place.path("runs"), "abcdefghij");
        }
    }
    let place = Place::new("echoed-key");
    let (url, _) = endpoint(&[says(&format!("your key is {key}"))]);
    teacher(&place, &url, "key_env = \"LAM_TEST_KEY\"\ncache_dir = \"answers\"\n");
    let (_, printed) = with_key(place.command(&RUN), key);
    nothing_told(&printed, &place.path("runs"), "abcdefghij");
    nothing_told(&printed, &place.path("answers"), "abcdefghij");
}

#[cfg(unix)]
#[test]
fn one_signal_ends_a_wait_and_the_wait_was_told() {
    let place = Place::new("waiting");
    let busy = response("429 Too Many Requests", "Retry-After: 300\r\n", "");
    let (url, _) = endpoint(&[busy]);
    teacher(&place, &url, "key_env = \"\"\n");
    let tries = ["--set", "collected.trajectories.teacher.remote.retries=2"];
    let mut run = place.command(&[&RUN[..], &tries].concat()).stderr(Stdio::piped()).spawn().expect("lam-train starts");
    let mut lines = BufReader::new(run.stderr.take().expect("a pipe")).lines().map_while(Result::ok);
    let told = lines.find(|line| line.contains("asks to wait 300 s")).expect("it is told");
    assert!(told.contains("gpt-4o"), "{told}");
    let begun = Instant::now();
    let killed = Command::new("kill").args(["-TERM", &run.id().to_string()]).status().expect("kill starts");
    assert!(killed.success());
    let rest: Vec<String> = lines.collect();
    assert_eq!(run.wait().expect("it ends").code(), Some(130), "{rest:?}");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[test]
fn an_answer_in_parts_is_an_action_and_a_cut_one_is_told_and_asked_for_again() {
    let place = Place::new("parts");
    let completion = |content: serde_json::Value, finish: &str| {
        let body = json!({"choices": [{"finish_reason": finish, "message": {"content": content}}]}).to_string();
        response("200 OK", "", &body)
    };
    let (url, _) = endpoint(&[completion(json!(&FINISH[..40]), "length")]);
    teacher(&place, &url, "key_env = \"\"\ncache_dir = \"answers\"\n");
    let cut = place.run(&RUN);
    assert!(cut.stderr.contains("cut off (length); raise `max_tokens`"), "{}", cut.stderr);
    assert!(!place.path("answers").exists(), "nothing is cached");
    let parts = json!([{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": FINISH}]);
    let (url, seen) = endpoint(&[completion(parts, "stop")]);
    teacher(&place, &url, "key_env = \"\"\ncache_dir = \"answers\"\n");
    let whole = place.run(&[&RUN[..], &["--force", "collected"]].concat());
    assert!(!whole.stderr.contains("cut off"), "{}", whole.stderr);
    assert_eq!((seen.lock().expect("no holder panics").len(), contents(&place.path("answers")).len()), (1, 1));
}

#[test]
fn endpoints_that_cannot_be_right_are_refused_where_they_are_written() {
    let place = Place::new("wrong-endpoints");
    for (url, more, words) in [
        ("127.0.0.1:8000/v1", "", &["teacher.toml:", "base_url", "127.0.0.1:8000/v1", "http://", "hint:"][..]),
        ("http://h/v1", "key_env = \"sk-proj-abcdefghij\"\n", &["teacher.toml:", "key_env", "[redacted]", "hint:"]),
        ("http://h/v1", "key_env = \"LAM_TEST_NO_SUCH_KEY\"\n", &["`LAM_TEST_NO_SUCH_KEY` is not set", "hint:"]),
    ] {
        teacher(&place, url, more);
        place.refuse(&RUN, 2, words);
        assert!(!place.run(&RUN).stderr.contains("abcdefghij"));
    }
    teacher(&place, "http://127.0.0.1:1/v1", "key_env = \"LAM_TEST_KEY\"\n");
    let (code, printed) = with_key(place.command(&RUN), "sk-abcdefghij\n");
    assert!(code == 2 && printed.contains("line end") && !printed.contains("abcdefghij"), "{code}: {printed}");
    place.write("p", "");
    place.write("judged.toml", "name = \"judged\"\n[[stage]]\nname = \"e\"\nkind = \"eval.plan\"\n[stage.inputs]\nplans = [\"p\"]\n[stage.set.judge]\nbase_url = \"h\"\n");
    place.write("p", "");
    place.refuse(&["plan", "judged.toml"], 2, &["judge.base_url", "http://"]);
}
