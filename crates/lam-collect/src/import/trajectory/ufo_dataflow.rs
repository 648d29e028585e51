//! UFO dataflow's records: a task, and the plan that was instantiated for a template. They hold no screens, so they
//! become task-plan pairs; the original pair is kept beside the instantiated one.

use serde_json::Value;

use super::record::{Plan, Records, Refusal, list, optional, text};

/// One record.
pub(super) fn read(record: &Value, found: &mut Records) -> Result<(), Refusal> {
    let application = optional(record, "app");
    let (before, place) =
        (found.plans.len(), |field: &str, (inner, reason): Refusal| (format!("{field}.{inner}"), reason));
    let original = &record["original"];
    if original.is_object() {
        let task = text(original, "original_task").map_err(|fault| place("original", fault))?;
        let steps = list(original, "original_steps").map_err(|fault| place("original", fault))?;
        let steps: Vec<String> = steps.iter().filter_map(Value::as_str).map(unnumbered).collect();
        push(&application, task, steps, found);
    }
    let result = &record["instantiation_result"]["prefill"]["result"];
    if result.is_object() {
        let at = |fault| place("instantiation_result.prefill.result", fault);
        let task = text(result, "instantiated_request").map_err(at)?;
        let mut steps = Vec::new();
        for (index, step) in list(result, "instantiated_plan").map_err(at)?.iter().enumerate() {
            let said = text(step, "Subtask").or_else(|_| text(step, "subtask"));
            steps.push(said.map_err(|(field, reason)| at((format!("instantiated_plan[{index}].{field}"), reason)))?);
        }
        push(&application, task, steps, found);
    }
    match found.plans.len() > before {
        true => Ok(()),
        false => Err(("original".to_owned(), "neither an original nor an instantiated plan with steps".to_owned())),
    }
}

fn push(application: &str, task: String, steps: Vec<String>, found: &mut Records) {
    if !steps.is_empty() && !task.trim().is_empty() {
        found.plans.push(Plan { application: application.to_owned(), task, steps });
    }
}

/// `Select OK.` of `3. Select OK.`
fn unnumbered(step: &str) -> String {
    let rest = step.trim_start_matches(|character: char| character.is_ascii_digit());
    let rest = if rest.len() < step.len() { rest.trim_start_matches(['.', ')']) } else { step };
    rest.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::record::each;
    use super::*;

    #[test]
    fn both_plans_are_read_and_a_step_without_words_is_named() {
        let record = r#"{"app":"word","original":{"original_task":"Add a border","original_steps":["1. Go to Design.","2. Select OK."]},
            "instantiation_result":{"prefill":{"result":{"instantiated_request":"Add a border to 'x'","instantiated_plan":[{"Step":1,"Subtask":"click Design"}]}}}}"#;
        let found = each(record, read);
        let plans: Vec<_> = found.plans.iter().map(|plan| (plan.task.as_str(), plan.steps[0].as_str())).collect();
        assert_eq!(plans, [("Add a border", "Go to Design."), ("Add a border to 'x'", "click Design")]);
        let bad = record.replace("Subtask", "Other");
        let faults = each(&bad, read).faults;
        assert_eq!(faults[0].field, "instantiation_result.prefill.result.instantiated_plan[0].subtask");
        assert_eq!(each("{}", read).faults.len(), 1);
    }
}
