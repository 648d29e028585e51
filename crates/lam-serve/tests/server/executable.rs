//! Our own questions over HTTP: answered as our own policy answers them.

use lam_agent::{Policy, Request};
use lam_inference::{Generator, ModelPolicy, PolicyOptions, Sampling};
use lam_prompt::{action_json, messages, parse_action_text, plan_messages};
use lam_serve::ServerSettings;
use lam_types::{Control, ControlType, FunctionSpec, Observation, PolicyId, State, Target};
use serde_json::{Value, json};

use crate::tiny::{Tiny, answer, chat, decoder, post, renderer, streamed_text, text};

pub fn functions() -> Vec<FunctionSpec> {
    let target = Target::Control(vec![ControlType::Button]);
    vec![FunctionSpec { name: "click_input".into(), target, args: Vec::new(), doc: "Click it.".into() }]
}

pub fn state() -> State {
    let control = |(place, name): (usize, &str)| Control {
        label: (place + 1).to_string(),
        control_text: name.into(),
        control_type: ControlType::Button,
        enabled: true,
        selected: None,
        value: None,
        rectangle: None,
    };
    let controls = ["Bold", "Italic"].into_iter().enumerate().map(control).collect();
    State {
        request: "make the title bold".into(),
        observation: Observation { controls, ..Observation::default() },
        previous_actions: Vec::new(),
        previous_plan: vec!["make it bold".into()],
    }
}

/// The longest answer in the compact form.
pub const TOKENS: usize = 300;

pub fn ask(seed: u64) -> Value {
    let messages = messages(&state(), &functions());
    json!({"model": "tiny", "messages": messages, "temperature": 1.0, "seed": seed, "max_tokens": TOKENS})
}

/// What our policy does with this seed, as App. C's JSON.
pub fn own_answers(is_compact: bool, max_new_tokens: usize, seeds: u64) -> Vec<String> {
    let (renderer, decoder, state) = (renderer(is_compact), decoder(), state());
    let mut options = PolicyOptions::greedy(PolicyId { name: "tiny".into(), hash: "0".into() });
    options.sampling = Sampling { temperature: 1.0, ..Sampling::default() };
    options.max_new_tokens = max_new_tokens;
    let mut policy = ModelPolicy::new(Generator::new(&decoder, 2).unwrap(), &renderer, functions(), options);
    let request = |seed| Request { state: &state, task_id: "t", attempt: 1, step_index: 0, seed };
    let decisions = policy.decide(&(0..seeds).map(request).collect::<Vec<_>>()).unwrap();
    decisions.into_iter().map(|decision| action_json(&decision.answer.expect("an action"))).collect()
}

#[test]
fn executable_answers_are_those_of_our_own_policy() {
    // In JSON, the question and the answer take thousands of tokens of a tokenizer without words.
    for (is_compact, tokens, seeds) in [(true, TOKENS, 6), (false, 3000, 2)] {
        let settings = ServerSettings { port: 0, executable: true, ..ServerSettings::default() };
        let server = Tiny { is_compact, context: 10_000, settings, ..Tiny::default() }.serve();
        for (seed, own) in (0..).zip(own_answers(is_compact, tokens, seeds)) {
            let mut body = ask(seed);
            body["max_tokens"] = tokens.into();
            let whole = answer(server.address(), &body);
            // JSON has more than one way to write a character.
            let action = parse_action_text(text(&whole)).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
            assert_eq!(action_json(&action), own, "seed {seed}");
            // An action is an object, which is all that this asks for.
            body["response_format"] = json!({"type": "json_object"});
            assert_eq!(text(&answer(server.address(), &body)), text(&whole), "seed {seed}");
            body["stream"] = true.into();
            let events = post(server.address(), "/v1/chat/completions", &body).events();
            assert_eq!(streamed_text(&events, 0), text(&whole));
        }
    }
}

#[test]
fn answers_are_kept_executable_only_where_that_is_asked_for() {
    let free = Tiny { is_compact: true, ..Tiny::default() }.serve();
    let answers: Vec<Value> = (0..4).map(|seed| answer(free.address(), &ask(seed))).collect();
    assert!(answers.iter().any(|whole| parse_action_text(text(whole)).is_err()), "fresh weights write what they like");
}

#[test]
fn slots_that_cannot_be_read_are_refused_and_plans_are_answered() {
    let server = Tiny { is_compact: true, ..Tiny::default() }.serve();
    let mut body = ask(0);
    let damaged = body["messages"][1]["content"].as_str().unwrap().replace("\"Button\"", "\"Lever\"");
    body["messages"][1]["content"] = damaged.into();
    let error = post(server.address(), "/v1/chat/completions", &body).json()["error"].clone();
    assert!(error["param"] == "messages" && error["message"].as_str().unwrap().contains("Lever"), "{error}");
    let body = json!({"model": "tiny", "messages": plan_messages("make it bold"), "temperature": 0, "max_tokens": 20});
    let whole = answer(server.address(), &body);
    let prompt = renderer(true).plan_prompt("make it bold").unwrap();
    assert_eq!(whole["usage"]["prompt_tokens"], prompt.len());
    // A stop string ends it for that reason, although the model wrote on.
    let mut stopped = body.clone();
    stopped["stop"] = text(&whole).chars().take(3).collect::<String>().into();
    let stopped = answer(server.address(), &stopped);
    assert_eq!((text(&stopped), &stopped["choices"][0]["finish_reason"]), ("", &json!("stop")));
    // So is a lone message without the template's own markup.
    let lone = answer(server.address(), &chat("make it bold", json!({"temperature": 0, "max_tokens": 20})));
    assert_eq!((&lone["choices"], &lone["usage"]), (&whole["choices"], &whole["usage"]));
    let marked =
        answer(server.address(), &chat("<|request|> make it bold", json!({"temperature": 0, "max_tokens": 20})));
    let prompt = renderer(true).open_text("<|request|> make it bold").unwrap();
    assert_eq!(marked["usage"]["prompt_tokens"], prompt.len());
}

#[test]
fn a_task_is_planned_whatever_system_text_stands_before_it() {
    let server = Tiny { is_compact: true, ..Tiny::default() }.serve();
    let ask = |messages: Value| {
        let body = json!({"model": "tiny", "messages": messages, "temperature": 0, "max_tokens": 20});
        post(server.address(), "/v1/chat/completions", &body)
    };
    let user = json!({"role": "user", "content": "make the title bold"});
    let with_system = ask(json!([{"role": "system", "content": "You are a helpful assistant."}, user]));
    assert_eq!(text(&with_system.json()), text(&ask(json!([user])).json()));
}

#[test]
fn a_screen_without_functions_is_no_task() {
    let server = Tiny { is_compact: true, context: 10_000, ..Tiny::default() }.serve();
    let screen = messages(&state(), &functions()).pop().unwrap();
    for more in [json!([screen]), json!([{"role": "system", "content": "You are an agent."}, screen])] {
        let refused = post(server.address(), "/v1/chat/completions", &json!({"model": "tiny", "messages": more}));
        let error = &refused.json()["error"];
        assert_eq!((refused.status, error["param"].as_str()), (400, Some("messages")), "{error}");
        assert!(error["message"].as_str().is_some_and(|text| text.contains("have no functions")), "{error}");
    }
}
