//! Tools in prompts: by the template's own places or in words; and answers that are kept to calls of them.

use lam_prompt::{
    CallFormat, CallPart, CallReader, Message, OutputFormat, Role, StructuredOutputs, TokenConstraint, Tool, ToolCall,
};
use rand::SeedableRng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, Value, json};

use crate::{fixture, templates};

/// A template with places for tools, calls and results.
const WITH_TOOLS: &str = "{% if tools %}{{ '<tools>' + (tools | tojson) + '</tools>' }}{% endif %}\
{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' }}{% if m.tool_calls %}{% for c in m.tool_calls %}\
{{ '(' + c.id + ' ' + c.function.name + ' ' + (c.function.arguments | tojson) + ')' }}{% endfor %}\
{% elif m.role == 'tool' %}{{ m.name + '/' + m.tool_call_id + ': ' + m.content }}{% else %}{{ m.content }}{% endif %}\
{{ '<|im_end|>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

fn arguments(value: Value) -> Map<String, Value> {
    value.as_object().expect("an object").clone()
}

fn tools() -> Vec<Tool> {
    vec![Tool::new("look", Some("Looks.".into()), json!({"type": "object", "properties": {"at": {"type": "string"}}}))]
}

/// A question, two calls, their results, and more that is asked.
fn conversation() -> Vec<Message> {
    let call = |id: &str, at: &str| ToolCall::new(id, "look", arguments(json!({"at": at})));
    let result = |id: &str, content: &str| Message {
        tool_call_id: Some(id.into()),
        name: Some("look".into()),
        ..Message::new(Role::Tool, content)
    };
    let calls = vec![call("call_1", "door"), call("call_2", "wall")];
    vec![
        Message::new(Role::System, "S"),
        Message::new(Role::User, "u"),
        Message { tool_calls: calls, ..Message::new(Role::Assistant, "") },
        result("call_1", "open"),
        result("call_2", "white"),
        Message::new(Role::User, "and now?"),
    ]
}

fn prompt(template: &str, messages: &[Message], tools: &[Tool]) -> String {
    let renderer = templates::renderer(template).expect("a sound template");
    renderer.tokenizer().decode(&renderer.chat_prompt_with_tools(messages, tools).expect("the template takes it"))
}

#[test]
fn a_template_with_places_for_tools_gets_them() {
    let listed = "<tools>[{\"type\": \"function\", \"function\": {\"name\": \"look\", \"description\": \"Looks.\", \
        \"parameters\": {\"type\": \"object\", \"properties\": {\"at\": {\"type\": \"string\"}}}}}]</tools>";
    let told = "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nu<|im_end|>\n<|im_start|>assistant\n\
        (call_1 look {\"at\": \"door\"})(call_2 look {\"at\": \"wall\"})<|im_end|>\n\
        <|im_start|>tool\nlook/call_1: open<|im_end|>\n<|im_start|>tool\nlook/call_2: white<|im_end|>\n\
        <|im_start|>user\nand now?<|im_end|>\n<|im_start|>assistant\n";
    assert_eq!(prompt(WITH_TOOLS, &conversation(), &tools()), format!("{listed}{told}"));
    assert_eq!(prompt(WITH_TOOLS, &conversation(), &[]), told, "a history may hold calls of tools that are no more");
    // Some templates hold ids to nine characters.
    let short = WITH_TOOLS
        .replace("{{ '(' + c.id", "{% if c.id | length != 9 %}{{ raise_exception('nine') }}{% endif %}{{ '(' + c.id");
    let short = prompt(&short, &conversation(), &tools());
    let id = short.split_once('(').and_then(|(_, rest)| rest.split_once(' ')).expect("a call").0;
    assert!(id.len() == 9 && short.contains(&format!("look/{id}: open")), "{short}");
}

#[test]
fn a_template_without_such_places_gets_words() {
    let words = prompt(templates::CHATML, &conversation(), &tools());
    let system = "S\n\nYou may call functions. These are there, each with its parameters as a JSON schema:\n<tools>\n\
        {\"type\": \"function\", \"function\": {\"name\": \"look\", \"description\": \"Looks.\", ";
    assert!(words.starts_with(&format!("<|im_start|>system\n{system}")), "{words}");
    let form = "<tool_call>\n{\"name\": NAME, \"arguments\": {…}}\n</tool_call>\nFor several calls";
    assert!(words.contains(form), "{words}");
    let told = "<|im_start|>user\nu<|im_end|>\n<|im_start|>assistant\n\
        <tool_call>\n{\"name\": \"look\", \"arguments\": {\"at\": \"door\"}}\n</tool_call>\n\
        <tool_call>\n{\"name\": \"look\", \"arguments\": {\"at\": \"wall\"}}\n</tool_call><|im_end|>\n\
        <|im_start|>user\n<tool_response>\nopen\n</tool_response>\n<tool_response>\nwhite\n</tool_response>\n\
        and now?<|im_end|>\n<|im_start|>assistant\n";
    assert!(words.ends_with(told), "{words}");
    // Without a system message there is one; without tools nothing is added.
    let alone = prompt(templates::CHATML, &[Message::new(Role::User, "u")], &tools());
    assert!(alone.starts_with("<|im_start|>system\nYou may call functions.") && alone.contains("user\nu"), "{alone}");
    let plain = prompt(templates::CHATML, &[Message::new(Role::User, "u")], &[]);
    assert_eq!(plain, "<|im_start|>user\nu<|im_end|>\n<|im_start|>assistant\n");
    let compact = fixture::renderer();
    for (messages, tools) in [(conversation(), vec![]), (vec![Message::new(Role::User, "u")], tools())] {
        let error = compact.chat_prompt_with_tools(&messages, &tools).expect_err("it has no words for them");
        assert!(error.to_string().contains("no words for tools"), "{error}");
    }
}

#[test]
fn special_tokens_that_tools_and_calls_spell_stay_text() {
    let spelled = "a<|im_end|>b";
    let tool = Tool::new("look", Some(spelled.into()), json!({"type": "object", "properties": {spelled: {}}}));
    let call = ToolCall::new("call_1", "look", arguments(json!({"at": spelled, "in": [spelled, {"x": spelled}]})));
    let messages = [
        Message::new(Role::User, "u"),
        Message { tool_calls: vec![call], ..Message::new(Role::Assistant, "") },
        Message { tool_call_id: Some("call_1".into()), name: Some("look".into()), ..Message::new(Role::Tool, spelled) },
    ];
    for template in [WITH_TOOLS, templates::CHATML] {
        let renderer = templates::renderer(template).expect("a sound template");
        let ids = renderer.chat_prompt_with_tools(&messages, std::slice::from_ref(&tool)).expect("it takes them");
        let text = renderer.tokenizer().decode(&ids);
        assert_eq!(text.matches(spelled).count(), 6, "{text}");
        let end = renderer.tokenizer().token_id("<|im_end|>").expect("it was declared");
        assert_eq!(ids.iter().filter(|id| **id == end).count(), text.matches("<|im_end|>\n").count(), "{text}");
    }
}

#[test]
fn whatever_is_chosen_is_a_call_that_fits_its_tool() {
    let renderer = fixture::renderer();
    let outputs = StructuredOutputs::new(renderer.tokenizer()).expect("a vocabulary of bytes");
    let label = json!({"type": "string", "pattern": "^[0-9]{1,3}$"});
    let click = json!({"type": "object", "properties": {"label": {"$ref": "#/$defs/label"}}, "required": ["label"],
        "additionalProperties": false, "$defs": {"label": label}});
    let count = json!({"type": "integer", "minimum": 3, "maximum": 4});
    let wait = json!({"type": "object", "properties": {"label": count}, "required": ["label"]});
    let offered = vec![
        Tool::new("click", None, click),
        Tool::new("wait", None, wait),
        Tool::new("stop", None, json!({"type": "object", "properties": {}})),
    ];
    let content = json!({"type": "object", "properties": {"done": {"type": "boolean"}}, "required": ["done"],
        "additionalProperties": false});
    let mut seen = std::collections::BTreeMap::new();
    for (most, content) in [(1, None), (3, None), (2, Some(content))] {
        let format = OutputFormat::Calls(CallFormat { tools: offered.clone(), most, content: content.clone() });
        let constraint = outputs.constraint(&format).expect("sound schemas");
        for seed in 0..40 {
            let text = walk(constraint.clone(), renderer.tokenizer(), seed);
            let names = offered.iter().map(|tool| tool.name().to_owned());
            let mut reader = CallReader::new(names, usize::MAX, true);
            let mut parts = reader.push(&text);
            let rest = reader.finish();
            parts.calls.extend(rest.calls);
            let said = parts.text + &rest.text;
            let begun = parts.calls.iter().filter(|part| matches!(part, CallPart::Begin(_))).count();
            assert!(begun <= most && (begun > 0) == said.is_empty(), "{text}");
            if begun == 0 {
                assert!(
                    content.is_some() && ["{\"done\": true}", "{\"done\": false}"].contains(&said.as_str()),
                    "{text}"
                );
                *seen.entry("content".to_owned()).or_insert(0) += 1;
            }
            for pair in parts.calls.chunks(2) {
                let [CallPart::Begin(name), CallPart::Arguments(arguments)] = pair else { panic!("{pair:?}") };
                let arguments: Value =
                    serde_json::from_str(arguments).unwrap_or_else(|error| panic!("{error}: {text}"));
                match name.as_str() {
                    "click" => assert!(arguments["label"].as_str().is_some_and(|label| label.parse::<u16>().is_ok())),
                    "wait" => assert!(matches!(arguments["label"].as_i64(), Some(3 | 4)), "{arguments}"),
                    _ => assert_eq!(arguments, json!({}), "no argument is declared"),
                }
                *seen.entry(name.clone()).or_insert(0) += 1;
            }
        }
    }
    let names: Vec<&str> = seen.keys().map(String::as_str).collect();
    assert_eq!(names, ["click", "content", "stop", "wait"], "each way is taken: {seen:?}");
    let broken = Tool::new("x", None, json!({"type": "object", "properties": {"a": {"type": "cube"}}}));
    let format = OutputFormat::Calls(CallFormat { tools: vec![broken], most: 1, content: None });
    let error = outputs.constraint(&format).err().expect("no schema").to_string();
    assert!(error.starts_with("tools: "), "{error}");
}

/// Chooses at random until the answer is done.
fn walk(mut constraint: impl TokenConstraint, tokenizer: &lam_prompt::Tokenizer, seed: u64) -> String {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut ids = Vec::new();
    while !constraint.is_done() {
        let forced = constraint.forced();
        let token = forced.or_else(|| constraint.allowed().choose(&mut random).copied());
        let token = token.unwrap_or_else(|| panic!("stuck behind {}", tokenizer.decode(&ids)));
        ids.push(token);
        constraint.advance(token);
        assert!(ids.len() < 2000, "an answer without end: {}", tokenizer.decode(&ids));
    }
    assert_eq!(ids.pop(), Some(tokenizer.eos()));
    tokenizer.decode(&ids)
}
