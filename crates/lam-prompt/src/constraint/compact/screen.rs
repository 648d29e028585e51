//! What one screen offers: the controls as tokens, and which functions can be called at all.

use lam_types::{ArgKind, ControlType, FunctionSpec, Observation, Target};

use super::functions::{Functions, Then, Way};
use crate::compact::Compact;

/// One screen.
pub(crate) struct Screen {
    /// The controls that can be used now.
    controls: Vec<(ControlType, Way)>,
    /// Positions of the functions that can be called.
    pub(super) offered: Vec<usize>,
    pub(super) document: String,
}

impl Screen {
    /// The screen that `observation` shows.
    pub(crate) fn new(form: Compact<'_>, observation: &Observation, functions: &Functions) -> Self {
        let usable = observation.controls.iter().filter(|control| control.enabled && !control.label.is_empty());
        let controls: Vec<(ControlType, Way)> = usable
            .map(|control| {
                let tokens = form.control(&control.control_text, &control.label);
                (control.control_type, Way { tokens, then: Then::Args })
            })
            .collect();
        let has_text = !observation.document.trim().is_empty();
        let can_call = |spec: &FunctionSpec| {
            let has_target = match &spec.target {
                Target::Application => true,
                Target::Control(types) => controls.iter().any(|(kind, _)| types.contains(kind)),
            };
            let needs_text = spec.args.iter().any(|arg| arg.required && arg.kind == ArgKind::DocumentText);
            has_target && (has_text || !needs_text)
        };
        let offered = (0..functions.specs().len()).filter(|n| can_call(&functions.specs()[*n])).collect();
        Self { controls, offered, document: observation.document.clone() }
    }

    /// The ways to name a control for `target`; `None` when it takes none.
    pub(super) fn targets(&self, target: &Target) -> Option<Vec<Way>> {
        let Target::Control(types) = target else { return None };
        let fitting = self.controls.iter().filter(|(kind, _)| types.contains(kind));
        Some(fitting.map(|(_, way)| way.clone()).collect())
    }
}
