//! UFO dataflow's records: a task with its steps, and the plan that was instantiated for a template. They hold no
//! screens, so they become task-plan pairs; the original pair is kept beside the instantiated one. What a judge refused
//! or an execution did not complete is a failure.

use serde_json::Value;

use super::label::{self, is_set, verdict};
use super::record::{Plan, Records, Refusal, list, optional, text};
use crate::aside::Rejection;
use crate::import::markdown;
use crate::import::numbering::unnumbered;

/// Fields that hold the steps of a task file, of UFO's dataflow and of its batch mode.
const STEPS: &[&str] = &["refined_steps", "steps", "plan"];

/// One record.
pub(super) fn read(record: &Value, file: &str, found: &mut Records) -> Result<(), Refusal> {
    let mut plans = Vec::new();
    let inside = |field: &'static str| move |(inner, reason): Refusal| (format!("{field}.{inner}"), reason);
    if record["original"].is_object() {
        let place = inside("original");
        plans.push(plan(&record["original"], "original_task", "original_steps", &[]).map_err(place)?);
    }
    let result = &record["instantiation_result"]["prefill"]["result"];
    if result.is_object() {
        let place = inside("instantiation_result.prefill.result");
        let words = ["Subtask", "subtask"];
        plans.push(plan(result, "instantiated_request", "instantiated_plan", &words).map_err(place)?);
    }
    if let Some(steps) = STEPS.iter().find(|steps| record[**steps].is_array()) {
        plans.push(plan(record, "task", steps, &[])?);
    }
    if plans.is_empty() {
        return Err((
            "original".to_owned(),
            "neither an original nor an instantiated plan, nor a task with its steps".to_owned(),
        ));
    }
    let (application, rejected) =
        (optional(record, "app"), failure(record, file).map(|reason| (Rejection::Failed, reason)));
    let complete = |plan: Plan| Plan { application: application.clone(), rejected: rejected.clone(), ..plan };
    found.plans.extend(plans.into_iter().map(complete));
    Ok(())
}

/// A task and its steps: texts, or objects with their text under one of these words.
fn plan(fields: &Value, task: &str, steps: &str, words: &[&str]) -> Result<Plan, Refusal> {
    let request = plain(&text(fields, task)?);
    let mut plan = Vec::new();
    for (index, step) in list(fields, steps)?.iter().enumerate() {
        let said = match words {
            [] => step.as_str().map(str::to_owned).ok_or_else(|| (String::new(), format!("must be text, not {step}"))),
            words => words.iter().map(|word| text(step, word)).reduce(Result::or).unwrap_or_else(|| text(step, "")),
        };
        let at = |(field, reason)| (format!("{steps}[{index}].{field}").trim_end_matches('.').to_owned(), reason);
        plan.push(plain(&said.map_err(at)?));
    }
    plan.retain(|step| !step.is_empty());
    match (request.is_empty(), plan.is_empty()) {
        (true, _) => Err((task.to_owned(), "is empty".to_owned())),
        (_, true) => Err((steps.to_owned(), "holds no step".to_owned())),
        _ => Ok(Plan { task: request, steps: plan, ..Plan::default() }),
    }
}

fn plain(step: &str) -> String {
    unnumbered(&markdown::plain(step)).to_owned()
}

/// Parts of a record, each with the error that it ended with.
const PARTS: &[&str] = &[
    "",
    "/instantiation_result",
    "/instantiation_result/choose_template",
    "/instantiation_result/prefill",
    "/instantiation_result/instantiation_evaluation",
    "/execution_result",
];

/// Why the record is a failure: by its judge, its execution, an error of one of its parts, one of its steps, or the
/// folder that it lies in.
fn failure(record: &Value, file: &str) -> Option<String> {
    let is_false = |value: &Value| verdict(value) == Some(false);
    for (part, field) in
        [("/instantiation_result/instantiation_evaluation", "judge"), ("/execution_result", "complete")]
    {
        let said = record.pointer(&format!("{part}/result/{field}")).filter(|said| !said.is_null());
        if let Some(said) = said.filter(|said| verdict(said) != Some(true)) {
            return Some(format!("`{}.result.{field}` is {said}", part.rsplit('/').next().unwrap_or(part)));
        }
    }
    let has_error = |part: &&&str| record.pointer(&format!("{part}/error")).is_some_and(is_set);
    if let Some(part) = PARTS.iter().find(has_error) {
        return Some(format!("`{}` is set", format!("{part}/error")[1..].replace('/', ".")));
    }
    let prefill = &record["instantiation_result"]["prefill"];
    let steps = prefill["result"]["instantiated_plan"].as_array().into_iter().flatten();
    if let Some(index) = steps.map(|step| &step["Success"]).position(is_false) {
        return Some(format!("`instantiated_plan[{index}].Success` is false"));
    }
    let folder = file.split('/').find(|part| part.ends_with("_fail") || part.ends_with("_unsure"));
    folder.map(|folder| format!("it lies in the folder `{folder}`")).or_else(|| label::failure(record))
}

#[cfg(test)]
mod tests {
    use super::super::record::each;
    use super::*;
    use crate::import::json::Source;

    fn found(text: &str) -> Records {
        each(Source::Text(text), &|record, found| read(record, "tasks/x.json", found))
    }

    #[test]
    fn both_plans_are_read_and_a_step_without_words_is_named() {
        let record = r#"{"app":"word","original":{"original_task":"Add a border","original_steps":["1. Go to Design.","2. Select OK."]},
            "instantiation_result":{"prefill":{"result":{"instantiated_request":"Add a border to 'x'","instantiated_plan":[{"Step":1,"Subtask":"click Design"}]}}}}"#;
        let plans: Vec<_> = found(record).plans.into_iter().map(|plan| (plan.task, plan.steps[0].clone())).collect();
        let pair = |task: &str, step: &str| (task.to_owned(), step.to_owned());
        assert_eq!(plans, [pair("Add a border", "Go to Design."), pair("Add a border to 'x'", "click Design")]);
        let faults = found(&record.replace("Subtask", "Other")).faults;
        assert_eq!(faults[0].field, "instantiation_result.prefill.result.instantiated_plan[0].subtask");
        assert_eq!(found("{}").faults.len(), 1);
        let faults = found(&record.replace("\"2. Select OK.\"", "7")).faults;
        assert_eq!(
            (faults[0].field.as_str(), faults[0].reason.as_str()),
            ("original.original_steps[1]", "must be text, not 7")
        );
    }

    #[test]
    fn task_files_are_pairs_and_failures_are_told_apart() {
        let task = r#"{"app":"word","unique_id":"5","task":"Put names into a **numbered** list","refined_steps":
            ["1. Put the cursor before the name","2. Click Numbering and pick 2. from the styles","3D view opens","10.Click OK"]}"#;
        let plan = &found(task).plans[0];
        assert_eq!(plan.task, "Put names into a numbered list");
        assert_eq!(plan.steps[1..], ["Click Numbering and pick 2. from the styles", "3D view opens", "Click OK"]);
        assert!(plan.rejected.is_none());
        let result =
            |inner: &str| format!(r#"{{"original":{{"original_task":"a b","original_steps":["Click x"]}},{inner}}}"#);
        let judged = |judge: &str| {
            result(&format!(
                r#""instantiation_result":{{"instantiation_evaluation":{{"result":{{"judge":{judge}}}}}}}"#
            ))
        };
        let executed = |inner: &str| result(&format!(r#""execution_result":{{{inner}}}"#));
        for (record, is_failure) in [
            (judged("false"), true),
            (judged("true"), false),
            (executed(r#""result":{"complete":"no"}"#), true),
            (executed(r#""result":{"complete":"unsure"}"#), true),
            (executed(r#""result":{"complete":"Yes"},"error":null"#), false),
            (executed(r#""result":null,"error":{"type":"x"}"#), true),
            (executed(r#""result":null,"error":null"#), false),
            (judged("true},\"error\":{\"type\":\"x\""), true),
            (judged("\"unsure\""), true),
            (judged("true},\"error\":\"None\",\"x\":{\"y\":1"), false),
            (result(r#""instantiation_result":{"prefill":{"result":null,"error":"timeout"}}"#), true),
            (result(r#""instantiation_result":{"choose_template":{"error":"no template"}}"#), true),
            (result(r#""instantiation_result":{"error":"x"}"#), true),
            (result(r#""error":"x""#), true),
            (result(r#""metadata":{"label":false}"#), true),
            (result(r#""error":"""#), false),
            (
                result(
                    r#""instantiation_result":{"prefill":{"result":{"instantiated_request":"a","instantiated_plan":[{"Subtask":"b","Success":false}]}}}"#,
                ),
                true,
            ),
        ] {
            assert_eq!(found(&record).plans[0].rejected.is_some(), is_failure, "{record}");
        }
        let lies = each(Source::Text(task), &|record, found| read(record, "execution_fail/x.json", found));
        assert_eq!((lies.usable, lies.plans[0].rejected.is_some()), (0, true));
    }
}
