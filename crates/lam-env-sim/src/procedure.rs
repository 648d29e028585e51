//! The calls of a task, each with the tab that holds its command: that is all it takes to find it from anywhere.

use lam_tasks::{Parameters, calls, step_text};
use lam_types::Call;

use crate::family::Family;
use crate::ribbon::{Tab, opens};

/// A call, and the tab that must be shown for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    /// The tab that holds the command, if it stands on one.
    pub tab: Option<Tab>,
    /// The call.
    pub call: Call,
}

impl AsRef<Call> for Planned {
    fn as_ref(&self) -> &Call {
        &self.call
    }
}

/// The calls that carry out a family's procedure with these parameters.
pub fn planned(family: &Family, parameters: &Parameters) -> Vec<Planned> {
    // What stands in a menu or dialog is found there, also where a command on a tab bears the same name.
    let mut is_inside = false;
    let plan = |call: Call| {
        let tab = if is_inside { None } else { Tab::of(&call.control_name) };
        is_inside |= opens(&call.control_name);
        Planned { tab, call }
    };
    calls(family.steps, &parameters.slots("")).into_iter().map(plan).collect()
}

/// The steps of a plan that knows no screen: every tab is named, also one that may already be shown.
pub fn plan_steps(calls: &[Planned]) -> Vec<String> {
    plan_steps_from(None, calls)
}

/// The steps of a plan on a screen that shows the tab of this name: a tab is named wherever it has to change.
pub fn plan_steps_from(mut shown: Option<String>, calls: &[Planned]) -> Vec<String> {
    let mut steps = Vec::new();
    for planned in calls {
        if let Some(tab) = planned.tab.filter(|tab| shown.as_deref() != Some(tab.name())) {
            steps.push(step_text(&Call::click(tab.name())));
            shown = Some(tab.name().to_owned());
        }
        steps.push(step_text(&planned.call));
    }
    steps
}
