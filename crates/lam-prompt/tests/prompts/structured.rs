//! Output formats for any use: whatever is chosen among the allowed tokens fits the format.

use lam_prompt::{OutputFormat, StructuredConstraint, StructuredOutputs, TokenConstraint, Tokenizer};
use rand::SeedableRng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use crate::{fixture, mistral};

/// An action, as a server's caller might ask for one.
fn schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "function": {"enum": ["click_input", "set_edit_text"]},
            "count": {"type": "integer", "minimum": 0, "maximum": 99},
            "text": {"type": "string", "maxLength": 5},
            "labels": {"type": "array", "items": {"$ref": "#/$defs/label"}, "minItems": 1, "maxItems": 2},
            "bold": {"type": "boolean"},
        },
        "required": ["function", "count", "text", "labels", "bold"],
        "additionalProperties": false,
        "$defs": {"label": {"type": "string", "pattern": "^[0-9]{1,3}$"}},
    })
}

fn outputs(tokenizer: &Tokenizer) -> StructuredOutputs {
    StructuredOutputs::new(tokenizer).expect("a vocabulary of bytes can write anything")
}

/// Chooses at random until the answer is done, and says how many tokens were forced.
fn walk(mut constraint: StructuredConstraint, tokenizer: &Tokenizer, seed: u64) -> (String, usize) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let (mut ids, mut forced) = (Vec::new(), 0);
    while !constraint.is_done() {
        if let Some(token) = constraint.forced() {
            assert!(constraint.allowed().contains(&token), "forced but not allowed: {:?}", tokenizer.decode(&[token]));
            forced += 1;
            ids.push(token);
            constraint.advance(token);
            continue;
        }
        let allowed = constraint.allowed();
        assert!(allowed.is_sorted_by(|left, right| left < right), "ascending, without repetition");
        let token = *allowed.choose(&mut random).unwrap_or_else(|| panic!("stuck behind {}", tokenizer.decode(&ids)));
        ids.push(token);
        constraint.advance(token);
        assert!(ids.len() < 500, "an answer without end: {}", tokenizer.decode(&ids));
    }
    assert_eq!(ids.pop(), Some(tokenizer.eos()), "an answer ends with its end of sequence");
    assert!(ids.iter().all(|id| !tokenizer.is_special(*id)), "special tokens are no text");
    (tokenizer.decode(&ids), forced)
}

#[test]
fn whatever_is_chosen_fits_the_schema() {
    let byte_level = fixture::renderer();
    let pieces = mistral::renderer(true, Some(mistral::THIRD));
    for (tokenizer, forces) in [(byte_level.tokenizer(), true), (pieces.tokenizer(), false)] {
        let outputs = outputs(tokenizer);
        let constraint = outputs.constraint(&OutputFormat::JsonSchema(schema())).expect("a sound schema");
        for seed in 0..20 {
            let (text, forced) = walk(constraint.clone(), tokenizer, seed);
            let value: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"));
            assert!(
                ["click_input", "set_edit_text"].contains(&value["function"].as_str().expect("a string")),
                "{text}"
            );
            assert!(value["count"].as_u64().is_some_and(|count| count <= 99) && value["bold"].is_boolean(), "{text}");
            assert!(value["text"].as_str().is_some_and(|string| string.chars().count() <= 5), "{text}");
            let labels = value["labels"].as_array().expect("a list");
            let digits = |label: &Value| label.as_str().is_some_and(|label| label.parse::<u16>().is_ok());
            assert!((1..=2).contains(&labels.len()) && labels.iter().all(digits), "{text}");
            assert_eq!(value.as_object().map(serde_json::Map::len), Some(5), "{text}");
            assert_eq!(forced > 5, forces, "{text}");
        }
    }
}

#[test]
fn expressions_and_grammars_are_kept() {
    let renderer = fixture::renderer();
    let (tokenizer, outputs) = (renderer.tokenizer(), outputs(renderer.tokenizer()));
    let date = outputs.constraint(&OutputFormat::Regex("[A-C][a-z]{2} [0-9]{4}".into())).expect("an expression");
    let list = "start: word (\", \" word){0,2} END\nword: \"yes\" | \"no\"\nEND: \".\"\n";
    let list = outputs.constraint(&OutputFormat::Lark(list.into())).expect("a grammar");
    for seed in 0..20 {
        let (text, _) = walk(date.clone(), tokenizer, seed);
        let (month, year) = text.split_once(' ').expect("a space");
        assert!(month.len() == 3 && month.starts_with(['A', 'B', 'C']) && year.len() == 4, "{text}");
        assert!(year.parse::<u16>().is_ok(), "{text}");
        let (text, _) = walk(list.clone(), tokenizer, seed);
        let words = text.strip_suffix('.').expect("a full stop").split(", ");
        assert!(words.clone().count() <= 3 && words.clone().all(|word| ["yes", "no"].contains(&word)), "{text}");
    }
}

#[test]
fn formats_that_cannot_be_understood_are_refused() {
    let renderer = fixture::renderer();
    let outputs = outputs(renderer.tokenizer());
    let refused = |format: OutputFormat| outputs.constraint(&format).err().expect("refused").to_string();
    let schema = |schema| refused(OutputFormat::JsonSchema(schema));
    assert!(schema(json!({"type": "objekt"})).starts_with("JSON schema: "), "{}", schema(json!({"type": "objekt"})));
    assert!(schema(json!(3)).contains("3 is neither an object nor true"));
    assert!(schema(json!({"allOf": [{"type": "string"}, {"type": "number"}]})).contains("nsatisfiable"));
    assert!(schema(json!({"$ref": "#/nowhere"})).contains("nowhere"));
    assert!(refused(OutputFormat::Regex("(".into())).starts_with("regular expression: "));
    assert!(refused(OutputFormat::Lark("start: missing".into())).contains("missing"));
}

/// An object of so many arguments, none of which is required.
fn optional(count: usize) -> Value {
    let properties: serde_json::Map<String, Value> =
        (0..count).map(|number| (format!("argument_{number}"), json!({"type": "integer"}))).collect();
    json!({"type": "object", "properties": properties, "additionalProperties": false})
}

/// An object of a number and then of this.
fn after_a_number(schema: &Value) -> Value {
    let properties = json!({"first": {"type": "integer", "minimum": 0, "maximum": 999}, "then": schema});
    json!({"type": "object", "properties": properties, "required": ["first", "then"], "additionalProperties": false})
}

#[test]
fn forms_of_which_no_answer_can_begin_are_refused() {
    let renderer = fixture::renderer();
    let outputs = outputs(renderer.tokenizer());
    let endless = json!({"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]});
    let call = |schema: &Value| {
        let tools = vec![lam_prompt::Tool::new("go", None, schema.clone())];
        OutputFormat::Calls(lam_prompt::CallFormat { tools, most: 1, content: None })
    };
    for schema in [optional(600), endless] {
        for format in [OutputFormat::JsonSchema(schema.clone()), call(&schema)] {
            let error = outputs.constraint(&format).err().expect("no answer can begin").to_string();
            assert!(error.contains("items") && !error.contains("verbose") && !error.contains("state"), "{error}");
        }
    }
    let may_end = json!({"type": "object", "properties": {"a": {"$ref": "#"}}, "additionalProperties": false});
    for schema in [optional(100), may_end, json!({"anyOf": [{"type": "string"}, optional(600)]})] {
        for format in [OutputFormat::JsonSchema(schema.clone()), call(&schema)] {
            assert!(outputs.constraint(&format).is_ok(), "{schema}");
        }
    }
}

#[test]
fn an_answer_in_which_the_constraint_fails_is_never_done() {
    let renderer = fixture::renderer();
    let (tokenizer, outputs) = (renderer.tokenizer(), outputs(renderer.tokenizer()));
    let format = OutputFormat::JsonSchema(after_a_number(&optional(600)));
    let mut constraint = outputs.constraint(&format).expect("its first choice can be made");
    let (mut random, mut ids) = (ChaCha8Rng::seed_from_u64(1), Vec::new());
    while let Some(token) = constraint.forced().or_else(|| constraint.allowed().choose(&mut random).copied()) {
        ids.push(token);
        constraint.advance(token);
        assert!(!constraint.is_done() && ids.len() < 100, "{}", tokenizer.decode(&ids));
    }
    assert!(tokenizer.decode(&ids).contains("\"first\""), "{}", tokenizer.decode(&ids));
    let reason = constraint.failure().expect("it fails");
    assert!(reason.contains("items") && reason.lines().count() == 1, "for people: {reason}");
}

#[test]
fn behind_a_token_that_was_not_allowed_nothing_is_and_no_answer_is_done() {
    let renderer = fixture::renderer();
    let outputs = outputs(renderer.tokenizer());
    let mut constraint = outputs.constraint(&OutputFormat::Regex("[0-9]{3}".into())).expect("an expression");
    constraint.advance(renderer.tokenizer().encode("x")[0]);
    assert!(!constraint.is_done() && constraint.allowed().is_empty() && constraint.failure().is_some());
}
