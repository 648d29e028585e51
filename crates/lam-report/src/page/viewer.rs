//! The trajectory viewer: its empty frame, and the sampled trajectories as compact JSON that the script draws.
//!
//! Texts and controls repeat from step to step, so they are stored once and named by number.

use std::collections::HashMap;

use lam_types::{Control, Step, Trajectory};
use maud::{Markup, PreEscaped, html};
use serde_json::{Value, json};

use super::absent;
use crate::format;
use crate::run::Run;

/// The viewer's frame.
pub fn section(run: &Run) -> Markup {
    html! {
        h2 { "Trajectories" }
        @if run.trajectories.is_empty() { (absent("a trajectory", "Collection, exploration and online evaluation write them.")) }
        @else {
            p {
                (run.trajectories.len()) " of " (format::thousands(run.trajectories_total as i64))
                ", drawn evenly over models and outcomes. The chosen control is filled; a dashed outline marks others that would have done as well."
            }
            noscript { p.absent { "The viewer needs JavaScript; the trajectories themselves stand in this page as JSON." } }
            div.viewer hidden="hidden" data-viewer {
                div.filters {
                    label { "Model " select data-filter="model" {} }
                    label { "Outcome " select data-filter="outcome" {} }
                    label { "Wording " select data-filter="phrasing" {} }
                }
                div.columns {
                    ul.list data-list aria-label="Trajectories" {}
                    article.detail data-detail aria-live="polite" {}
                }
            }
        }
    }
}

/// The data block for the script, safe inside a `<script>` element.
pub fn script_data(run: &Run) -> Markup {
    html! { script type="application/json" id="trajectory-data" { (PreEscaped(inert(&data(run)))) } }
}

/// JSON in which nothing can end the element or start another.
fn inert(json: &Value) -> String {
    let text = json.to_string();
    text.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

/// Values stored once and named by number.
#[derive(Default)]
struct Pool {
    numbers: HashMap<String, usize>,
    values: Vec<Value>,
}

impl Pool {
    fn number(&mut self, value: Value) -> usize {
        let next = self.values.len();
        let number = *self.numbers.entry(value.to_string()).or_insert(next);
        if number == next {
            self.values.push(value);
        }
        number
    }
}

fn data(run: &Run) -> Value {
    let (mut texts, mut controls) = (Pool::default(), Pool::default());
    let rows: Vec<Value> = run.trajectories.iter().map(|one| trajectory(one, &mut texts, &mut controls)).collect();
    json!({ "texts": texts.values, "controls": controls.values, "pictures": run.pictures, "trajectories": rows })
}

fn trajectory(one: &Trajectory, texts: &mut Pool, controls: &mut Pool) -> Value {
    json!({
        "id": one.trajectory_id,
        "model": one.policy.name,
        "outcome": if one.environment_error.is_some() { "environment error" } else if one.succeeded() { "success" } else { "failure" },
        "request": one.task.request,
        "family": one.task.family,
        "phrasing": one.task.phrasing.as_str(),
        "split": one.task.split.as_str(),
        "task": one.task.task_id,
        "attempt": one.attempt,
        "verdict": one.verdict,
        "error": one.environment_error,
        "steps": one.steps.iter().map(|each| step(each, texts, controls)).collect::<Vec<_>>(),
    })
}

fn step(one: &Step, texts: &mut Pool, controls: &mut Pool) -> Value {
    let screen = &one.state.observation;
    let listed: Vec<Value> =
        screen.controls.iter().map(|each| json!([each.label, controls.number(control(each))])).collect();
    json!({
        "screen": listed,
        "document": texts.number(screen.document.clone().into()),
        "selection": screen.selection,
        "action": one.action,
        "acceptable": one.acceptable_labels,
        "status": one.status.as_str(),
        "message": one.message,
        "reward": one.reward,
        "seconds": one.policy_seconds,
    })
}

fn control(one: &Control) -> Value {
    json!([one.control_type.as_str(), one.control_text, one.enabled, one.selected, one.value])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_can_leave_the_data_block() {
        let text = inert(&json!({"request": "</script><script>alert(1)</script> & \u{2028}"}));
        assert!(!text.contains('<') && !text.contains('>') && !text.contains('&') && !text.contains('\u{2028}'));
        let back: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(back["request"], "</script><script>alert(1)</script> & \u{2028}");
    }
}
