//! The remote policy against an endpoint that is a thread of this test.

use std::fs;

use lam_agent::{Decision, Policy, PolicyError, RemoteConfig, RemotePolicy, Request};
use lam_env::Application;
use lam_types::State;

use crate::counter::{Counter, task};
use crate::endpoint::{endpoint, response, says};
use crate::watch::Watch;

pub const ANSWER: &str = r#"Here it is:
```json
{"thought": "press it", "control_label": "1", "control_name": "Press", "function": "click_input",
 "args": {"button": "left"}, "status": "FINISH", "plan": []}
```"#;

pub fn config(url: String) -> RemoteConfig {
    RemoteConfig {
        base_url: url,
        key_env: String::new(),
        retries: 2,
        backoff_s: 0.001,
        usd_per_million_prompt_tokens: 10.0,
        usd_per_million_answer_tokens: 100.0,
        ..RemoteConfig::default()
    }
}

fn state() -> State {
    let mut environment = Counter::new(0).open().unwrap();
    let observation = environment.reset(&task("press", 1)).unwrap();
    State { request: "press 1".into(), observation, previous_actions: Vec::new(), previous_plan: Vec::new() }
}

pub fn ask(policy: &mut RemotePolicy<'_>) -> Result<Decision, PolicyError> {
    let state = state();
    let request = Request { state: &state, task_id: "press-1", attempt: 0, step_index: 0, seed: 7 };
    policy.decide(&[request]).map(|mut decisions| decisions.remove(0))
}

pub fn policy(config: RemoteConfig) -> RemotePolicy<'static> {
    RemotePolicy::new(config, Counter::new(0).functions(), Watch::nobody()).unwrap()
}

#[test]
fn a_busy_endpoint_is_asked_again_and_its_fenced_answer_is_read() {
    let busy = response("429 Too Many Requests", "Retry-After: 0\r\n", "slow down");
    let broken = response("503 Service Unavailable", "", "");
    let (url, seen) = endpoint(&[busy, broken, says(ANSWER)]);
    let action = ask(&mut policy(config(url))).unwrap().answer.unwrap();
    assert_eq!((action.control_label.as_str(), action.function.as_str()), ("1", "click_input"));
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 3);
    assert!(seen[0].0.starts_with("POST /v1/chat/completions "), "{}", seen[0].0);
    assert!(seen[0].1.contains("press 1") && seen[0].1.contains("click_input"), "{}", seen[0].1);
    assert!(!seen[0].1.contains("seed"), "at temperature 0 a seed would only defeat the cache");
}

#[test]
fn an_endpoint_that_stays_broken_or_refuses_stops_the_run() {
    let broken = response("500 Internal Server Error", "", "oops");
    let (url, _) = endpoint(&[broken.clone(), broken.clone(), broken]);
    let error = ask(&mut policy(config(url))).unwrap_err().to_string();
    assert!(error.contains("status 500: oops, 3 times in a row"), "{error}");
    let (url, seen) = endpoint(&[response("401 Unauthorized", "", "who are you")]);
    let error = ask(&mut policy(config(url))).unwrap_err().to_string();
    assert!(error.contains("hint: check the key"), "{error}");
    assert_eq!(seen.lock().unwrap().len(), 1, "a refusal is not repeated");
}

#[test]
fn an_answer_that_is_no_action_is_data() {
    let (url, _) = endpoint(&[says("I would rather not.")]);
    let unreadable = ask(&mut policy(config(url))).unwrap().answer.unwrap_err();
    assert_eq!(unreadable.text, "I would rather not.");
    assert!(!unreadable.reason.is_empty());
}

#[test]
fn a_known_question_is_answered_from_the_cache_and_costs_nothing() {
    let root = tempfile::tempdir().unwrap();
    let (url, seen) = endpoint(&[says(ANSWER)]);
    let config = RemoteConfig {
        cache_dir: Some(root.path().join("cache")),
        cost_file: Some(root.path().join("cost.jsonl")),
        ..config(url)
    };
    let first = ask(&mut policy(config.clone())).unwrap();
    assert_eq!(ask(&mut policy(config)).unwrap(), first);
    assert_eq!(seen.lock().unwrap().len(), 1);
    let cost = fs::read_to_string(root.path().join("cost.jsonl")).unwrap();
    let line: serde_json::Value = serde_json::from_str(cost.trim()).unwrap();
    assert_eq!((line["prompt_tokens"].as_u64(), line["completion_tokens"].as_u64()), (Some(1000), Some(100)));
    assert!((line["usd"].as_f64().unwrap() - 0.02).abs() < 1e-12, "{line}");
}

#[test]
fn nothing_is_asked_once_the_money_is_spent_also_after_a_restart() {
    let root = tempfile::tempdir().unwrap();
    let (url, seen) = endpoint(&[says(ANSWER)]);
    let config = RemoteConfig { max_usd: Some(0.015), cost_file: Some(root.path().join("cost.jsonl")), ..config(url) };
    ask(&mut policy(config.clone())).unwrap();
    let error = ask(&mut policy(config)).unwrap_err();
    assert!(matches!(error, PolicyError::Budget { .. }), "{error}");
    assert_eq!(seen.lock().unwrap().len(), 1);
}

#[test]
fn a_missing_key_is_named_and_never_its_value() {
    let config = RemoteConfig { key_env: "LAM_TRAIN_TEST_NO_SUCH_KEY".into(), ..config("http://127.0.0.1:9".into()) };
    let error = RemotePolicy::new(config, &[], Watch::nobody()).err().unwrap().to_string();
    assert!(error.contains("`LAM_TRAIN_TEST_NO_SUCH_KEY` is not set\nhint:"), "{error}");
}
