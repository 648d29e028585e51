//! The JSON of the paper's App. C on one screen, byte by byte.

use std::collections::BTreeSet;

use lam_prompt::AnswerLimits;
use lam_types::{ArgKind, FunctionSpec, Observation};
use serde_json::Value;

use super::{Lark, acts_on, args_from, number, on_application, usable};

/// Bytes that the machine counts as one token where a limit is given in tokens.
const BYTES_A_TOKEN: usize = 4;

/// The grammar; `lead` is what the template writes before an answer.
pub fn grammar(lead: &str, observation: &Observation, functions: &[FunctionSpec], limits: AnswerLimits) -> String {
    let mut lark = Lark::new();
    lark.rule("start", &[format!("{} THOUGHT control", quoted(&format!("{lead}{{\"thought\": \"")))]);
    // The byte FF stands before special tokens in llguidance's vocabulary; no UTF-8 text has it.
    lark.rule("ITEM", &[r#"/[^"\\\x00-\x1f\xff]|\\(["\\\/bfnrt]|u00[01][0-9a-fA-F])/"#.to_owned()]);
    for (name, tokens) in
        [("THOUGHT", limits.thought_tokens), ("STEP", limits.step_tokens), ("TEXT", limits.text_tokens)]
    {
        lark.rule(name, &[string(BYTES_A_TOKEN * tokens)]);
    }
    plan(&mut lark, limits.plan_steps);
    let statuses = ["CONTINUE", "FINISH"].map(|word| format!("{} plan0", quoted(&format!("{word}\", \"plan\": ["))));
    lark.rule("status", &statuses);
    for (place, function) in functions.iter().enumerate() {
        arguments(&mut lark, place, function, observation);
    }
    controls(&mut lark, observation, functions);
    document(&mut lark, &observation.document);
    lark.0
}

/// A JSON string up to its closing quote whose items all begin before byte `limit`.
fn string(limit: usize) -> String {
    format!("(ITEM* & /[\\x00-\\xff]{{0,{}}}/) ITEM? \"\\\"\"", limit - 1)
}

/// `plan0` stands behind the opening bracket, `planN` behind step N.
fn plan(lark: &mut Lark, steps: usize) {
    lark.rule("plan0", &[quoted("]}"), format!("{} STEP plan1", quoted("\""))]);
    for step in 1..=steps {
        let more = (step < steps).then(|| format!("{} STEP plan{}", quoted(", \""), step + 1));
        lark.rule(&format!("plan{step}"), &[Some(quoted("]}")), more].into_iter().flatten().collect::<Vec<_>>());
    }
}

/// `fF_N` stands before argument N of function F, and behind the one before it.
fn arguments(lark: &mut Lark, place: usize, function: &FunctionSpec, observation: &Observation) {
    for from in 0..=function.args.len() {
        let (range, may_end) = args_from(function, from);
        let mut ways = Vec::new();
        if may_end {
            ways.push(format!("{} status", quoted("}, \"status\": \"")));
        }
        for (at, arg) in range.clone().zip(&function.args[range]).filter(|(_, arg)| arg.kind.is_possible(observation)) {
            let key = format!("{}\"{}\": ", if from == 0 { "" } else { ", " }, escaped(&arg.name));
            let values: Vec<String> = match &arg.kind {
                ArgKind::Text => vec![format!("{} TEXT", quoted(&format!("{key}\"")))],
                ArgKind::DocumentText => vec![format!("{} DOCUMENT", quoted(&format!("{key}\"")))],
                ArgKind::Boolean => ["true", "false"].map(|word| quoted(&format!("{key}{word}"))).into(),
                ArgKind::OneOf(words) => {
                    words.iter().map(|word| quoted(&format!("{key}\"{}\"", escaped(word)))).collect()
                }
                ArgKind::Integer { .. } | ArgKind::ShownNumber(_) | ArgKind::Paragraph => {
                    let (min, max) = arg.kind.range(observation).expect("it is a number");
                    vec![format!("{} /{}/", quoted(&key), number(min, max))]
                }
            };
            ways.extend(values.iter().map(|value| format!("{value} f{place}_{}", at + 1)));
        }
        lark.rule(&format!("f{place}_{from}"), &ways);
    }
}

/// Labels with their names, and behind each the functions that can act on it.
fn controls(lark: &mut Lark, observation: &Observation, functions: &[FunctionSpec]) {
    let call = |(place, spec): (usize, &FunctionSpec)| {
        format!("{} f{place}_0", quoted(&format!("{}\", \"args\": {{", escaped(&spec.name))))
    };
    let control = |label: &str, name: &str| {
        let (label, name) = (escaped(label), escaped(name));
        quoted(&format!(", \"control_label\": \"{label}\", \"control_name\": \"{name}\", \"function\": \""))
    };
    let nothing = format!("{} status", quoted("\", \"args\": {}, \"status\": \""));
    let calls: Vec<String> = std::iter::once(nothing).chain(on_application(observation, functions).map(call)).collect();
    lark.rule("calls", &calls);
    let mut ways = vec![format!("{} calls", control("", ""))];
    let mut types = BTreeSet::new();
    for shown in usable(observation) {
        let able = functions.iter().enumerate().filter(|(_, spec)| acts_on(spec, shown, observation));
        let calls: Vec<String> = able.map(call).collect();
        if calls.is_empty() {
            continue;
        }
        let name = format!("calls{}", shown.control_type as usize);
        ways.push(format!("{} {name}", control(&shown.label, &shown.control_text)));
        if types.insert(name.clone()) {
            lark.rule(&name, &calls);
        }
    }
    lark.rule("control", &ways);
}

/// `DOCUMENT` is a run of one paragraph's words with the closing quote; `DN` is piece N and what may follow it.
fn document(lark: &mut Lark, text: &str) {
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    let (mut number, mut starts) = (0, Vec::new());
    for paragraph in text.lines() {
        let mut pieces: Vec<String> = Vec::new();
        let mut before = ' ';
        for character in paragraph.chars() {
            if before.is_whitespace() && !character.is_whitespace() {
                starts.push(format!("D{}", number + pieces.len()));
            }
            match pieces.last_mut().filter(|_| is_word(before) && is_word(character)) {
                Some(piece) => piece.push(character),
                None => pieces.push(character.to_string()),
            }
            before = character;
        }
        for (index, piece) in pieces.iter().enumerate() {
            let piece = quoted(&escaped(piece));
            let more = if index + 1 < pieces.len() { format!(" D{}?", number + 1) } else { String::new() };
            lark.rule(&format!("D{number}"), &[format!("{piece}{more}")]);
            number += 1;
        }
    }
    if !starts.is_empty() {
        lark.rule("DOCUMENT", &[format!("({}) \"\\\"\"", starts.join(" | "))]);
    }
}

/// `text` as it stands between the quotes of a JSON string.
fn escaped(text: &str) -> String {
    let written = Value::from(text).to_string();
    written[1..written.len() - 1].to_owned()
}

/// `text` as a literal of Lark.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
