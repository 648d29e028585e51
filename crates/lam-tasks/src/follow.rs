//! A procedure followed by somebody who is told what was done: what is left of it, and its next call as an action.
//! Knows no particular screen: the environment says on which control a call lands.

use lam_types::{Action, Call, ControlType, PastAction, State, Status, StepStatus};

/// What remains of some calls whose order is fixed, once those are left out that were made.
pub fn left<'a, 'c, C: AsRef<Call>>(calls: &'c [C], past: impl IntoIterator<Item = &'a PastAction>) -> &'c [C] {
    past.into_iter().fold(calls, |left, past| match left.split_first() {
        Some((next, others)) if next.as_ref().is(past) => others,
        _ => left,
    })
}

/// The end of a task in which an action of one's own had no effect, if that is so.
pub fn gave_up(state: &State) -> Option<Action> {
    let has_failed = state.previous_actions.last().is_some_and(|last| last.outcome != StepStatus::Ok);
    has_failed.then(|| Action::stop("it did not work"))
}

/// A call as an action on the control with this label. `plan` names the steps that remain.
pub fn act(call: &Call, label: &str, thought: String, is_last: bool, plan: Vec<String>) -> Action {
    Action {
        thought,
        control_label: label.to_owned(),
        control_name: call.control_name.clone(),
        function: call.function.clone(),
        args: call.args.clone(),
        status: if is_last { Status::Finish } else { Status::Continue },
        plan,
    }
}

/// A call in a few words that do not repeat its arguments; `kind` is that of its control, where that is told.
pub fn thought(call: &Call, kind: Option<ControlType>) -> String {
    let name = &call.control_name;
    match (call.function.as_str(), kind) {
        ("click_input", Some(ControlType::TabItem)) => format!("open the {name} tab"),
        ("click_input", Some(ControlType::MenuItem)) => format!("open {name}"),
        ("click_input", Some(ControlType::ListItem)) => format!("choose {name}"),
        ("click_input", _) => format!("click {name}"),
        ("set_edit_text", _) => format!("fill in {name}"),
        ("select_text", _) => "select the text".to_owned(),
        ("select_paragraph", _) => "select the paragraphs".to_owned(),
        ("select_table", _) => "select the table".to_owned(),
        ("insert_table", _) => "insert the table".to_owned(),
        ("set_font", _) => "set the font".to_owned(),
        ("keyboard_input", _) => "use the keyboard".to_owned(),
        ("wheel_mouse_input", _) => "scroll the document".to_owned(),
        ("texts", _) => format!("read {name}"),
        ("save_as", _) => "save the file".to_owned(),
        (other, _) => other.replace('_', " "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_left_out_in_their_order() {
        let calls = ["a", "b", "a"].map(Call::click);
        let past =
            |name: &str| PastAction::of(&act(&Call::click(name), "", String::new(), false, vec![]), StepStatus::Ok);
        let left_after = |names: &[&str]| left(&calls, &names.iter().map(|name| past(name)).collect::<Vec<_>>()).len();
        assert_eq!(left_after(&[]), 3);
        assert_eq!(left_after(&["b", "a", "x"]), 2);
        assert_eq!(left_after(&["a", "b", "a", "a"]), 0);
    }
}
