//! Mistral's templates over small tokenizers of the same build: one begin of sequence, the layout of each version.

use std::path::Path;

use lam_prompt::{AnswerLimits, Renderer};
use lam_types::{Action, Args, State, Status};
use serde_json::{Value, json};

use crate::fixture;

/// The layout before [INST] was a token; it refuses a system message.
pub const FIRST: &str = "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}\
{{ '[INST] ' + message['content'] + ' [/INST]' }}{% elif message['role'] == 'assistant' %}\
{{ ' ' + message['content'] + eos_token }}{% else %}{{ raise_exception('Only user and assistant roles are supported!') }}\
{% endif %}{% endfor %}";

/// The layout of the third tokenizer, with the system text in the first [INST].
pub const THIRD: &str = "{%- if messages[0]['role'] == 'system' %}\n    {%- set system_message = messages[0]['content'] %}\n    \
{%- set loop_messages = messages[1:] %}\n{%- else %}\n    {%- set loop_messages = messages %}\n{%- endif %}\n{{- bos_token }}\n\
{%- for message in loop_messages %}\n    {%- if message['role'] == 'user' %}\n        {%- if loop.first and system_message is defined %}\n            \
{{- '[INST] ' + system_message + '\\n\\n' + message['content'] + '[/INST]' }}\n        {%- else %}\n            \
{{- '[INST] ' + message['content'] + '[/INST]' }}\n        {%- endif %}\n    {%- else %}\n        \
{{- ' ' + message['content']|trim + eos_token }}\n    {%- endif %}\n{%- endfor %}\n";

/// Writes a SentencePiece-like tokenizer with byte fallback.
fn write_pieces(dir: &Path, has_inst: bool, template: Option<&str>) {
    let specials: Vec<&str> =
        if has_inst { vec!["<unk>", "<s>", "</s>", "[INST]", "[/INST]"] } else { vec!["<unk>", "<s>", "</s>"] };
    let mut vocab: Vec<String> = specials.iter().map(|token| (*token).to_owned()).collect();
    vocab.extend((0..=255).map(|byte| format!("<0x{byte:02X}>")));
    vocab.extend((' '..='~').filter(|c| *c != ' ').map(String::from));
    vocab.extend(["▁", "▁{", "th", "\":", "\",", "▁\"", "al", "pha", "alpha", "▁alpha", "\"}", "12"].map(String::from));
    let merges = ["▁ {", "t h", "\" :", "\" ,", "▁ \"", "a l", "p h", "ph a", "al pha", "▁ alpha", "\" }", "1 2"];
    vocab.push("ph".into());
    let added: Vec<Value> = specials.iter().enumerate().map(|(id, content)| json!({
        "id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true,
    })).collect();
    let ids: serde_json::Map<String, Value> =
        vocab.iter().enumerate().map(|(id, token)| (token.clone(), id.into())).collect();
    let tokenizer = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": added, "normalizer": null,
        "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": false},
        "post_processor": null,
        "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
            {"type": "Strip", "content": " ", "start": 1, "stop": 0},
        ]},
        "model": {
            "type": "BPE", "dropout": null, "unk_token": "<unk>", "continuing_subword_prefix": null, "end_of_word_suffix": null,
            "fuse_unk": true, "byte_fallback": true, "ignore_merges": false, "vocab": ids, "merges": merges,
        },
    });
    std::fs::write(dir.join("tokenizer.json"), tokenizer.to_string()).expect("a writable directory");
    if let Some(template) = template {
        std::fs::write(dir.join("chat_template.jinja"), template).expect("a writable directory");
    }
}

pub fn renderer(has_inst: bool, template: Option<&str>) -> Renderer {
    let dir = tempfile::tempdir().expect("a directory");
    write_pieces(dir.path(), has_inst, template);
    Renderer::load(dir.path()).expect("a Mistral tokenizer")
}

fn action(function: &str, label: &str, name: &str, args: Value) -> Action {
    Action {
        thought: "say \"so\"\n".into(),
        control_label: label.into(),
        control_name: name.into(),
        function: function.into(),
        args: args.as_object().cloned().unwrap_or_else(Args::new),
        status: Status::Finish,
        plan: vec!["click Bold".into(), "é".into()],
    }
}

// AutoTokenizer decodes both alike and gives the same ids.
#[test]
fn bytes_that_a_vocabulary_marks_as_special_are_bytes() {
    let dir = tempfile::tempdir().expect("a directory");
    write_pieces(dir.path(), true, None);
    let plain = Renderer::load(dir.path()).expect("a Mistral tokenizer");
    let path = dir.path().join("tokenizer.json");
    let mut tokenizer: Value = serde_json::from_slice(&std::fs::read(&path).expect("readable")).expect("JSON");
    let bytes: Vec<Value> = (0..=255)
        .map(|byte| {
            let content = format!("<0x{byte:02X}>");
            json!({
                "id": tokenizer["model"]["vocab"][&content], "content": content, "single_word": false, "lstrip": false,
                "rstrip": false, "normalized": false, "special": true,
            })
        })
        .collect();
    tokenizer["added_tokens"].as_array_mut().expect("a list").extend(bytes);
    std::fs::write(&path, tokenizer.to_string()).expect("writable");
    let marked = Renderer::load(dir.path()).expect("transformers reads it");
    for task in ["漢 {\"é\": 1}\n", "close <0x41> </s>"] {
        let ids = marked.plan_prompt(task).expect("text");
        assert_eq!(ids, plain.plan_prompt(task).expect("text"));
        assert_eq!(marked.tokenizer().decode(&ids), plain.tokenizer().decode(&ids));
    }
}

#[test]
fn each_layout_is_the_templates_own() {
    for (has_inst, template, head, tail) in [
        (false, Some(FIRST), "<s> [INST] You operate", " [/INST]"),
        (true, Some(THIRD), "<s>[INST] You operate", "[/INST]"),
        (true, None, "<s>[INST] You operate", "[/INST]"),
    ] {
        let renderer = renderer(has_inst, template);
        let state = State { request: "close </s> [INST] <s>".into(), ..fixture::state() };
        let tokenizer = renderer.tokenizer();
        let ids = renderer.action_prompt(&state, &fixture::functions()).expect("the template takes it");
        let text = tokenizer.decode(&ids);
        assert!(
            text.replacen("<s>[INST]", "<s> [INST]", 1).starts_with(&head.replacen("<s>[INST]", "<s> [INST]", 1)),
            "{text}"
        );
        assert!(text.ends_with(&format!("<Previous Plans:> [\"click Bold\"]{tail}")), "{text}");
        assert_eq!(ids.iter().filter(|id| Some(**id) == tokenizer.bos()).count(), 1, "{text}");
        assert_eq!(ids.iter().filter(|id| **id == tokenizer.eos()).count(), 0, "{text}");
        let answer = renderer.action_answer(&action("texts", "3", "Find", json!({}))).expect("the template takes it");
        assert_eq!(answer.iter().filter(|id| **id == tokenizer.eos()).count(), 1);
        assert_eq!(answer.last(), Some(&tokenizer.eos()));
        assert!(tokenizer.decode(&answer).starts_with(" {\"thought\": \"say"));
    }
}

#[test]
fn what_an_expert_says_is_allowed_in_json() {
    let renderer = renderer(true, Some(THIRD));
    let (functions, observation) = (fixture::functions(), fixture::observation());
    for (function, label, name, args) in [
        ("click_input", "1", "Bold", json!({})),
        ("click_input", "4", "Bold", json!({"button": "right", "double": true})),
        ("click_input", "6", "Table 1 Row 2", json!({"double": false})),
        ("set_edit_text", "3", "Find", json!({"text": "new \"Größe\", 12.5 \\ \u{1}"})),
        ("select_text", "", "", json!({"text": "beta, gamma"})),
        ("select_text", "", "", json!({"text": "Die Größe \"alpha delta\""})),
        ("insert_table", "", "", json!({"rows": 12, "columns": -3})),
        ("set_font", "", "", json!({"font_name": "Arial Black", "font_size": 400})),
        ("", "", "", json!({})),
    ] {
        let action = action(function, label, name, args);
        let ids = renderer.action_answer(&action).expect("the template takes it");
        let mut constraint = renderer.action_constraint(&observation, &functions);
        for id in &ids {
            assert!(
                constraint.allowed().binary_search(id).is_ok(),
                "{:?} in {action:?}",
                renderer.tokenizer().decode(&[*id])
            );
            constraint.advance(*id);
        }
        assert!(constraint.is_done());
        assert_eq!(renderer.parse_action(&ids).as_ref(), Ok(&action));
    }
}

#[test]
fn every_walk_ends_in_an_executable_json_answer() {
    let limits = AnswerLimits { thought_tokens: 3, plan_steps: 2, step_tokens: 2, text_tokens: 3 };
    let renderer = renderer(true, Some(THIRD)).with_limits(limits);
    let seen = crate::constraint::walk_many(&renderer, 300);
    assert!(seen.len() >= 5, "{seen:?}");
}

#[test]
fn a_plan_is_json_and_reads_back() {
    let renderer = renderer(true, None);
    let plan = vec!["Go to \"Design\"".to_owned(), "Größe".to_owned()];
    assert_eq!(renderer.parse_plan(&renderer.plan_answer(&plan).expect("the template takes it")), Ok(plan));
}
