//! What may be written at each place of the JSON answer: sorted alternatives, none the beginning of another.

use lam_types::{ArgKind, ArgSpec, FunctionSpec, Observation, Target};

/// One alternative and what follows it.
pub(super) struct Alternative {
    pub(super) bytes: Vec<u8>,
    pub(super) then: Then,
}

/// What follows an alternative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// The list with this number.
    List(usize),
    /// The thought.
    Thought,
    /// Text of argument n of function f.
    Text(usize, usize),
    /// Words of the document.
    Document(usize, usize),
    /// A number.
    Number(usize, usize),
    /// Step n of the plan.
    Step(usize),
    /// The end of sequence.
    End,
}

/// The alternatives of one screen.
pub(super) struct Lists {
    lists: Vec<Vec<Alternative>>,
    /// For each function, the list before each of its arguments and after the last.
    args: Vec<Vec<usize>>,
    /// Number of the list after the thought.
    pub(super) controls: usize,
    /// Numbers of the lists after each step of the plan.
    pub(super) plan: Vec<usize>,
}

/// The list every answer begins with.
pub(super) const OPEN: usize = 0;

impl Lists {
    pub(super) fn new(lead: &[u8], observation: &Observation, functions: &[FunctionSpec], plan_steps: usize) -> Self {
        let mut lists = Self { lists: Vec::new(), args: Vec::new(), controls: 0, plan: Vec::new() };
        let open = [lead, b"{\"thought\": \""].concat();
        lists.push(vec![Alternative { bytes: open, then: Then::Thought }]);
        let status = lists.add_plan(plan_steps);
        for (number, function) in functions.iter().enumerate() {
            lists.add_args(number, function, observation, status);
        }
        lists.add_controls(observation, functions, status);
        lists
    }

    pub(super) fn get(&self, list: usize) -> &[Alternative] {
        &self.lists[list]
    }

    /// The list after argument `arg` of `function`.
    pub(super) fn behind(&self, function: usize, arg: usize) -> usize {
        self.args[function][arg + 1]
    }

    fn push(&mut self, mut alternatives: Vec<Alternative>) -> usize {
        alternatives.sort_by(|left, right| left.bytes.cmp(&right.bytes));
        alternatives.dedup_by(|left, right| left.bytes == right.bytes);
        self.lists.push(alternatives);
        self.lists.len() - 1
    }

    /// The status and the plan; returns the number of the status' list.
    fn add_plan(&mut self, steps: usize) -> usize {
        let first = self.push(vec![text("]}", Then::End), text("\"", Then::Step(0))]);
        for step in 1..=steps {
            let mut alternatives = vec![text("]}", Then::End)];
            if step < steps {
                alternatives.push(text(", \"", Then::Step(step)));
            }
            let list = self.push(alternatives);
            self.plan.push(list);
        }
        let statuses = ["CONTINUE", "FINISH"].map(|word| text(&format!("{word}\", \"plan\": ["), Then::List(first)));
        self.push(statuses.into())
    }

    /// The lists before each argument and after the last.
    fn add_args(&mut self, number: usize, function: &FunctionSpec, observation: &Observation, status: usize) {
        let count = function.args.len();
        // Lists are made from the last argument backwards, because an alternative names the list after it.
        let mut numbers = vec![0; count + 1];
        for from in (0..=count).rev() {
            let stop = function.args[from..].iter().position(|arg| arg.required);
            let mut alternatives = Vec::new();
            if stop.is_none() {
                alternatives.push(text("}, \"status\": \"", Then::List(status)));
            }
            for arg in from..stop.map_or(count, |stop| from + stop + 1) {
                let comma = if from == 0 { "" } else { ", " };
                if function.args[arg].kind.is_possible(observation) {
                    alternatives.extend(ways(comma, (number, arg), &function.args[arg], numbers[arg + 1]));
                }
            }
            numbers[from] = self.push(alternatives);
        }
        self.args.push(numbers);
    }

    /// Labels with their names, and the functions that can act on each.
    fn add_controls(&mut self, observation: &Observation, functions: &[FunctionSpec], status: usize) {
        let is_possible = |function: &FunctionSpec| function.has_arguments(observation);
        let mut alternatives = Vec::new();
        let call = |name: &str| format!("{}\", \"args\": {{", escaped(name));
        let control = |label: &str, name: &str| {
            let (label, name) = (escaped(label), escaped(name));
            format!(", \"control_label\": \"{label}\", \"control_name\": \"{name}\", \"function\": \"")
        };
        let mut calls = vec![text(&format!("{}}}, \"status\": \"", call("")), Then::List(status))];
        for (number, function) in functions.iter().enumerate() {
            if function.target == Target::Application && is_possible(function) {
                calls.push(text(&call(&function.name), Then::List(self.args[number][0])));
            }
        }
        let list = self.push(calls);
        alternatives.push(text(&control("", ""), Then::List(list)));
        for shown in observation.controls.iter().filter(|control| control.enabled && !control.label.is_empty()) {
            let can_act = |function: &FunctionSpec| match &function.target {
                Target::Control(types) => types.contains(&shown.control_type) && is_possible(function),
                Target::Application => false,
            };
            let able = functions.iter().enumerate().filter(|(_, function)| can_act(function));
            let calls: Vec<Alternative> =
                able.map(|(number, function)| text(&call(&function.name), Then::List(self.args[number][0]))).collect();
            if !calls.is_empty() {
                let list = self.push(calls);
                alternatives.push(text(&control(&shown.label, &shown.control_text), Then::List(list)));
            }
        }
        self.controls = self.push(alternatives);
    }
}

fn text(text: &str, then: Then) -> Alternative {
    Alternative { bytes: text.as_bytes().to_vec(), then }
}

/// The ways to write one argument; `behind` is the list after it.
fn ways(comma: &str, (function, number): (usize, usize), arg: &ArgSpec, behind: usize) -> Vec<Alternative> {
    let key = format!("{comma}\"{}\": ", escaped(&arg.name));
    let open = format!("{key}\"");
    match &arg.kind {
        ArgKind::Text => vec![text(&open, Then::Text(function, number))],
        ArgKind::DocumentText => vec![text(&open, Then::Document(function, number))],
        ArgKind::Integer { .. } | ArgKind::ShownNumber(_) | ArgKind::Paragraph => {
            vec![text(&key, Then::Number(function, number))]
        }
        ArgKind::Boolean => ["true", "false"].map(|word| text(&format!("{key}{word}"), Then::List(behind))).into(),
        ArgKind::OneOf(words) => {
            words.iter().map(|word| text(&format!("{open}{}\"", escaped(word)), Then::List(behind))).collect()
        }
    }
}

/// `text` as it stands between the quotes of a JSON string.
pub(super) fn escaped(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}
