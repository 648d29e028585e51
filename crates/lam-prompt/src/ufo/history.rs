//! What was done so far, as UFO tells it: steps of the blackboard as objects (before the third version) or as lines of
//! text, and the last step's actions where the blackboard is not kept.

use lam_types::{Args, PastAction, StepStatus};
use serde::Deserialize;
use serde_json::{Deserializer, Map, Value};

use super::functions::without_usual;
use super::slots::{self, AppSlots, part};
use crate::answer::relaxed::read_call;

/// What the third version calls an action without a function.
const NO_ACTION: &str = "no_action";

/// The actions for the sub-task at hand, oldest first.
///
/// # Errors
/// A step that cannot be read.
pub(super) fn read(slots: &AppSlots<'_>, subtask: &str) -> Result<Vec<PastAction>, String> {
    let (mut done, mut is_told) = (Vec::new(), false);
    if let Some(text) = slots.steps {
        let unread = |error| format!("the blackboard's steps: {error}");
        let steps = Deserializer::from_str(text).into_iter::<Vec<Map<String, Value>>>().next();
        for step in steps.transpose().map_err(unread)?.unwrap_or_default() {
            let of = |names: &[&str]| part(&step, names);
            // The HostAgent's steps stand there too, without a sub-task, and those of other sub-tasks.
            let own = of(&["Subtask", "subtask"]).and_then(Value::as_str);
            let Some((own, actions)) = own.zip(of(&["Action", "action_representation"])) else { continue };
            is_told = true;
            // What the user did not confirm was not done.
            let is_done = of(&["UserConfirm", "user_confirm"]).and_then(Value::as_str) != Some("No");
            if own.trim() == subtask && is_done {
                done.extend(read_actions(actions)?);
            }
        }
    }
    if is_told { Ok(done) } else { read_actions(&Value::from(slots::last_actions(slots)?)) }
}

/// One action, or a list of them; those that call nothing are left out.
fn read_actions(actions: &Value) -> Result<Vec<PastAction>, String> {
    match actions {
        Value::Null => Ok(Vec::new()),
        Value::Array(several) => several.iter().filter_map(|one| read_action(one).transpose()).collect(),
        one => Ok(read_action(one)?.into_iter().collect()),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ActionItem {
    function: String,
    #[serde(default)]
    args: Option<Args>,
    #[serde(default)]
    control_text: Option<String>,
    #[serde(default)]
    results: Map<String, Value>,
}

fn read_action(action: &Value) -> Result<Option<PastAction>, String> {
    let (function, control_name, args, failed) = match action {
        Value::String(text) => read_lines(text)?,
        object => {
            let item: ActionItem =
                serde_json::from_value(object.clone()).map_err(|error| format!("the past action {object}: {error}"))?;
            let failed = item.results.get("status").and_then(Value::as_str) == Some("error");
            (item.function, item.control_text.unwrap_or_default(), item.args.unwrap_or_default(), failed)
        }
    };
    let outcome = if failed { StepStatus::AppError } else { StepStatus::Ok };
    let args = without_usual(&function, args);
    let is_call = !function.is_empty() && function != NO_ACTION;
    Ok(is_call.then_some(PastAction { control_name, function, args, outcome }))
}

/// `[Action] name(id='1', name='Bold')`, then lines `[Target] …`, `[Status] …`, `[Error] …`, `[Result] …`.
fn read_lines(text: &str) -> Result<(String, String, Args, bool), String> {
    let unread = |reason: &str| format!("the past action `{text}`: {reason}");
    let call = text.strip_prefix("[Action] ").ok_or_else(|| unread("it does not begin with `[Action] `"))?;
    let (function, mut args) = match call.starts_with('(') {
        true => (String::new(), Args::new()),
        false => read_call(call).map_err(|reason| unread(&reason))?,
    };
    let name = if args.shift_remove("id").is_some() { args.shift_remove("name") } else { None };
    let name = name.and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default();
    let failed = text.lines().find_map(|line| line.strip_prefix("[Status] ")).is_some_and(|status| {
        // Some versions of Python write the name of the class too.
        status.to_lowercase().ends_with("failure")
    });
    Ok((function, name, args, failed))
}
