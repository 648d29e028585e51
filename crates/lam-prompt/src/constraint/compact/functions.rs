//! Functions compiled to tokens: their names, and for each argument the ways in which it may be written.

use lam_types::{ArgKind, ArgSpec, FunctionSpec};

use super::lists::End;
use crate::compact::Compact;

/// A sequence of tokens and what follows it.
#[derive(Clone, Debug)]
pub(super) struct Way {
    pub(super) tokens: Vec<u32>,
    pub(super) then: Then,
}

/// What follows a sequence of tokens. Numbers are positions of functions and arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// `<|on|>` after the function, `None` for no call.
    On(Option<usize>),
    /// `<|args|>` after the control.
    Args,
    /// What may follow argument n.
    ArgEnd(usize),
    /// A number for argument n.
    Number(usize),
    /// Free text for argument n.
    Text(usize),
    /// Text of the document for argument n.
    Document(usize),
    /// `<|status|>` where no argument is written.
    Status,
    /// The end of sequence after the status.
    Eos,
}

/// An application's functions as tokens.
pub(crate) struct Functions {
    specs: Vec<FunctionSpec>,
    names: Vec<Vec<u32>>,
    /// For each function, for each of its arguments.
    args: Vec<Vec<Vec<Way>>>,
    statuses: Vec<Way>,
}

impl Functions {
    /// Compiles `specs`.
    pub(crate) fn new(form: Compact<'_>, specs: &[FunctionSpec]) -> Self {
        let args = |spec: &FunctionSpec| spec.args.iter().enumerate().map(|(n, arg)| ways(form, n, arg)).collect();
        let status = |word: &str| Way { tokens: form.segment(word), then: Then::Eos };
        Self {
            names: specs.iter().map(|spec| form.segment(&spec.name)).collect(),
            args: specs.iter().map(args).collect(),
            statuses: ["CONTINUE", "FINISH"].map(status).to_vec(),
            specs: specs.to_vec(),
        }
    }

    pub(crate) fn specs(&self) -> &[FunctionSpec] {
        &self.specs
    }

    /// The ways to name one of `offered`, or to call nothing, unless something must be called.
    pub(super) fn calls(&self, offered: &[usize], must_call: bool) -> Vec<Way> {
        let none = (!must_call).then(|| Way { tokens: Vec::new(), then: Then::On(None) });
        let named = offered.iter().map(|n| Way { tokens: self.names[*n].clone(), then: Then::On(Some(*n)) });
        none.into_iter().chain(named).collect()
    }

    /// The ways to continue with argument `from` of `function` or a later one. Required arguments are not skipped, and
    /// those for which (function, argument) is not possible on the screen are left out. Before the first argument, writing none is a way too,
    /// unless one is required.
    pub(super) fn args_from(
        &self,
        function: Option<usize>,
        from: usize,
        is_possible: impl Fn(usize, usize) -> bool,
    ) -> Vec<Way> {
        let none = Way { tokens: Vec::new(), then: Then::Status };
        let Some(function) = function else { return vec![none] };
        let specs = &self.specs[function].args;
        let required = specs[from..].iter().position(|arg| arg.required);
        let stop = required.map_or(specs.len(), |n| from + n + 1);
        let possible = (from..stop).filter(|arg| is_possible(function, *arg));
        let mut ways: Vec<Way> = possible.flat_map(|arg| &self.args[function][arg]).cloned().collect();
        if from == 0 && required.is_none() {
            ways.push(none);
        }
        ways
    }

    /// What may follow argument `arg`: another one only where it is required, or possible on the screen.
    pub(super) fn end(&self, function: usize, arg: usize, is_possible: impl Fn(usize, usize) -> bool) -> End {
        let specs = &self.specs[function].args;
        let rest = arg + 1..specs.len();
        if rest.clone().any(|n| specs[n].required) {
            End::Comma
        } else if rest.clone().any(|n| is_possible(function, n)) {
            End::Both
        } else {
            End::Status
        }
    }

    pub(super) fn statuses(&self) -> Vec<Way> {
        self.statuses.clone()
    }
}

/// The ways to write argument `n`.
fn ways(form: Compact<'_>, n: usize, arg: &ArgSpec) -> Vec<Way> {
    let key = form.segment(&arg.name);
    let json = |value: &str| [key.clone(), vec![form.markers.json], form.segment(value)].concat();
    let way = |tokens, then| Way { tokens, then };
    match &arg.kind {
        ArgKind::Text => vec![way(key, Then::Text(n))],
        ArgKind::DocumentText => vec![way(key, Then::Document(n))],
        ArgKind::Integer { .. } | ArgKind::ShownNumber(_) | ArgKind::Paragraph => {
            vec![way(json(""), Then::Number(n))]
        }
        ArgKind::Boolean => ["true", "false"].map(|word| way(json(word), Then::ArgEnd(n))).to_vec(),
        ArgKind::OneOf(words) => {
            let written = |word: &String| form.segment(format!("{} {word}", arg.name).trim_end_matches(' '));
            words.iter().map(|word| way(written(word), Then::ArgEnd(n))).collect()
        }
    }
}
