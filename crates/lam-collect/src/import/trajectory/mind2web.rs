//! Mind2Web's tasks: what people did on web pages, with the other elements that they could have chosen.

use std::collections::BTreeMap;

use lam_types::{
    Action, Args, Complete, Control, ControlType, Observation, PastAction, Phrasing, PolicyId, Split, State, Status,
    Step, StepStatus, Task, Trajectory, Verdict,
};
use serde_json::Value;

use super::record::{Records, Refusal, list, named, optional, text};

/// Attributes that say what an element is called, best first.
const NAMES: &[&str] = &["aria_label", "aria-label", "title", "alt", "placeholder", "value", "name", "id", "class"];

/// One task with its actions.
pub(super) fn read(record: &Value, file: &str, found: &mut Records) -> Result<(), Refusal> {
    let request = text(record, "confirmed_task")?;
    let actions = list(record, "actions")?;
    let mut steps: Vec<Step> = Vec::new();
    for (index, action) in actions.iter().enumerate() {
        let at = |(field, reason): Refusal| (format!("actions[{index}].{field}"), reason);
        let is_last = index + 1 == actions.len();
        let step = step(action, &request, steps.last(), is_last).map_err(at)?;
        steps.push(step);
    }
    if steps.is_empty() {
        return Err(("actions".to_owned(), "nothing was done".to_owned()));
    }
    let split = if file.contains("test") { Split::Test } else { Split::Train };
    let website = text(record, "website")?;
    found.trajectories.push(named(Trajectory {
        trajectory_id: String::new(),
        task: Task {
            task_id: text(record, "annotation_id")?,
            family: optional(record, "domain"),
            request,
            environment: "mind2web".into(),
            application: website,
            seed: 0,
            phrasing: Phrasing::Seen,
            split,
        },
        environment_version: "1".into(),
        attempt: 0,
        policy: PolicyId { name: "mind2web".into(), hash: String::new() },
        steps,
        verdict: Verdict {
            complete: Complete::Yes,
            reason: "a person did it".into(),
            judge: "demonstration".into(),
            sub_scores: Vec::new(),
        },
        environment_error: None,
    }));
    Ok(())
}

fn step(action: &Value, request: &str, before: Option<&Step>, is_last: bool) -> Result<Step, Refusal> {
    let wanted = list(action, "pos_candidates")?;
    let Some(target) = wanted.first() else {
        return Err(("pos_candidates".to_owned(), "no element is right".to_owned()));
    };
    let target =
        text(target, "backend_node_id").map_err(|(field, reason)| (format!("pos_candidates[0].{field}"), reason))?;
    let (controls, labels) = screen(wanted, list(action, "neg_candidates")?)?;
    let control = |label: &String| controls.iter().find(|control| control.label == *label);
    let label = labels.get(&target).ok_or(("pos_candidates".to_owned(), "no such element".to_owned()))?;
    let (function, args) = operation(&action["operation"])?;
    let right = wanted.iter().filter_map(|candidate| labels.get(&optional(candidate, "backend_node_id")));
    let acceptable_labels: Vec<String> = right.cloned().collect();
    let done = Action {
        thought: String::new(),
        control_label: label.clone(),
        control_name: control(label).map(|control| control.control_text.clone()).unwrap_or_default(),
        function,
        args,
        status: if is_last { Status::Finish } else { Status::Continue },
        plan: Vec::new(),
    };
    let mut previous_actions = before.map(|step| step.state.previous_actions.clone()).unwrap_or_default();
    previous_actions.extend(before.map(|step| PastAction::of(&step.action, step.status)));
    let observation = Observation { controls, ..Observation::default() };
    Ok(Step {
        step_index: before.map_or(0, |step| step.step_index + 1),
        state: State { request: request.to_owned(), observation, previous_actions, previous_plan: Vec::new() },
        action: done,
        acceptable_labels,
        status: StepStatus::Ok,
        message: String::new(),
        reward: None,
        reward_source: String::new(),
        tokens: None,
        policy_seconds: 0.0,
        environment_seconds: 0.0,
    })
}

/// The candidates in the page's order, labelled from 1, and which label each element has.
fn screen(wanted: &[Value], others: &[Value]) -> Result<(Vec<Control>, BTreeMap<String, String>), Refusal> {
    let mut elements: Vec<(u64, &Value)> = Vec::new();
    for (index, candidate) in wanted.iter().chain(others).enumerate() {
        let id = optional(candidate, "backend_node_id");
        let number = id
            .parse()
            .map_err(|_| (format!("candidate {index}: backend_node_id"), format!("`{id}` is not a number")))?;
        elements.push((number, candidate));
    }
    elements.sort_by_key(|(number, _)| *number);
    elements.dedup_by_key(|(number, _)| *number);
    let control = |(index, (_, candidate)): (usize, &(u64, &Value))| Control {
        label: (index + 1).to_string(),
        control_text: name(candidate),
        control_type: kind(&optional(candidate, "tag")),
        enabled: true,
        selected: None,
        value: None,
        rectangle: None,
    };
    let labels = elements.iter().enumerate().map(|(index, (number, _))| (number.to_string(), (index + 1).to_string()));
    let labels = labels.collect();
    Ok((elements.iter().enumerate().map(control).collect(), labels))
}

/// What an element is called: attributes are JSON in a text.
fn name(candidate: &Value) -> String {
    let attributes: Value = match &candidate["attributes"] {
        Value::String(text) => serde_json::from_str(text).unwrap_or_default(),
        other => other.clone(),
    };
    let found = NAMES.iter().find_map(|name| attributes[*name].as_str().filter(|text| !text.trim().is_empty()));
    found.map_or_else(|| optional(candidate, "tag"), |text| text.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn kind(tag: &str) -> ControlType {
    match tag {
        "a" => ControlType::Hyperlink,
        "button" => ControlType::Button,
        "input" | "textarea" => ControlType::Edit,
        "select" => ControlType::ComboBox,
        "option" | "li" => ControlType::ListItem,
        "label" | "span" | "p" => ControlType::Text,
        _ => ControlType::Group,
    }
}

fn operation(operation: &Value) -> Result<(String, Args), Refusal> {
    let inside = |(field, reason): Refusal| (format!("operation.{field}"), reason);
    let value = optional(operation, "value");
    let with = |name: &str| Args::from_iter([(name.to_owned(), Value::from(value.clone()))]);
    match text(operation, "op").map_err(inside)?.as_str() {
        "CLICK" => Ok(("click_input".into(), Args::new())),
        "TYPE" => Ok(("set_edit_text".into(), with("text"))),
        "SELECT" => Ok(("select_option".into(), with("text"))),
        other => Err(("operation.op".to_owned(), format!("`{other}` is not CLICK, TYPE or SELECT"))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::each;
    use super::*;

    #[test]
    fn every_right_element_is_acceptable_and_an_unknown_operation_is_named() {
        let record = r#"{"annotation_id":"a","website":"shop","domain":"Shopping","confirmed_task":"Buy tea","actions":[
            {"operation":{"op":"TYPE","value":"tea"},"pos_candidates":[{"tag":"input","backend_node_id":"20","attributes":"{\"placeholder\":\"Search\"}"},
             {"tag":"div","backend_node_id":"9"}],"neg_candidates":[{"tag":"a","backend_node_id":"11","attributes":"{\"title\":\"Home\"}"}]},
            {"operation":{"op":"CLICK","value":""},"pos_candidates":[{"tag":"button","backend_node_id":"5"}],"neg_candidates":[]}]}"#;
        let file = "train_1.json";
        let found = each(record, |record, found| read(record, file, found));
        let steps = &found.trajectories[0].steps;
        assert_eq!(steps[0].acceptable_labels, ["3", "1"]);
        assert_eq!(
            (steps[0].action.control_name.as_str(), &steps[0].action.args["text"]),
            ("Search", &Value::from("tea"))
        );
        assert_eq!((steps[1].action.status, steps[1].state.previous_actions.len()), (Status::Finish, 1));
        let bad = each(&record.replace("CLICK", "HOVER"), |record, found| read(record, file, found));
        assert_eq!((bad.trajectories.len(), bad.faults[0].field.as_str()), (0, "actions[1].operation.op"));
    }
}
