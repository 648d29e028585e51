//! Answers read back to the same seven keys, whatever stands in them.

use lam_prompt::{action_json, parse_action_text, parse_action_text_tolerant};
use lam_types::{Action, Args, Status};
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use crate::fixture;

const TEXTS: [&str; 22] = [
    "",
    "alpha",
    "alpha beta",
    " leading",
    "trailing ",
    "  ",
    "5",
    "true",
    "null",
    "Größe \u{1F600}",
    "a\nb\tc",
    "it's \"quoted\"",
    "</s>",
    "<|do|>",
    "<|;|>",
    "{DELETE}",
    ".docx",
    "\\n",
    "x,y",
    "-3",
    "日本語",
    "select_text",
];

fn text(random: &mut ChaCha8Rng) -> String {
    let parts: Vec<&str> = (0..random.random_range(1..4)).map(|_| *TEXTS.choose(random).expect("not empty")).collect();
    if random.random_bool(0.5) { parts[0].to_owned() } else { parts.join(" ") }
}

fn value(random: &mut ChaCha8Rng) -> Value {
    match random.random_range(0..8) {
        0 => json!(random.random_range(-400..400)),
        1 => json!(random.random_bool(0.5)),
        2 => json!(1.5),
        3 => json!(null),
        4 => json!([1, "a"]),
        _ => Value::from(text(random)),
    }
}

fn action(random: &mut ChaCha8Rng) -> Action {
    let mut args = Args::new();
    for _ in 0..random.random_range(0..3) {
        args.insert(text(random), value(random));
    }
    Action {
        thought: text(random),
        control_label: text(random),
        control_name: text(random),
        function: text(random),
        args,
        status: if random.random_bool(0.5) { Status::Continue } else { Status::Finish },
        plan: (0..random.random_range(0..4)).map(|_| text(random)).collect(),
    }
}

#[test]
fn compact_answers_lose_nothing() {
    let renderer = fixture::renderer();
    let random = &mut ChaCha8Rng::seed_from_u64(1);
    for _ in 0..3000 {
        let action = action(random);
        let ids = renderer.action_answer(&action).expect("the template takes it");
        assert_eq!(ids.last(), Some(&renderer.tokenizer().eos()));
        assert_eq!(renderer.parse_action(&ids).as_ref(), Ok(&action), "{}", renderer.tokenizer().decode(&ids));
        let plan = renderer.plan_answer(&action.plan).expect("the template takes it");
        assert_eq!(renderer.parse_plan(&plan).as_ref(), Ok(&action.plan));
    }
}

#[test]
fn json_answers_lose_nothing() {
    let random = &mut ChaCha8Rng::seed_from_u64(2);
    for _ in 0..1000 {
        let action = action(random);
        let text = action_json(&action);
        assert_eq!(parse_action_text(&text).as_ref(), Ok(&action), "{text}");
        assert_eq!(
            parse_action_text_tolerant(&format!("Sure!\n```json\n{text}\n```\n")).as_ref(),
            Ok(&action),
            "{text}"
        );
    }
}

#[test]
fn a_usual_answer_is_short() {
    let renderer = fixture::renderer();
    let action = Action {
        thought: "make it bold".into(),
        control_label: "4".into(),
        control_name: "Bold".into(),
        function: "click_input".into(),
        args: Args::new(),
        status: Status::Finish,
        plan: Vec::new(),
    };
    let text = renderer.tokenizer().decode(&renderer.action_answer(&action).expect("the template takes it"));
    assert_eq!(text, "<|think|> make it bold<|plan|><|do|> click_input<|on|> Bold 4<|args|><|status|> FINISH</s>");
}

#[test]
fn a_prompt_has_one_begin_and_spaced_quotes() {
    let renderer = fixture::renderer();
    let ids = renderer.action_prompt(&fixture::state(), &fixture::functions()).expect("the template takes it");
    let tokenizer = renderer.tokenizer();
    assert_eq!(ids.iter().filter(|id| Some(**id) == tokenizer.bos()).count(), 1);
    assert_eq!(
        tokenizer.decode(&ids),
        "<s><|controls|> Bold 1 Find and Replace 2 Find 3 Bold 4 Page Borders 5 Table 1 Row 2 6 Table 1 7 Table 2 8\
         <|request|> make ' alpha beta ' bold .<|done|><|plan|> click Bold<|answer|>"
    );
    let answer = tokenizer.encode(" alpha beta");
    assert!(ids.windows(answer.len()).any(|window| window == answer), "the quoted words are the answer's tokens");
}

#[test]
fn strict_reading_names_what_is_wrong() {
    let renderer = fixture::renderer();
    let tokenizer = renderer.tokenizer();
    let marker = |name: &str| tokenizer.token_id(name).expect("a marker");
    let broken = [vec![marker("<|think|>")], tokenizer.encode(" why")].concat();
    let error = renderer.parse_action(&broken).expect_err("no plan").to_string();
    assert_eq!(error, "<|plan|> is missing in answer `<|think|> why`");
    assert!(parse_action_text("{\"thought\": \"\"}").is_err());
}

#[test]
fn foreign_answers_are_read() {
    let classic = "Here:\n{'Observation': 'a', 'Thought': 'why', 'ControlLabel': 3, 'ControlText': 'Find', \
        'Function': 'set_edit_text', 'Args': {'text': 'it\\'s', 'clear': True,}, 'Status': 'continue', 'Plan': '<FINISH>',}";
    let action = parse_action_text_tolerant(classic).expect("UFO's classic keys");
    assert_eq!((action.control_label.as_str(), action.control_name.as_str()), ("3", "Find"));
    assert_eq!(Value::from(action.args), json!({"text": "it's", "clear": true}));
    assert_eq!((action.status, action.plan.len()), (Status::Continue, 0));

    let third = r#"{"observation": "", "thought": "t", "action": {"function": "click_input",
        "arguments": {"id": "1", "name": "Bold", "double": false}, "status": "FINISH"}, "plan": ["x"]}"#;
    let action = parse_action_text_tolerant(third).expect("UFO's third schema");
    assert_eq!((action.control_label.as_str(), action.control_name.as_str()), ("1", "Bold"));
    assert_eq!((action.args.len(), action.status), (1, Status::Finish));

    for text in ["", "no", "{", "{\"a\": 1}", "{\"function\": \"f\", \"status\": \"PENDING\"}"] {
        assert!(parse_action_text_tolerant(text).is_err(), "{text}");
    }
}
