//! The JSON schema of whole pipeline files, so that editors complete and check them: a file's own keys, and for each kind of
//! stage its inputs and its settings, those with their other names too.

use lam_config::ALIASES;
use serde_json::{Map, Value, json};

use crate::Registry;
use crate::check::TRAINING;
use crate::stage::InputSpec;
use crate::tracker::Tracker;

/// What names of pipelines and stages are made of.
const NAME: &str = "^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}$";

impl Registry {
    /// The JSON schema of a pipeline file.
    pub fn pipeline_schema(&self) -> Value {
        let kinds: Vec<&str> = self.kinds().collect();
        let mut definitions = Map::new();
        let mut conditions = Vec::new();
        for kind in &kinds {
            let (Some(mut settings), Some(inputs)) = (self.schema(kind).map(Value::from), self.inputs(kind)) else {
                continue;
            };
            let own = settings.as_object_mut().and_then(|schema| schema.remove("$defs"));
            for (name, mut definition) in own.as_ref().and_then(Value::as_object).into_iter().flatten().map(owned) {
                finish(kind, &mut definition);
                definitions.insert(format!("{kind}:{name}"), definition);
            }
            finish(kind, &mut settings);
            if let Some(schema) = settings.as_object_mut() {
                schema.remove("$schema");
            }
            definitions.insert((*kind).to_owned(), settings);
            conditions.push(json!({
                "if": { "properties": { "kind": { "const": kind } } },
                "then": { "properties": { "inputs": inputs_schema(inputs), "set": { "$ref": format!("#/$defs/{kind}") } } },
            }));
        }
        add_report_to(&mut definitions);
        definitions.insert("stage".to_owned(), stage_schema(&kinds, conditions));
        let mut schema = file_schema();
        schema["$defs"] = Value::Object(definitions);
        schema
    }
}

fn owned((name, value): (&String, &Value)) -> (String, Value) {
    (name.clone(), value.clone())
}

fn file_schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A pipeline of lam-train",
        "type": "object",
        "additionalProperties": false,
        "required": ["name"],
        "properties": {
            "name": { "type": "string", "pattern": NAME, "description": "Its name, and that of its run directory." },
            "description": { "type": "string", "description": "What it is for, in a line." },
            "seed": { "type": "integer", "minimum": 0, "default": 42, "description": "Seed of every random stream." },
            "seeds": {
                "type": "array", "items": { "type": "integer", "minimum": 0 }, "minItems": 1, "uniqueItems": true,
                "description": "Repeats the stages once for each seed; those of an included file, where there is one.",
            },
            "device": {
                "type": "string", "pattern": "^(auto|cpu|cuda(:[0-9]+)?)$", "default": "auto",
                "description": "Where models compute: `auto`, `cpu`, `cuda`, or `cuda:1` for the second GPU.",
            },
            "numerics": {
                "enum": ["fast", "portable"], "default": "fast",
                "description": "How products in bf16 are summed: `portable` gives the same bits on every processor.",
            },
            "report_to": report_to_schema(),
            "include": { "type": "string", "description": "A pipeline file whose stages this one takes over." },
            "set": {
                "type": "object", "additionalProperties": { "type": "object" },
                "description": "Settings laid over stages, by the stage's name.",
            },
            "stage": { "type": "array", "items": { "$ref": "#/$defs/stage" }, "description": "The stages." },
        },
    })
}

fn report_to_schema() -> Value {
    let names: Vec<&str> = Tracker::ALL.iter().map(|tracker| tracker.name()).chain(["all", "none"]).collect();
    json!({
        "anyOf": [{ "enum": names }, { "type": "array", "items": { "enum": names } }],
        "default": "tensorboard",
        "description": "Where figures of training go beside `metrics.jsonl`: files in `trackers/` of the run directory. No \
                        result depends on it.",
    })
}

fn stage_schema(kinds: &[&str], conditions: Vec<Value>) -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["name", "kind"],
        "properties": {
            "name": { "type": "string", "pattern": NAME, "description": "Its name, and that of its result's directory." },
            "kind": { "enum": kinds, "description": "What it does." },
            "inputs": {
                "type": "object",
                "description": "What it is made from: names of stages, perhaps with a path below their results, or paths.",
            },
            "config": { "type": "string", "description": "A file of settings; its path counts from this file." },
            "set": { "type": "object", "description": "Settings, over those of `config`." },
        },
        "allOf": conditions,
    })
}

/// An input is a text, or a list of texts where there may be several.
fn inputs_schema(inputs: &[InputSpec]) -> Value {
    let one = |input: &InputSpec| {
        let list = json!({ "type": "array", "items": { "type": "string" }, "maxItems": if input.many { json!(1000) } else { json!(1) } });
        (input.name.to_owned(), json!({ "anyOf": [{ "type": "string" }, list] }))
    };
    let required: Vec<&str> = inputs.iter().filter(|input| input.required).map(|input| input.name).collect();
    let properties: Map<String, Value> = inputs.iter().map(one).collect();
    json!({ "type": "object", "properties": properties, "additionalProperties": false, "required": required })
}

/// Leads references to where the kind's definitions stand in the whole, and adds the other names of keys.
fn finish(kind: &str, schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if let Some(Value::String(reference)) = fields.get_mut("$ref")
                && let Some(name) = reference.strip_prefix("#/$defs/")
            {
                *reference = format!("#/$defs/{kind}:{name}");
            }
            if let Some(properties) = fields.get_mut("properties").and_then(Value::as_object_mut) {
                add_aliases(properties);
            }
            fields.values_mut().for_each(|value| finish(kind, value));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| finish(kind, item)),
        _ => {}
    }
}

fn add_aliases(properties: &mut Map<String, Value>) {
    for (alias, name) in ALIASES {
        let Some(mut property) = properties.get(*name).cloned().filter(|_| !properties.contains_key(*alias)) else {
            continue;
        };
        if let Some(fields) = property.as_object_mut() {
            fields.insert("description".to_owned(), format!("Another name of `{name}`.").into());
        }
        properties.insert((*alias).to_owned(), property);
    }
}

/// `train.report_to`, which a stage may say although it is none of its settings.
fn add_report_to(definitions: &mut Map<String, Value>) {
    let places: Vec<String> = definitions
        .values()
        .filter_map(|schema| {
            schema["properties"][TRAINING]["$ref"].as_str()?.strip_prefix("#/$defs/").map(str::to_owned)
        })
        .collect();
    for place in places {
        let properties = definitions.get_mut(&place).and_then(|schema| schema["properties"].as_object_mut());
        if let Some(properties) = properties {
            properties.insert("report_to".to_owned(), report_to_schema());
        }
    }
}
