//! GUI-360's raw trajectories (arXiv 2511.04307): one per file, one step per line, with UFO's controls
//! and functions.

use std::collections::BTreeMap;

use lam_types::{
    Action, Args, Complete, Control, Observation, PastAction, Phrasing, PolicyId, Rect, Split, State, Status, Step,
    StepStatus, Task, Trajectory, Verdict,
};
use serde_json::Value;

use super::record::{Records, Refusal, control_type, list, named, optional, text};
use crate::import::content::Fault;

/// The steps of one file, as one trajectory. A line that cannot be used ends it: what follows would lack its history.
pub(super) fn read(content: &str, file: &str) -> Records {
    let mut found = Records::default();
    let mut trajectory: Option<Trajectory> = None;
    for (index, line) in content.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        found.records += 1;
        let record = serde_json::from_str(line).map_err(|error| (String::new(), error.to_string()));
        match record.and_then(|record: Value| add(&record, file, &mut trajectory, &mut found.unknown_types)) {
            Ok(()) => {}
            Err((field, reason)) => {
                found.faults.push(Fault { line: index + 1, field, reason });
                trajectory = None;
                break;
            }
        }
    }
    found.trajectories.extend(trajectory.map(named));
    found
}

fn add(
    record: &Value,
    file: &str,
    trajectory: &mut Option<Trajectory>,
    unknown: &mut BTreeMap<String, usize>,
) -> Result<(), Refusal> {
    let inside = |(field, reason): Refusal| (format!("step.{field}"), reason);
    if trajectory.is_none() {
        *trajectory = Some(begin(record, file)?);
    }
    let Some(trajectory) = trajectory else { return Ok(()) };
    let observation = observation(&record["step"], unknown).map_err(inside)?;
    let action = action(&record["step"], &observation).map_err(inside)?;
    let (history, plan) = match trajectory.steps.last() {
        None => (Vec::new(), Vec::new()),
        Some(last) => {
            let mut history = last.state.previous_actions.clone();
            history.push(PastAction::of(&last.action, last.status));
            (history, last.action.plan.clone())
        }
    };
    let state =
        State { request: trajectory.task.request.clone(), observation, previous_actions: history, previous_plan: plan };
    let step_index =
        u32::try_from(trajectory.steps.len()).map_err(|_| ("step_id".to_owned(), "too many".to_owned()))?;
    trajectory.steps.push(Step {
        step_index,
        state,
        action,
        acceptable_labels: Vec::new(),
        status: StepStatus::Ok,
        message: String::new(),
        reward: None,
        reward_source: String::new(),
        tokens: None,
        policy_seconds: 0.0,
        environment_seconds: 0.0,
    });
    Ok(())
}

fn begin(record: &Value, file: &str) -> Result<Trajectory, Refusal> {
    let application = optional(record, "app_domain");
    let evaluation = &record["evaluation"];
    let complete = match optional(evaluation, "complete").to_lowercase().as_str() {
        "yes" => Complete::Yes,
        "no" => Complete::No,
        "unsure" => Complete::Unsure,
        other => return Err(("evaluation.complete".to_owned(), format!("`{other}` is not yes, no or unsure"))),
    };
    let split = if file.split('/').any(|part| part == "test") { Split::Test } else { Split::Train };
    Ok(Trajectory {
        trajectory_id: String::new(),
        task: Task {
            task_id: text(record, "execution_id")?,
            family: application.clone(),
            request: text(record, "request")?,
            environment: "gui360".into(),
            application,
            seed: 0,
            phrasing: Phrasing::Seen,
            split,
        },
        environment_version: "1".into(),
        attempt: 0,
        policy: PolicyId { name: "gui360".into(), hash: String::new() },
        steps: Vec::new(),
        verdict: Verdict {
            complete,
            reason: optional(evaluation, "reason"),
            judge: "gui360".into(),
            sub_scores: Vec::new(),
        },
        environment_error: None,
    })
}

fn observation(step: &Value, unknown: &mut BTreeMap<String, usize>) -> Result<Observation, Refusal> {
    let infos = &step["control_infos"];
    let inside = |(field, reason): Refusal| (format!("control_infos.{field}"), reason);
    let mut controls = Vec::new();
    for (index, info) in list(infos, "uia_controls_info").map_err(inside)?.iter().enumerate() {
        let at = |(field, reason): Refusal| (format!("control_infos.uia_controls_info[{index}].{field}"), reason);
        controls.push(Control {
            label: text(info, "label").map_err(at)?,
            control_text: optional(info, "control_text"),
            control_type: control_type(&text(info, "control_type").map_err(at)?, unknown),
            enabled: true,
            selected: None,
            value: None,
            rectangle: rectangle(&info["control_rect"]),
        });
    }
    Ok(Observation { controls, ..Observation::default() })
}

fn rectangle(value: &Value) -> Option<Rect> {
    let numbers: Vec<i32> =
        value.as_array()?.iter().filter_map(|number| i32::try_from(number.as_f64()? as i64).ok()).collect();
    match numbers.as_slice() {
        [left, top, right, bottom] => Some(Rect { left: *left, top: *top, right: *right, bottom: *bottom }),
        _ => None,
    }
}

/// The action, which some files hold as JSON in a text; the end of a sub-task there does not end the task.
fn action(step: &Value, observation: &Observation) -> Result<Action, Refusal> {
    let parsed: Value;
    let action = match &step["action"] {
        Value::String(text) => {
            parsed = serde_json::from_str(text).map_err(|error| ("action".to_owned(), error.to_string()))?;
            &parsed
        }
        other => other,
    };
    let inside = |(field, reason): Refusal| (format!("action.{field}"), reason);
    let args = match &action["args"] {
        Value::Object(args) => args.clone(),
        Value::Null => Args::new(),
        other => return Err(("action.args".to_owned(), format!("must be an object, not {other}"))),
    };
    let label = optional(action, "control_label");
    let on_screen = observation.control(&label);
    if !label.is_empty() && on_screen.is_none() {
        return Err(("action.control_label".to_owned(), format!("`{label}` is not on this screen")));
    }
    let status = match optional(step, "status").as_str() {
        "OVERALL_FINISH" => Status::Finish,
        _ => Status::Continue,
    };
    Ok(Action {
        thought: optional(step, "thought"),
        control_name: on_screen.map(|control| control.control_text.clone()).unwrap_or_default(),
        control_label: label,
        function: text(action, "function").map_err(inside)?,
        args,
        status,
        plan: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(label: &str, status: &str) -> String {
        serde_json::json!({
            "execution_id": "word_1", "app_domain": "word", "request": "Make it bold", "step_id": 1, "total_steps": 2,
            "evaluation": {"complete": "yes", "reason": "it is bold"},
            "step": {
                "thought": "press it", "status": status,
                "control_infos": {"uia_controls_info": [
                    {"control_type": "Button", "control_rect": [1, 2, 3, 4], "control_text": "Bold", "label": 7},
                    {"control_type": "Pane", "control_text": "Page", "label": "8"}]},
                "action": format!("{{\"function\": \"click\", \"args\": {{\"button\": \"left\"}}, \"control_label\": \"{label}\"}}"),
            },
        })
        .to_string()
    }

    #[test]
    fn a_file_is_a_trajectory_and_a_label_that_is_nowhere_is_named() {
        let file = "test/data/word/1.jsonl";
        let found = read(&format!("{}\n{}\n", line("7", "FINISH"), line("", "OVERALL_FINISH")), file);
        let trajectory = &found.trajectories[0];
        assert_eq!((trajectory.task.split, trajectory.succeeded(), trajectory.steps.len()), (Split::Test, true, 2));
        let (first, last) = (&trajectory.steps[0], &trajectory.steps[1]);
        assert_eq!((first.action.control_name.as_str(), first.action.status), ("Bold", Status::Continue));
        assert_eq!((last.action.status, last.state.previous_actions.len()), (Status::Finish, 1));
        assert_eq!(found.unknown_types["Pane"], 2);
        let bad = read(&format!("{}\n{}\n", line("7", ""), line("9", "")), file);
        assert_eq!(
            (bad.trajectories.len(), bad.faults[0].line, bad.faults[0].field.as_str()),
            (0, 2, "step.action.control_label")
        );
    }
}
