//! Each row by itself: can its action be carried out, is there something to learn.

use lam_types::{Step, StepStatus, TaskPlan, Trajectory};

use super::{CheckConfig, CheckReport, Finding, Problem};
use crate::{DataError, Example, Place, plan_example, step_example};

impl Place<'_> {
    fn finding(self, field: &'static str, value: &str, problem: Problem, detail: String) -> Finding {
        Finding { file: self.file.to_owned(), row: self.row, field, value: value.to_owned(), problem, detail }
    }
}

pub(super) fn check_pair(place: Place<'_>, pair: &TaskPlan, config: &CheckConfig<'_>, report: &mut CheckReport) {
    if pair.plan.iter().all(|step| step.trim().is_empty()) {
        let detail = format!("task `{}` has no plan", pair.task_id);
        report.tell(place.finding("plan", "[]", Problem::NothingToTrain, detail));
    } else if let Some(renderer) = config.renderer {
        report.tell_all(check_example(place, "task", &pair.task, plan_example(renderer, pair), config));
    }
    report.rows += 1;
}

pub(super) fn check_trajectory(
    first: Place<'_>,
    trajectory: &Trajectory,
    config: &CheckConfig<'_>,
    report: &mut CheckReport,
) {
    for (index, step) in trajectory.steps.iter().enumerate() {
        let place = Place { row: first.row + index, ..first };
        if step.status == StepStatus::InvalidAction {
            // A recorded failure: its answer is wrong by definition.
            continue;
        }
        let found = check_action(place, &trajectory.task.environment, step, config);
        let is_sound = found.is_empty();
        report.tell_all(found);
        if let Some(renderer) = config.renderer.filter(|_| is_sound && trajectory.succeeded()) {
            let example = step_example(renderer, trajectory, step, config.functions);
            report.tell_all(check_example(place, "request", &step.state.request, example, config));
        }
    }
    report.rows += trajectory.steps.len();
}

/// The action against the functions and its screen.
fn check_action(place: Place<'_>, environment: &str, step: &Step, config: &CheckConfig<'_>) -> Vec<Finding> {
    let action = &step.action;
    let mut findings = Vec::new();
    let is_other = config.environment.is_some_and(|own| own != environment);
    let is_known =
        is_other || config.functions.is_empty() || config.functions.iter().any(|spec| spec.name == action.function);
    if !action.function.is_empty() && !is_known {
        let names: Vec<&str> = config.functions.iter().map(|spec| spec.name.as_str()).collect();
        let detail = format!("no such function; there are {}", names.join(", "));
        findings.push(place.finding("function", &action.function, Problem::UnknownFunction, detail));
    }
    let label = &action.control_label;
    match step.state.observation.control(label) {
        _ if label.is_empty() => {}
        None => {
            let detail = format!("not on this screen of {} controls", step.state.observation.controls.len());
            findings.push(place.finding("control_label", label, Problem::UnknownLabel, detail));
        }
        Some(control) if control.control_text != action.control_name => {
            let detail = format!("label {label} is `{}`", control.control_text);
            findings.push(place.finding("control_name", &action.control_name, Problem::WrongName, detail));
        }
        Some(control) if !control.enabled => {
            let detail = format!("`{}` is not enabled on this screen", control.control_text);
            findings.push(place.finding("control_label", label, Problem::DisabledControl, detail));
        }
        Some(_) => {}
    }
    findings
}

/// The example that the row would become.
fn check_example(
    place: Place<'_>,
    field: &'static str,
    value: &str,
    example: Result<Example, DataError>,
    config: &CheckConfig<'_>,
) -> Option<Finding> {
    match example {
        Err(error) => {
            let detail = error.to_string().lines().next().unwrap_or_default().to_owned();
            Some(place.finding(field, value, Problem::NothingToTrain, detail))
        }
        Ok(example) => {
            let length = example.input_ids.len();
            let max_length = config.max_length.filter(|max_length| length > *max_length)?;
            let detail = format!("{length} tokens are more than max_length {max_length}");
            Some(place.finding(field, value, Problem::TooLong, detail))
        }
    }
}
