//! What the compact constraint machine allows on one screen, as a grammar in llguidance's variant of Lark's syntax:
//! `<[7]>` is the token with the id 7.
//!
//! `same_masks.rs` holds the machine against it token by token; `examples/constraint_speed.rs` measures both.

use std::fmt::Write;

use lam_prompt::{AnswerLimits, Tokenizer};
use lam_types::{ArgKind, ArgSpec, Control, FunctionSpec, Observation, Target};

/// What a grammar is written of.
struct Writer<'a> {
    lark: Lark,
    tokenizer: &'a Tokenizer,
    limits: AnswerLimits,
    /// Tokens that a free text begins with, and all that it may hold.
    starts: String,
    texts: String,
}

/// The grammar.
pub fn grammar(
    tokenizer: &Tokenizer,
    observation: &Observation,
    functions: &[FunctionSpec],
    limits: AnswerLimits,
) -> String {
    let size = u32::try_from(tokenizer.vocab_size()).expect("a small vocabulary");
    let is_text = |id: &u32| !tokenizer.is_special(*id) && !tokenizer.token_bytes(*id).is_empty();
    let texts: Vec<u32> = (0..size).filter(is_text).collect();
    let begins = |id: &u32| tokenizer.token_bytes(*id).first() == Some(&b' ');
    let starts: Vec<u32> = texts.iter().copied().filter(begins).collect();
    let mut writer = Writer { lark: Lark::new(), tokenizer, limits, starts: any_of(&starts), texts: any_of(&texts) };
    writer.skeleton();
    for (place, function) in functions.iter().enumerate() {
        writer.arguments(place, function, observation);
    }
    writer.calls(observation, functions);
    writer.document(&observation.document);
    writer.lark.0
}

impl Writer<'_> {
    /// The thought, the plan and the status.
    fn skeleton(&mut self) {
        let AnswerLimits { thought_tokens, plan_steps, step_tokens, .. } = self.limits;
        let (think, plan, act) = (self.marker("<|think|>"), self.marker("<|plan|>"), self.marker("<|do|>"));
        let rules = [
            ("token", self.texts.clone()),
            ("begin", self.starts.clone()),
            ("start", format!("{think} (begin token{{0,{}}})? {plan} plan {act} call", thought_tokens - 1)),
            ("plan", format!("(step ({} step){{0,{}}})?", self.marker("<|;|>"), plan_steps - 1)),
            ("step", format!("begin token{{0,{}}}", step_tokens - 1)),
            ("text", format!("(begin token{{0,{}}})?", self.limits.text_tokens - 1)),
            (
                "status",
                format!("{} ({} | {})", self.marker("<|status|>"), self.segment("CONTINUE"), self.segment("FINISH")),
            ),
        ];
        rules.into_iter().for_each(|(name, rule)| self.lark.rule(name, &[rule]));
    }

    /// `fF_N` stands before argument N of function F.
    fn arguments(&mut self, place: usize, function: &FunctionSpec, observation: &Observation) {
        let comma = self.marker("<|,|>");
        for from in 0..function.args.len().max(1) {
            let (range, may_end) = args_from(function, from);
            let mut ways = Vec::new();
            if may_end && from == 0 {
                ways.push("status".to_owned());
            }
            for (at, arg) in range.clone().zip(&function.args[range]) {
                if arg.kind.is_possible(observation) {
                    let (_, may_end) = args_from(function, at + 1);
                    let more = (at + 1 < function.args.len()).then(|| format!("{comma} f{place}_{}", at + 1));
                    let behind = [may_end.then(|| "status".to_owned()), more];
                    let behind = behind.into_iter().flatten().collect::<Vec<_>>().join(" | ");
                    ways.extend(self.values(arg, observation).iter().map(|value| format!("{value} ({behind})")));
                }
            }
            self.lark.rule(&format!("f{place}_{from}"), &ways);
        }
    }

    /// The ways to write one argument.
    fn values(&self, arg: &ArgSpec, observation: &Observation) -> Vec<String> {
        let json = |value: &str| format!("{} {} {value}", self.segment(&arg.name), self.marker("<|json|>"));
        match &arg.kind {
            ArgKind::Text => vec![format!("{} text", self.segment(&arg.name))],
            ArgKind::DocumentText => vec![format!("{} document", self.segment(&arg.name))],
            ArgKind::Boolean => ["true", "false"].map(|word| json(&self.segment(word))).into(),
            ArgKind::OneOf(words) => {
                words.iter().map(|word| self.segment(format!("{} {word}", arg.name).trim_end_matches(' '))).collect()
            }
            ArgKind::Integer { .. } | ArgKind::ShownNumber(_) | ArgKind::Paragraph => {
                let (min, max) = arg.kind.range(observation).expect("it is a number");
                vec![json(&format!("/ ({})/", number(min, max)))]
            }
        }
    }

    /// Functions and, where they need one, the controls.
    fn calls(&mut self, observation: &Observation, functions: &[FunctionSpec]) {
        let (on, args) = (self.marker("<|on|>"), self.marker("<|args|>"));
        let mut ways = vec![format!("{on} {args} status")];
        for (place, spec) in on_application(observation, functions) {
            ways.push(format!("{} {on} {args} f{place}_0", self.segment(&spec.name)));
        }
        for (place, spec) in functions.iter().enumerate().filter(|(_, spec)| spec.target != Target::Application) {
            let fitting = usable(observation).filter(|control| acts_on(spec, control, observation));
            let names: Vec<String> = fitting.map(|control| self.control(control)).collect();
            if !names.is_empty() {
                self.lark.rule(&format!("on{place}"), &names);
                ways.push(format!("{} {on} on{place} {args} f{place}_0", self.segment(&spec.name)));
            }
        }
        self.lark.rule("call", &ways);
    }

    /// `NAME LABEL`, as the renderer writes it for labels of one word.
    fn control(&self, control: &Control) -> String {
        self.segment(format!("{} {}", control.control_text, control.label).trim_start_matches(' '))
    }

    /// `document` is a run of one paragraph's tokens; `dN` stands before token N, `bN` while only spaces are written.
    fn document(&mut self, text: &str) {
        let (mut from, mut starts) = (0, Vec::new());
        for paragraph in text.lines() {
            let ids = self.ids(paragraph.trim_ascii_end());
            let byte = |at: usize| self.tokenizer.token_bytes(ids[at]).first().copied();
            let is_blank = |at: usize| self.tokenizer.token_bytes(ids[at]).iter().all(u8::is_ascii_whitespace);
            let is_word = |at: usize| byte(at).is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_' || b >= 0x80);
            let name = |state: char, at: usize| format!("{state}{}", from + at);
            let to = |blank: bool, at: usize| match at + 1 == ids.len() {
                true if blank => None,
                true => Some(format!("<[{}]>", ids[at])),
                false => Some(format!("<[{}]> {}", ids[at], name(if blank { 'b' } else { 'd' }, at + 1))),
            };
            let mut rules = Vec::new();
            for at in 0..ids.len() {
                let end = (!is_word(at)).then(|| "\"\"".to_owned());
                rules.push((name('d', at), [to(false, at), end].into_iter().flatten().collect::<Vec<_>>()));
                rules.push((name('b', at), to(is_blank(at), at).into_iter().collect()));
            }
            starts.extend((0..ids.len()).filter(|at| byte(*at) == Some(b' ')).map(|at| name('b', at)));
            from += ids.len();
            rules.iter().for_each(|(name, ways)| self.lark.rule(name, ways));
        }
        if !starts.is_empty() {
            self.lark.rule("document", &starts);
        }
    }

    fn marker(&self, name: &str) -> String {
        format!("<[{}]>", self.tokenizer.token_id(name).expect("a compact vocabulary"))
    }

    /// The ids of `text` behind one space.
    fn ids(&self, text: &str) -> Vec<u32> {
        if text.is_empty() { Vec::new() } else { self.tokenizer.encode(&format!(" {text}")) }
    }

    /// The same as a sequence of tokens.
    fn segment(&self, text: &str) -> String {
        self.ids(text).iter().map(|id| format!("<[{id}]>")).collect::<Vec<_>>().join(" ")
    }
}

/// One token of `ids`, which ascend.
fn any_of(ids: &[u32]) -> String {
    let ranges = ids.chunk_by(|left, right| left + 1 == *right);
    let range = |range: &[u32]| format!("{}-{}", range[0], range[range.len() - 1]);
    format!("<[{}]>", ranges.map(range).collect::<Vec<_>>().join(","))
}

/// Every way to split a number into tokens is kept, as the machine does.
const OPTIONS: &str = "%llguidance {\"no_forcing\": true}\n";

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

/// The whole numbers `min..=max`, one after the other.
fn number(min: i64, max: i64) -> String {
    (min..=max).map(|number| number.to_string()).collect::<Vec<_>>().join("|")
}
