//! What UFO's AppAgent is answered.

use lam_prompt::{Renderer, UfoAction};
use lam_types::{Action, Status};
use rand::SeedableRng;
use rand::seq::IndexedRandom;
use serde_json::{Value, json};

use super::prompts::{Prompt, Version};
use crate::fixture;

fn action(function: &str, label: &str, args: Value, status: Status, plan: &[&str]) -> Action {
    Action {
        thought: "it is \"selected\"".into(),
        control_label: label.into(),
        control_name: "another name".into(),
        function: function.into(),
        args: args.as_object().cloned().expect("an object"),
        status,
        plan: plan.iter().map(|step| (*step).to_owned()).collect(),
    }
}

fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text}"))
}

#[test]
fn each_schema_has_its_keys_in_their_order() {
    let click = action("click_input", "1", json!({}), Status::Continue, &["close"]);
    let classic = [
        r#"{"Observation": "The window has 3 controls.", "Thought": "it is \"selected\"", "ControlLabel": "1", "#,
        r#""ControlText": "Bold", "Function": "click_input", "Args": {"button": "left", "double": false}, "#,
        r#""Status": "CONTINUE", "Plan": ["close"], "Comment": ""}"#,
    ];
    assert_eq!(Prompt::new(Version::Classic).read().answer(&click), classic.concat());
    let list = [
        r#"{"Observation": "The window has 3 controls.", "Thought": "it is \"selected\"", "#,
        r#""ActionList": [{"Function": "click_input", "Args": {"button": "left", "double": false}, "#,
        r#""ControlLabel": "1", "ControlText": "Bold", "Status": "CONTINUE"}], "Plan": ["close"], "Comment": "", "#,
        r#""SaveScreenshot": {"save": false, "reason": ""}}"#,
    ];
    assert_eq!(Prompt::new(Version::ClassicList).read().answer(&click), list.concat());
    let third = [
        r#"{"observation": "The window has 3 controls.", "thought": "it is \"selected\"", "#,
        r#""action": {"function": "click_input", "arguments": {"id": "1", "name": "Bold", "button": "left", "#,
        r#""double": false}, "status": "CONTINUE"}, "plan": ["close"], "comment": "", "#,
        r#""save_screenshot": {"save": false, "reason": ""}, "result": null}"#,
    ]
    .concat();
    for version in [Version::Third, Version::ThirdText] {
        assert_eq!(Prompt::new(version).read().answer(&click), third, "{version:?}");
    }
    let listed = value(&Prompt::new(Version::ThirdList).read().answer(&click));
    assert_eq!(listed["action"], json!([value(&third)["action"]]));
    let visual = value(&Prompt::new(Version::ClassicVisual).read().answer(&click));
    assert_eq!(visual["SaveScreenshot"], json!({"save": false, "reason": ""}));
    assert!(visual["Observation"].as_str().unwrap_or_default().contains("Screenshots are not looked at"));
}

#[test]
fn the_last_action_ends_the_sub_task() {
    let last = action("select_paragraph", "", json!({"end_index": 2, "start_index": 1}), Status::Finish, &[]);
    let classic = value(&Prompt::new(Version::Classic).read().answer(&last));
    assert_eq!(
        (&classic["Status"], &classic["Plan"], &classic["ControlLabel"]),
        (&json!("FINISH"), &json!("<FINISH>"), &json!(""))
    );
    // In the documentation's order, which JSON objects do not keep when compared.
    assert_eq!(classic["Args"].to_string(), r#"{"start_index":1,"end_index":2}"#);
    let listed = value(&Prompt::new(Version::ClassicList).read().answer(&last));
    assert_eq!(listed["Plan"], json!([]), "its text names no word for the end");
    let third = value(&Prompt::new(Version::Third).read().answer(&last));
    assert_eq!(third["action"]["arguments"].to_string(), r#"{"start_index":1,"end_index":2}"#);
    assert_eq!((&third["plan"], &third["result"]), (&json!([]), &third["comment"]));
    let stop = action("", "", json!({}), Status::Finish, &[]);
    let third = value(&Prompt::new(Version::Third).read().answer(&stop));
    assert_eq!(third["action"], json!({"function": "", "arguments": {}, "status": "FINISH"}));
}

#[test]
fn text_replaces_what_stands_in_a_field_and_is_added_to_the_document() {
    for (label, expected) in [("4", json!({"text": "x", "clear_current_text": true})), ("7", json!({"text": "x"}))] {
        let write = action("set_edit_text", label, json!({"text": "x"}), Status::Continue, &[]);
        assert_eq!(value(&Prompt::new(Version::Classic).read().answer(&write))["Args"], expected);
    }
    let own = json!({"text": "x", "clear_current_text": false});
    let write = action("set_edit_text", "4", own.clone(), Status::Continue, &[]);
    assert_eq!(value(&Prompt::new(Version::Classic).read().answer(&write))["Args"], own);
}

#[test]
fn what_cannot_be_carried_out_is_a_failure_with_its_reason() {
    for (misfit, reason) in [
        (action("fly", "1", json!({}), Status::Continue, &[]), "no function `fly` is documented"),
        (action("click_input", "2", json!({}), Status::Continue, &[]), "no control has label `2`"),
        (
            action("set_edit_text", "1", json!({"text": "x"}), Status::Continue, &[]),
            "set_edit_text acts on no Button, which control `1` is",
        ),
        (action("click_input", "1", json!({"speed": 1}), Status::Finish, &[]), "click_input has no argument `speed`"),
        (
            action("select_paragraph", "", json!({"start_index": 1}), Status::Finish, &[]),
            "select_paragraph needs `end_index`",
        ),
        (
            action("select_paragraph", "", json!({"start_index": "1", "end_index": 2}), Status::Finish, &[]),
            "select_paragraph cannot take \"1\" as `start_index`",
        ),
        (
            action("select_paragraph", "", json!({"start_index": 1, "end_index": 1_000_000}), Status::Finish, &[]),
            "select_paragraph cannot take 1000000 as `end_index`",
        ),
        (
            action("click_input", "1", json!({"double": "yes"}), Status::Continue, &[]),
            "click_input cannot take \"yes\" as `double`",
        ),
        (
            action("click_input", "1", json!({"button": "middle"}), Status::Continue, &[]),
            "click_input cannot take \"middle\" as `button`",
        ),
        (
            action("set_edit_text", "4", json!({"text": null}), Status::Continue, &[]),
            "set_edit_text cannot take null as `text`",
        ),
    ] {
        let classic = value(&Prompt::new(Version::Classic).read().answer(&misfit));
        assert_eq!(
            (&classic["Status"], &classic["Function"], &classic["Args"]),
            (&json!("FAIL"), &json!(""), &json!({}))
        );
        assert!(classic["Comment"].as_str().unwrap_or_default().contains(reason), "{classic}");
        let third = value(&Prompt::new(Version::Third).read().answer(&misfit));
        assert_eq!(third["action"], json!({"function": "", "arguments": {}, "status": "FAIL"}));
        assert!(third["result"].as_str().unwrap_or_default().contains(reason), "{third}");
    }
}

#[test]
fn a_control_of_a_kind_that_we_have_not_is_acted_on() {
    let mut prompt = Prompt::new(Version::Classic);
    prompt.controls[0]["control_type"] = "RICHEDIT".into();
    let write = action("set_edit_text", "1", json!({"text": "x"}), Status::Continue, &[]);
    let answer = value(&prompt.read().answer(&write));
    assert_eq!((&answer["Status"], &answer["ControlLabel"]), (&json!("CONTINUE"), &json!("1")), "{answer}");
}

/// The answer to tokens in a renderer's own form.
fn answered(renderer: &Renderer, asked: &UfoAction, ids: &[u32]) -> Value {
    value(&renderer.ufo_answer(asked, ids))
}

#[test]
fn a_models_own_form_is_translated() {
    let (renderer, asked) = (fixture::renderer(), Prompt::new(Version::Classic).read());
    let click = action("click_input", "1", json!({}), Status::Finish, &[]);
    let ids = renderer.action_answer(&click).expect("text");
    assert_eq!(renderer.ufo_answer(&asked, &ids), asked.answer(&click));
    let broken_off = answered(&renderer, &asked, &ids[..4]);
    assert_eq!(broken_off["Status"], json!("FAIL"), "{broken_off}");
    let fenced = renderer
        .tokenizer()
        .encode("```json {\"Function\": \"click_input\", \"ControlLabel\": \"1\", \"Status\": \"CONTINUE\"} ```");
    assert_eq!(answered(&renderer, &asked, &fenced)["Args"], json!({"button": "left", "double": false}));
    let prose = answered(&renderer, &asked, &renderer.tokenizer().encode("I cannot."));
    assert_eq!(prose["Status"], json!("FAIL"));
}

#[test]
fn every_constrained_answer_is_carried_out() {
    let renderer = fixture::renderer();
    for version in Version::ALL {
        let asked = Prompt::new(version).read();
        for seed in 0..20 {
            let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
            let mut constraint = renderer.action_constraint(&asked.state().observation, asked.functions());
            let mut ids = Vec::new();
            while !constraint.is_done() {
                let token = *constraint.allowed().choose(&mut random).expect("some token may come next");
                ids.push(token);
                constraint.advance(token);
            }
            let answer = answered(&renderer, &asked, &ids);
            let status = if version.is_third() { &answer["action"]["status"] } else { &answer["Status"] };
            let status = match version {
                Version::ClassicList => &answer["ActionList"][0]["Status"],
                Version::ThirdList => &answer["action"][0]["status"],
                _ => status,
            };
            assert!(
                ["CONTINUE", "FINISH"].contains(&status.as_str().unwrap_or_default()),
                "{version:?} {seed}: {answer}"
            );
        }
    }
}
