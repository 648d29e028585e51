//! What one screen offers: the controls as tokens, and which functions can be called at all.

use lam_types::{Control, ControlType, FunctionSpec, Observation, Target};

use super::functions::{Functions, Then, Way};
use crate::compact::Compact;

/// Whether an argument has a value here, and the range of a number.
type Offer = (bool, Option<(i64, i64)>);

/// One screen.
pub(crate) struct Screen {
    /// The controls that can be used now.
    controls: Vec<(ControlType, Way)>,
    /// Positions of the functions that can be called.
    pub(super) offered: Vec<usize>,
    /// For each function, for each of its arguments.
    args: Vec<Vec<Offer>>,
    pub(super) document: String,
}

impl Screen {
    /// The screen that `observation` shows.
    pub(crate) fn new(form: Compact<'_>, observation: &Observation, functions: &Functions) -> Self {
        let way = |control: &Control| {
            let tokens = form.control(&control.control_text, &control.label);
            (control.control_type, Way { tokens, then: Then::Args })
        };
        let controls: Vec<(ControlType, Way)> = observation.usable().map(way).collect();
        let args = |spec: &FunctionSpec| {
            let kinds = spec.args.iter().map(|arg| &arg.kind);
            kinds.map(|kind| (kind.is_possible(observation), kind.range(observation))).collect()
        };
        let offered = (0..functions.specs().len()).filter(|n| functions.specs()[*n].is_callable(observation)).collect();
        let args = functions.specs().iter().map(args).collect();
        Self { controls, offered, args, document: observation.document.clone() }
    }

    /// Whether argument `arg` of `function` has a value on this screen.
    pub(super) fn is_possible(&self, function: usize, arg: usize) -> bool {
        self.args[function][arg].0
    }

    /// The closed range of the number that argument `arg` of `function` is.
    pub(super) fn range(&self, function: usize, arg: usize) -> Option<(i64, i64)> {
        self.args[function][arg].1
    }

    /// The ways to name a control for `target`; `None` when it takes none.
    pub(super) fn targets(&self, target: &Target) -> Option<Vec<Way>> {
        let Target::Control(types) = target else { return None };
        let fitting = self.controls.iter().filter(|(kind, _)| types.contains(kind));
        Some(fitting.map(|(_, way)| way.clone()).collect())
    }
}
