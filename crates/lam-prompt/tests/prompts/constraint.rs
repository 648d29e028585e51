//! Whatever is chosen among the allowed tokens, the answer can be carried out; and what an expert says is allowed.

use std::collections::BTreeMap;

use lam_prompt::{AnswerLimits, Renderer, TokenConstraint};
use lam_types::{Action, ArgKind, Args, FunctionSpec, Observation, Status, Target};
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use crate::fixture;

/// Chooses at random until the answer is done.
fn walk(renderer: &Renderer, constraint: &mut dyn TokenConstraint, random: &mut ChaCha8Rng) -> Vec<u32> {
    let mut ids = Vec::new();
    while !constraint.is_done() {
        let allowed = constraint.allowed();
        assert!(allowed.is_sorted_by(|left, right| left < right), "ascending, without repetition");
        assert!(!allowed.is_empty(), "stuck behind {}", renderer.tokenizer().decode(&ids));
        // Special tokens come first and are drawn often, so that free texts end.
        let token = if random.random_bool(0.4) { allowed[0] } else { *allowed.choose(random).expect("not empty") };
        ids.push(token);
        constraint.advance(token);
        assert!(ids.len() < 5000, "an answer without end");
    }
    ids
}

/// Why an action cannot be carried out, if so.
fn fault(action: &Action, functions: &[FunctionSpec], observation: &Observation) -> Option<String> {
    if action.function.is_empty() {
        return (!action.args.is_empty() || !action.control_label.is_empty()).then(|| "nothing is called".to_owned());
    }
    let Some(spec) = functions.iter().find(|spec| spec.name == action.function) else { return Some("function".into()) };
    match &spec.target {
        Target::Application if !action.control_label.is_empty() => return Some("label".into()),
        Target::Application => {}
        Target::Control(types) => match observation.control(&action.control_label) {
            Some(control)
                if control.control_text == action.control_name
                    && control.enabled
                    && types.contains(&control.control_type) => {}
            _ => return Some(format!("control {} {}", action.control_label, action.control_name)),
        },
    }
    let unknown = action.args.keys().find(|key| spec.args.iter().all(|arg| arg.name != **key));
    let wrong = spec.args.iter().find(|arg| match action.args.get(&arg.name) {
        None => arg.required,
        Some(value) => !fits(&arg.kind, value, observation),
    });
    unknown.cloned().or(wrong.map(|arg| format!("{} {:?}", arg.name, action.args)))
}

fn fits(kind: &ArgKind, value: &Value, observation: &Observation) -> bool {
    match kind {
        ArgKind::Text => value.is_string(),
        ArgKind::DocumentText => value
            .as_str()
            .is_some_and(|text| !text.is_empty() && observation.document.lines().any(|line| line.contains(text))),
        ArgKind::Integer { min, max } => value.as_i64().is_some_and(|number| (*min..=*max).contains(&number)),
        ArgKind::ShownNumber(_) => value.as_i64().is_some_and(|number| (1..=2).contains(&number)),
        ArgKind::Paragraph => value.as_i64().is_some_and(|number| (1..=3).contains(&number)),
        ArgKind::Boolean => value.is_boolean(),
        ArgKind::OneOf(words) => value.as_str().is_some_and(|text| words.iter().any(|word| word == text)),
    }
}

/// Walks many times; how often each function was called.
pub fn walk_many(renderer: &Renderer, count: usize) -> BTreeMap<String, usize> {
    let (functions, observation) = (fixture::functions(), fixture::observation());
    let random = &mut ChaCha8Rng::seed_from_u64(3);
    let mut seen = BTreeMap::new();
    for _ in 0..count {
        let mut constraint = renderer.action_constraint(&observation, &functions);
        let ids = walk(renderer, constraint.as_mut(), random);
        let action = renderer.parse_action(&ids).expect("an allowed answer can be read");
        assert_eq!(fault(&action, &functions, &observation), None, "{}", renderer.tokenizer().decode(&ids));
        assert!(action.plan.len() <= 3);
        *seen.entry(action.function).or_insert(0) += 1;
    }
    seen
}

#[test]
fn every_walk_ends_in_an_executable_answer() {
    let limits = AnswerLimits { thought_tokens: 6, plan_steps: 3, step_tokens: 5, text_tokens: 6 };
    let seen = walk_many(&fixture::renderer().with_limits(limits), 2000);
    let names: Vec<&str> = seen.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "",
            "click_input",
            "insert_table",
            "select_paragraph",
            "select_table",
            "select_text",
            "set_edit_text",
            "set_font"
        ],
        "texts has no control"
    );
}

#[test]
fn what_an_expert_says_is_allowed() {
    let renderer = fixture::renderer();
    let (functions, observation) = (fixture::functions(), fixture::observation());
    for (function, label, name, args) in [
        ("click_input", "1", "Bold", json!({})),
        ("click_input", "4", "Bold", json!({"button": "right", "double": true})),
        ("click_input", "2", "Find and Replace", json!({"double": false})),
        ("click_input", "6", "Table 1 Row 2", json!({})),
        ("set_edit_text", "3", "Find", json!({"text": "new Größe, 12.5"})),
        ("select_text", "", "", json!({"text": "beta, gamma"})),
        ("select_text", "", "", json!({"text": "alpha"})),
        ("select_text", "", "", json!({"text": "Die Größe"})),
        ("insert_table", "", "", json!({"rows": 64, "columns": -3})),
        ("select_table", "", "", json!({"number": 2})),
        ("select_paragraph", "", "", json!({"start_index": 1, "end_index": 3})),
        ("set_font", "", "", json!({"font_size": 12})),
        ("set_font", "", "", json!({"font_name": "Arial Black", "font_size": 400})),
        ("", "", "", json!({})),
    ] {
        let action = Action {
            thought: "because".into(),
            control_label: label.into(),
            control_name: name.into(),
            function: function.into(),
            args: args.as_object().cloned().unwrap_or_else(Args::new),
            status: Status::Continue,
            plan: vec!["click Bold".into(), "select alpha".into()],
        };
        let mut constraint = renderer.action_constraint(&observation, &functions);
        for id in renderer.action_answer(&action).expect("the template takes it") {
            assert!(
                constraint.allowed().binary_search(&id).is_ok(),
                "{} in {function} {args}",
                renderer.tokenizer().decode(&[id])
            );
            constraint.advance(id);
        }
        assert!(constraint.is_done(), "{function} {args}");
    }
}

#[test]
fn a_screen_without_text_and_controls_offers_what_needs_neither() {
    let renderer = fixture::renderer();
    let random = &mut ChaCha8Rng::seed_from_u64(4);
    for _ in 0..300 {
        let mut constraint = renderer.action_constraint(&Observation::default(), &fixture::functions());
        let ids = walk(&renderer, constraint.as_mut(), random);
        let action = renderer.parse_action(&ids).expect("an allowed answer can be read");
        assert!(["", "insert_table", "set_font"].contains(&action.function.as_str()), "{}", action.function);
    }
}

#[test]
fn a_screen_may_have_thousands_of_controls() {
    let mut observation = fixture::observation();
    let one = observation.controls[0].clone();
    let control =
        |n: u32| lam_types::Control { label: n.to_string(), control_text: format!("Bold {n}"), ..one.clone() };
    observation.controls = (0..3000).map(control).collect();
    let limits = AnswerLimits { thought_tokens: 2, plan_steps: 1, step_tokens: 2, text_tokens: 3 };
    let random = &mut ChaCha8Rng::seed_from_u64(6);
    let renderer = crate::templates::renderer(crate::templates::CHATML).expect("ChatML").with_limits(limits);
    let mut constraint = renderer.call_constraint(&observation, &fixture::functions()[..1]);
    let ids = walk(&renderer, constraint.as_mut(), random);
    let action = renderer.parse_action(&ids).expect("an allowed answer can be read");
    assert_eq!(action.control_name, format!("Bold {}", action.control_label));
}

/// A function on the application whose first argument is followed by optional ones that this screen has no value for,
/// and one that it may have.
fn with_impossible_arguments(first: &ArgKind, last: Option<&ArgKind>) -> Vec<FunctionSpec> {
    let arg = |name: &str, kind: &ArgKind| lam_types::ArgSpec {
        name: name.into(),
        kind: kind.clone(),
        required: false,
        doc: "A value.".into(),
    };
    let impossible = [
        ("number", ArgKind::ShownNumber("Table".into())),
        ("text", ArgKind::DocumentText),
        ("start_index", ArgKind::Paragraph),
        ("button", ArgKind::OneOf(Vec::new())),
    ];
    let args = std::iter::once(arg("rows", first));
    let args = args.chain(impossible.iter().map(|(name, kind)| arg(name, kind)));
    let args = args.chain(last.map(|kind| arg("columns", kind))).collect();
    vec![FunctionSpec { name: "insert_table".into(), target: Target::Application, args, doc: "Does it.".into() }]
}

#[test]
fn nothing_is_offered_behind_which_nothing_may_come() {
    let renderers = [fixture::renderer(), crate::templates::renderer(crate::templates::CHATML).expect("ChatML")];
    let renderers = renderers.map(|renderer| {
        renderer.with_limits(AnswerLimits { thought_tokens: 2, plan_steps: 1, step_tokens: 2, text_tokens: 3 })
    });
    let random = &mut ChaCha8Rng::seed_from_u64(5);
    let kinds =
        [ArgKind::Integer { min: 1, max: 64 }, ArgKind::Boolean, ArgKind::Text, ArgKind::OneOf(vec!["left".into()])];
    // A screen without text and tables, of an empty document.
    let observation = Observation::default();
    for (first, last) in kinds.iter().flat_map(|kind| [(kind, None), (kind, Some(&kinds[0]))]) {
        let functions = with_impossible_arguments(first, last);
        let mut both = 0;
        for (renderer, walks) in renderers.iter().zip([200, 20]) {
            for _ in 0..walks {
                let mut constraint = renderer.call_constraint(&observation, &functions);
                let ids = walk(renderer, constraint.as_mut(), random);
                let action = renderer.parse_action(&ids).expect("an allowed answer can be read");
                assert_eq!(fault(&action, &functions, &observation), None, "{action:?}");
                both += usize::from(action.args.len() == 2);
            }
        }
        assert_eq!(both > 0, last.is_some(), "{first:?} {last:?}");
    }
}

#[test]
fn behind_a_token_that_was_not_allowed_nothing_is_and_no_answer_is_done() {
    let renderer = fixture::renderer();
    let mut constraint = renderer.action_constraint(&fixture::observation(), &fixture::functions());
    constraint.advance(renderer.tokenizer().eos());
    assert!(!constraint.is_done() && constraint.allowed().is_empty() && constraint.forced().is_none());
}
