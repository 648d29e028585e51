//! What one screen offers: the controls as tokens, and which functions can be called at all.

use std::collections::BTreeMap;

use lam_types::{Control, ControlType, FunctionSpec, Observation, Target};

use super::functions::{Then, Way};
use crate::callable::Callable;
use crate::compact::Compact;

/// Whether an argument has a value here, and the range of a number.
type Offer = (bool, Option<(i64, i64)>);

/// One screen.
pub(crate) struct Screen {
    /// The controls that can be used now.
    controls: Vec<(ControlType, Way)>,
    /// For functions that may not act on every control of their types: the positions of those that they may act on.
    only: BTreeMap<usize, Vec<usize>>,
    /// Positions of the functions that can be called.
    pub(super) offered: Vec<usize>,
    /// For each function, for each of its arguments.
    args: Vec<Vec<Offer>>,
    pub(super) document: String,
}

impl Screen {
    /// The screen that `observation` shows.
    pub(crate) fn new(form: Compact<'_>, observation: &Observation, callable: Callable<'_>) -> Self {
        let functions = callable.functions;
        let way = |control: &Control| {
            let tokens = form.control(&control.control_text, &control.label);
            (control.control_type, Way { tokens, then: Then::Args })
        };
        let controls: Vec<(ControlType, Way)> = observation.usable().map(way).collect();
        let args = |spec: &FunctionSpec| {
            let kinds = spec.args.iter().map(|arg| &arg.kind);
            kinds.map(|kind| (kind.is_possible(observation), kind.range(observation))).collect()
        };
        let places = |spec: &FunctionSpec| {
            let shown = observation.usable().enumerate();
            shown.filter(|(_, control)| callable.acts_on(spec, control)).map(|(place, _)| place).collect()
        };
        let is_limited = |spec: &FunctionSpec| callable.labels.is_some_and(|labels| labels.contains_key(&spec.name));
        let limited = functions.iter().enumerate().filter(|(_, spec)| is_limited(spec));
        let only = limited.map(|(n, spec)| (n, places(spec))).collect();
        let offered = (0..functions.len()).filter(|n| callable.can_call(&functions[*n], observation)).collect();
        let args = functions.iter().map(args).collect();
        Self { controls, only, offered, args, document: observation.document.clone() }
    }

    /// Whether argument `arg` of `function` has a value on this screen.
    pub(super) fn is_possible(&self, function: usize, arg: usize) -> bool {
        self.args[function][arg].0
    }

    /// The closed range of the number that argument `arg` of `function` is.
    pub(super) fn range(&self, function: usize, arg: usize) -> Option<(i64, i64)> {
        self.args[function][arg].1
    }

    /// The ways to name a control for `function`, which acts on `target`; `None` when it takes none.
    pub(super) fn targets(&self, function: usize, target: &Target) -> Option<Vec<Way>> {
        let Target::Control(types) = target else { return None };
        let only = self.only.get(&function);
        let is_left = |place: usize| only.is_none_or(|places| places.contains(&place));
        let shown = self.controls.iter().enumerate();
        let fitting = shown.filter(|(place, (kind, _))| types.contains(kind) && is_left(*place));
        Some(fitting.map(|(_, (_, way))| way.clone()).collect())
    }
}
