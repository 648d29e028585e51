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

/// The refusal of a schema that stands below `a` of an object.
fn refused_below(schema: Value) -> String {
    let renderer = fixture::renderer();
    let below = json!({"type": "object", "properties": {"a": schema}, "required": ["a"]});
    outputs(renderer.tokenizer()).constraint(&OutputFormat::JsonSchema(below)).err().expect("refused").to_string()
}

#[test]
fn numbers_have_the_digits_of_the_schema_or_are_refused() {
    let renderer = fixture::renderer();
    let (tokenizer, outputs) = (renderer.tokenizer(), outputs(renderer.tokenizer()));
    let write = |schema: Value, seed: u64| {
        let constraint = outputs.constraint(&OutputFormat::JsonSchema(schema.clone()));
        walk(constraint.unwrap_or_else(|error| panic!("{schema}: {error}")), tokenizer, seed).0
    };
    for number in ["9007199254740992", "-9007199254740994", "1152921504606846976", "1e16", "0.1", "-12.50"] {
        let value: Value = serde_json::from_str(number).expect("a number");
        for schema in [json!({"const": value}), json!({"enum": [value]}), json!({"type": "number", "const": value})] {
            let text = write(schema, 1);
            assert_eq!(text.parse::<f64>().ok(), value.as_f64(), "{text}");
            assert!(value.as_i64().is_none_or(|exact| exact.to_string() == text), "{text} for {number}");
        }
    }
    for number in [
        "9007199254740993",
        "-9007199254740993",
        "9223372036854775807",
        "-9223372036854775808",
        "18446744073709551615",
        "1e19",
        "123456789012345678901234",
    ] {
        let value: Value = serde_json::from_str(number).expect("a number");
        for (schema, place) in [
            (json!({"const": value}), "properties.a.const"),
            (json!({"enum": [1, [{"b": value}]]}), "properties.a.enum"),
            (json!({"anyOf": [{"type": "null"}, {"const": value}]}), "properties.a.anyOf[1].const"),
        ] {
            let error = refused_below(schema);
            assert!(error.contains(&format!("`{place}`")) && error.contains("digits"), "{error}");
        }
    }
    // Bounds that f64 does not hold are moved inwards: whatever is written fits them.
    let big = 9_007_199_254_740_993_i64;
    for seed in 0..20 {
        for (schema, least, most) in [
            (json!({"minimum": big, "maximum": big + 6}), big, big + 6),
            (json!({"exclusiveMinimum": big, "exclusiveMaximum": big + 20}), big + 1, big + 19),
            (json!({"minimum": -big - 6, "maximum": -big}), -big - 6, -big),
            (
                json!({"minimum": 9_223_372_036_854_000_000_i64, "maximum": u64::MAX}),
                9_223_372_036_854_000_000,
                i64::MAX,
            ),
            (
                json!({"minimum": i64::MIN, "maximum": -9_223_372_036_854_000_000_i64}),
                i64::MIN,
                -9_223_372_036_854_000_000,
            ),
        ] {
            let mut schema = schema;
            schema["type"] = "integer".into();
            let number: i64 = write(schema.clone(), seed).parse().expect("64 bits");
            assert!((least..=most).contains(&number), "{number} for {schema}");
        }
    }
    for (bounds, place) in [
        (json!({"minimum": u64::MAX}), "minimum"),
        (json!({"maximum": -1e30}), "maximum"),
        (json!({"minimum": i64::MIN, "maximum": i64::MIN}), "maximum"),
    ] {
        let error = refused_below(bounds);
        assert!(error.contains(&format!("`properties.a.{place}`")), "{error}");
    }
}

#[test]
fn multiples_of_decimals_are_kept_to_or_others_are_named() {
    let renderer = fixture::renderer();
    let (tokenizer, outputs) = (renderer.tokenizer(), outputs(renderer.tokenizer()));
    // In f64, 0.07 * 10 * 10 is no 7, nor 0.29 * 100 a 29.
    for (step, count, digits) in [
        ("0.1", 1, 1),
        ("0.01", 1, 2),
        ("0.07", 7, 2),
        ("0.29", 29, 2),
        ("1.15", 115, 2),
        ("-0.007", 7, 3),
        ("2e-3", 2, 3),
    ] {
        let multiple: Value = serde_json::from_str(step).expect("a number");
        let schema = json!({"type": "number", "multipleOf": multiple, "minimum": 0, "maximum": 20});
        let constraint = outputs.constraint(&OutputFormat::JsonSchema(schema));
        let constraint = constraint.unwrap_or_else(|error| panic!("{step}: {error}"));
        for seed in 0..20 {
            let (text, _) = walk(constraint.clone(), tokenizer, seed);
            let (whole, behind) = text.split_once('.').unwrap_or((&text, ""));
            let behind = format!("{:0<digits$}", behind.trim_end_matches('0'));
            let scaled: u64 = format!("{whole}{behind}").parse().expect("digits");
            assert!(behind.len() == digits && scaled.is_multiple_of(count), "{text} for {step}");
        }
    }
    let error = refused_below(json!({"type": "number", "multipleOf": 0.53}));
    assert!(
        error.contains("`properties.a.multipleOf` is 0.53") && error.contains("0.52 and 0.54 and 0.01 can be"),
        "{error}"
    );
}

#[test]
fn what_would_be_computed_for_very_long_is_refused_at_once() {
    let long = "x".repeat(100_000);
    for (schema, place) in [
        (json!({"type": "integer", "multipleOf": 1_000_003, "minimum": 1, "maximum": 1e15}), "multipleOf"),
        (json!({"type": "number", "multipleOf": 4_294_967.29}), "multipleOf"),
        (json!({"type": "number", "multipleOf": 1e-12}), "multipleOf"),
        (json!({"type": "string", "pattern": "((a{100}){100}){100}"}), "pattern"),
        (json!({"type": "object", "patternProperties": {"(a{1000}){1000}": {}}}), "patternProperties"),
        (json!({"const": long}), "const"),
        (json!({"type": "object", "properties": {long: {"type": "null"}}}), "properties"),
    ] {
        let begin = std::time::Instant::now();
        let error = refused_below(schema);
        assert!(error.contains(&format!("`properties.a.{place}")), "{error}");
        assert!(error.len() < 1000, "{error}");
        assert!(begin.elapsed().as_secs() < 5, "{place}: {:?}", begin.elapsed());
    }
    let common = json!({"allOf": [{"multipleOf": 9973}, {"multipleOf": 9967}, {"multipleOf": 9949}]});
    assert!(refused_below(common).contains("common multiple"));
    let renderer = fixture::renderer();
    let outputs = outputs(renderer.tokenizer());
    for sound in [
        json!({"type": "integer", "multipleOf": 1000, "minimum": -1e12, "maximum": 1e12}),
        json!({"type": "number", "multipleOf": 0.01, "minimum": 0, "maximum": 1_000_000}),
        json!({"allOf": [{"type": "integer", "multipleOf": 6}, {"multipleOf": 10}]}),
        json!({"type": "string", "pattern": "^([a-z0-9]{1,20}-){0,50}[a-z]$"}),
    ] {
        assert!(outputs.constraint(&OutputFormat::JsonSchema(sound.clone())).is_ok(), "{sound}");
    }
}

#[test]
fn schemas_of_very_many_parts_end_no_process() {
    let renderer = fixture::renderer();
    let outputs = outputs(renderer.tokenizer());
    let object = |count: usize| {
        let names: Vec<String> = (0..count).map(|number| format!("n{number}")).collect();
        let properties: serde_json::Map<String, Value> =
            names.iter().map(|name| (name.clone(), json!({"type": "null"}))).collect();
        json!({"type": "object", "properties": properties, "required": names, "additionalProperties": false})
    };
    let chain = |count: usize| {
        let next = |number: usize| json!({"anyOf": [{"type": "null"}, {"$ref": format!("#/$defs/d{}", number + 1)}]});
        let mut defs: serde_json::Map<String, Value> =
            (0..count).map(|number| (format!("d{number}"), next(number))).collect();
        defs.insert(format!("d{count}"), json!({"type": "boolean"}));
        json!({"$ref": "#/$defs/d0", "$defs": defs})
    };
    // Compiled, or refused for another reason: here nothing but the end of the process would be wrong.
    for schema in [object(3000), chain(2400)] {
        let _ = outputs.constraint(&OutputFormat::JsonSchema(schema));
    }
    assert!(outputs.constraint(&OutputFormat::JsonSchema(object(500))).is_ok());
    for schema in [object(20_000), chain(20_000), json!({"const": object(20_000)})] {
        let error = outputs.constraint(&OutputFormat::JsonSchema(schema)).err().expect("refused").to_string();
        assert!(error.contains("more than 10000 schemas and names"), "{error}");
    }
}

#[test]
fn what_takes_too_long_all_the_same_is_refused_after_a_second_of_work() {
    let names = (0..2000).map(|number| (format!("^x{number}_[a-z]+$"), json!({"type": "integer"})));
    let patterns: serde_json::Map<String, Value> = names.collect();
    let error = refused_below(json!({"type": "object", "patternProperties": patterns}));
    assert!(error.contains("takes longer than 1 s of processor time"), "{error}");
}

#[test]
fn no_answer_has_fewer_names_than_it_must_or_one_of_them_twice() {
    let renderer = fixture::renderer();
    let names = json!({"^[a-z]$": {"type": "boolean"}});
    for (schema, place) in [
        (json!({"type": "object", "patternProperties": names, "minProperties": 2}), "properties.a.minProperties"),
        (
            json!({"type": "object", "additionalProperties": {"type": "null"}, "minProperties": 2}),
            "properties.a.minProperties",
        ),
        (
            json!({"allOf": [{"patternProperties": names}, {"minProperties": 3, "required": ["b"]}]}),
            "properties.a.allOf[1].minProperties",
        ),
    ] {
        let error = refused_below(schema);
        assert!(error.contains(&format!("`{place}`")) && error.contains("repeat"), "{error}");
    }
    let (tokenizer, outputs) = (renderer.tokenizer(), outputs(renderer.tokenizer()));
    let closed = json!({"type": "object", "patternProperties": names, "required": ["a", "b"], "minProperties": 3,
        "maxProperties": 3, "additionalProperties": false});
    let open = json!({"type": "object", "properties": {"ab": {"type": "integer"}}, "required": ["ab"], "maxProperties": 2,
        "additionalProperties": {"type": "boolean"}});
    let constraint = |schema: Value| outputs.constraint(&OutputFormat::JsonSchema(schema)).expect("a sound schema");
    for seed in 0..20 {
        let (text, _) = walk(constraint(closed.clone()), tokenizer, seed);
        let value: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(value.as_object().map(serde_json::Map::len), Some(3), "{text}");
    }
    // A name has one way to be written: `\u0061` is none.
    let mut constraint = constraint(open);
    let follow = |constraint: &mut StructuredConstraint, text: &str| {
        tokenizer.encode(text).into_iter().all(|token| {
            let allowed = constraint.allowed().contains(&token);
            constraint.advance(token);
            allowed
        })
    };
    assert!(follow(&mut constraint, "{\"ab\": 1, \""));
    assert!(follow(&mut constraint.clone(), "x\\n\": true}"));
    assert!(!follow(&mut constraint.clone(), "\\u0061b\": true}"));
    // Where a text can be written in no other way, it is.
    let (text, _) = walk(
        self::outputs(tokenizer).constraint(&OutputFormat::JsonSchema(json!({"const": "\u{1b}"}))).expect("sound"),
        tokenizer,
        1,
    );
    assert_eq!(serde_json::from_str::<Value>(&text).ok(), Some(json!("\u{1b}")), "{text}");
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
