//! What an answer may call on a screen: functions, and the controls that each may act on. Knows no tokens.

use std::collections::{BTreeMap, BTreeSet};

use lam_types::{Control, FunctionSpec, Observation, Target};

/// What an answer may call.
#[derive(Clone, Copy)]
pub(crate) struct Callable<'a> {
    /// The functions.
    pub(crate) functions: &'a [FunctionSpec],
    /// The labels of the only controls that some of them may act on, by the function's name.
    pub(crate) labels: Option<&'a BTreeMap<String, BTreeSet<String>>>,
    /// Whether an answer that calls nothing is none.
    pub(crate) must_call: bool,
}

impl Callable<'_> {
    /// Whether a function may act on a control.
    pub(crate) fn acts_on(&self, spec: &FunctionSpec, control: &Control) -> bool {
        let only = self.labels.and_then(|labels| labels.get(&spec.name));
        matches!(&spec.target, Target::Control(types) if types.contains(&control.control_type))
            && only.is_none_or(|labels| labels.contains(&control.label))
    }

    /// Whether a function can be called on a screen.
    pub(crate) fn can_call(&self, spec: &FunctionSpec, observation: &Observation) -> bool {
        let has_target = || observation.usable().any(|control| self.acts_on(spec, control));
        spec.is_callable(observation) && (spec.target == Target::Application || has_target())
    }
}
