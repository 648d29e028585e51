//! The JSON answer of App. C on one screen, as a grammar for llguidance.
//!
//! The keys stand in their order, so the label comes before the function: a control is offered when some function can
//! act on it, and then only those functions are. Its name follows from the label. Free texts end at a number of bytes.

mod document;
mod range;

use std::fmt::Write;
use std::ops::Range;

use lam_types::{ArgKind, FunctionSpec, Observation, Target};
use serde_json::Value;

use super::AnswerLimits;
use crate::callable::Callable;

/// Bytes that count as one token where a limit is given in tokens: a grammar counts bytes.
const BYTES_A_TOKEN: usize = 4;

/// The grammar; `lead` and `tail` are what the template writes before and after an answer.
pub(super) fn grammar(
    (lead, tail): &(String, String),
    observation: &Observation,
    callable: Callable<'_>,
    limits: AnswerLimits,
) -> String {
    let mut lark = Lark::new();
    lark.rule("start", &[format!("{} THOUGHT control", quoted(&format!("{lead}{{\"thought\": \"")))]);
    // The byte FF stands before special tokens in llguidance's vocabulary; no UTF-8 text has it.
    lark.rule("ITEM", &[r#"/[^"\\\x00-\x1f\xff]|\\(["\\\/bfnrt]|u00[01][0-9a-fA-F])/"#.to_owned()]);
    for (name, tokens) in
        [("THOUGHT", limits.thought_tokens), ("STEP", limits.step_tokens), ("TEXT", limits.text_tokens)]
    {
        lark.rule(name, &[string(BYTES_A_TOKEN * tokens)]);
    }
    plan(&mut lark, limits.plan_steps, tail);
    let statuses = ["CONTINUE", "FINISH"].map(|word| format!("{} plan0", quoted(&format!("{word}\", \"plan\": ["))));
    lark.rule("status", &statuses);
    for (place, function) in callable.functions.iter().enumerate() {
        arguments(&mut lark, place, function, observation);
    }
    controls(&mut lark, observation, callable);
    document::rules(&mut lark, &observation.document);
    lark.0
}

/// Options of every grammar: a text may be split into tokens in any way, and may be any bytes, because a token may be
/// part of a character.
const OPTIONS: &str = "%llguidance {\"no_forcing\": true, \"allow_invalid_utf8\": true}\n";

/// A grammar in the making: one rule a line.
struct Lark(String);

impl Lark {
    fn new() -> Self {
        Self(OPTIONS.to_owned())
    }

    /// Adds `name: a | b | …`.
    fn rule(&mut self, name: &str, alternatives: &[String]) {
        writeln!(self.0, "{name}: {}", alternatives.join(" | ")).expect("a string takes any text");
    }
}

/// A JSON string up to its closing quote whose items all begin before byte `limit`.
fn string(limit: usize) -> String {
    format!("(ITEM* & /[\\x00-\\xff]{{0,{}}}/) ITEM? \"\\\"\"", limit.saturating_sub(1))
}

/// `plan0` stands after the opening bracket, `planN` after step N; with the last bracket the answer ends in `tail`.
fn plan(lark: &mut Lark, steps: usize, tail: &str) {
    let end = quoted(&format!("]}}{tail}"));
    let first = (steps > 0).then(|| format!("{} STEP plan1", quoted("\"")));
    lark.rule("plan0", &[Some(end.clone()), first].into_iter().flatten().collect::<Vec<_>>());
    for step in 1..=steps {
        let more = (step < steps).then(|| format!("{} STEP plan{}", quoted(", \""), step + 1));
        lark.rule(&format!("plan{step}"), &[Some(end.clone()), more].into_iter().flatten().collect::<Vec<_>>());
    }
}

/// `fF_N` stands before argument N of function F.
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
                    vec![format!("{} /{}/", quoted(&key), range::expression(min, max))]
                }
            };
            ways.extend(values.iter().map(|value| format!("{value} f{place}_{}", at + 1)));
        }
        lark.rule(&format!("f{place}_{from}"), &ways);
    }
}

/// Labels with their names, and after each the functions that can act on it.
fn controls(lark: &mut Lark, observation: &Observation, callable: Callable<'_>) {
    let functions = callable.functions;
    let call = |(place, spec): (usize, &FunctionSpec)| {
        format!("{} f{place}_0", quoted(&format!("{}\", \"args\": {{", escaped(&spec.name))))
    };
    let control = |label: &str, name: &str| {
        let (label, name) = (escaped(label), escaped(name));
        quoted(&format!(", \"control_label\": \"{label}\", \"control_name\": \"{name}\", \"function\": \""))
    };
    let nothing = (!callable.must_call).then(|| format!("{} status", quoted("\", \"args\": {}, \"status\": \"")));
    let calls: Vec<String> = nothing.into_iter().chain(on_application(observation, functions).map(call)).collect();
    let mut ways = Vec::new();
    if !calls.is_empty() {
        lark.rule("calls", &calls);
        ways.push(format!("{} calls", control("", "")));
    }
    // The same functions can act on many controls.
    let mut rules: Vec<Vec<String>> = Vec::new();
    for shown in observation.usable() {
        let is_able = |spec: &FunctionSpec| callable.acts_on(spec, shown) && spec.has_arguments(observation);
        let calls: Vec<String> = functions.iter().enumerate().filter(|(_, spec)| is_able(spec)).map(call).collect();
        if calls.is_empty() {
            continue;
        }
        let known = rules.iter().position(|known| *known == calls);
        let rule = known.unwrap_or(rules.len());
        ways.push(format!("{} calls{rule}", control(&shown.label, &shown.control_text)));
        if known.is_none() {
            lark.rule(&format!("calls{rule}"), &calls);
            rules.push(calls);
        }
    }
    lark.rule("control", &ways);
}

/// The functions that need no control and have all their arguments, with their numbers.
fn on_application<'a>(
    observation: &'a Observation,
    functions: &'a [FunctionSpec],
) -> impl Iterator<Item = (usize, &'a FunctionSpec)> {
    let able =
        move |(_, spec): &(usize, &FunctionSpec)| spec.target == Target::Application && spec.has_arguments(observation);
    functions.iter().enumerate().filter(able)
}

/// The arguments that may be written from argument `from` on: up to the first that is required.
/// Also says whether none of them need be.
fn args_from(spec: &FunctionSpec, from: usize) -> (Range<usize>, bool) {
    match spec.args[from..].iter().position(|arg| arg.required) {
        Some(required) => (from..from + required + 1, false),
        None => (from..spec.args.len(), true),
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
