//! What our two constraint machines allow on one screen, written as grammars in llguidance's variant of Lark's syntax.
//!
//! The tests hold the machines against them token by token, and `examples/constraint_speed.rs` measures both.
//! `no_forcing` keeps every way to split a text into tokens, as the machines do; `allow_invalid_utf8` lets a free text
//! be any bytes, because a token may be part of a character.

pub mod compact;
pub mod json;

use std::fmt::Write;

use lam_types::{Control, FunctionSpec, Observation, Target};

/// Options that every grammar begins with.
const OPTIONS: &str = "%llguidance {\"no_forcing\": true, \"allow_invalid_utf8\": true}\n";

/// A grammar in the making: one rule a line.
struct Lark(String);

impl Lark {
    fn new() -> Self {
        Self(OPTIONS.to_owned())
    }

    /// Adds `name: a | b | …`; a rule without alternatives matches nothing and must not be referred to.
    fn rule(&mut self, name: &str, alternatives: &[String]) {
        writeln!(self.0, "{name}: {}", alternatives.join(" | ")).expect("a string takes any text");
    }
}

/// The controls that can be used now.
fn usable(observation: &Observation) -> impl Iterator<Item = &Control> {
    observation.controls.iter().filter(|control| control.enabled && !control.label.is_empty())
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

/// Whether `spec` can act on `control`, and has all its arguments.
fn acts_on(spec: &FunctionSpec, control: &Control, observation: &Observation) -> bool {
    matches!(&spec.target, Target::Control(types) if types.contains(&control.control_type))
        && spec.has_arguments(observation)
}

/// The arguments that may be written from argument `from` on: none behind the first that is required.
/// Also says whether there may be none.
fn args_from(spec: &FunctionSpec, from: usize) -> (std::ops::Range<usize>, bool) {
    match spec.args[from..].iter().position(|arg| arg.required) {
        Some(required) => (from..from + required + 1, false),
        None => (from..spec.args.len(), true),
    }
}

/// A regular expression for the whole numbers `min..=max`, as JSON writes them.
fn number(min: i64, max: i64) -> String {
    let mut parts = Vec::new();
    if min < 0 {
        parts.extend(digits(max.min(-1).unsigned_abs(), min.unsigned_abs()).iter().map(|part| format!("-{part}")));
    }
    if max >= 0 {
        parts.extend(digits(min.max(0).unsigned_abs(), max.unsigned_abs()));
    }
    parts.join("|")
}

/// Expressions of fixed beginnings with any digits behind them that together match `low..=high`.
fn digits(mut low: u64, high: u64) -> Vec<String> {
    let mut parts = Vec::new();
    while low <= high {
        let mut free = 0;
        while low > 0 && low.is_multiple_of(10_u64.pow(free + 1)) && low + 10_u64.pow(free + 1) - 1 <= high {
            free += 1;
        }
        parts.push(format!("{}{}", low / 10_u64.pow(free), "[0-9]".repeat(free as usize)));
        low += 10_u64.pow(free);
    }
    parts
}
