//! The trajectory viewer: its empty frame, and the episodes as compact JSON that the script draws.
//!
//! Texts and controls repeat from step to step, so they are stored once and named by number. What has no room for its
//! steps is listed with the command that prints them.

use std::collections::{BTreeSet, HashMap};

use lam_types::{Control, Observation, Step, Trajectory};
use maud::{Markup, PreEscaped, html};
use serde_json::{Value, json};

use super::absent;
use crate::format;
use crate::run::{Episode, Run};

/// Bytes of all steps in one page.
const STEPS_BYTES: usize = 6 << 20;

/// What the script is given.
pub struct Content {
    json: Value,
    /// Episodes with their steps.
    with_steps: usize,
    /// Episodes that are listed without.
    listed: usize,
}

impl Content {
    /// The episodes of a run, as many as there is room for with their steps.
    pub fn of(run: &Run) -> Self {
        let mut pools = Pools::default();
        let (mut used, mut with_steps) = (0, 0);
        let rows: Vec<Value> = run
            .episodes
            .iter()
            .map(|episode| {
                let mut row = head(episode);
                if episode.length == 0 || (!episode.trajectory.steps.is_empty() && used < STEPS_BYTES) {
                    let before = pools.bytes;
                    let steps = Value::Array(episode.trajectory.steps.iter().map(|step| pools.step(step)).collect());
                    used += steps.to_string().len() + pools.bytes - before;
                    with_steps += 1;
                    row["steps"] = steps;
                }
                row
            })
            .collect();
        let listed = rows.len() - with_steps;
        let (texts, controls) = (pools.texts.values, pools.controls.values);
        let json = json!({ "texts": texts, "controls": controls, "pictures": run.pictures, "trajectories": rows });
        Self { json, with_steps, listed }
    }

    /// The viewer's frame.
    pub fn section(&self, run: &Run) -> Markup {
        html! {
            h2 { "Trajectories" }
            @if run.episodes.is_empty() { (absent("a trajectory", "Collection, exploration and online evaluation write them.")) }
            @else {
                p {
                    "The steps of " (count(self.with_steps)) " episodes stand in this page, some of each model, family and outcome. The chosen control is filled; a dashed outline marks others that would have done as well."
                }
                (self.left_out(run))
                noscript { p.absent { "The viewer needs JavaScript; the trajectories themselves stand in this page as JSON." } }
                div.viewer hidden="hidden" data-viewer {
                    div.filters {
                        @for (key, name) in FILTERS { label { (name) " " select data-filter=(key) {} } }
                    }
                    div.columns {
                        ul.list data-list aria-label="Trajectories" {}
                        article.detail data-detail aria-live="polite" {}
                    }
                }
            }
        }
    }

    /// What the page has no room for, and where it is.
    fn left_out(&self, run: &Run) -> Markup {
        let others = run.trajectories_total.saturating_sub(self.with_steps + self.listed);
        html! {
            @if self.listed + others > 0 {
                p.note {
                    "A page holds about " (STEPS_BYTES >> 20) " MiB of steps. "
                    @if self.listed > 0 { (count(self.listed)) " more episodes of evaluations are listed, each with the command that prints it. " }
                    @if others > 0 { (count(others)) " others stand in the " a href="#data" { "data files" } " alone: " code { "lam-train data show FILE" } " prints them." }
                }
            }
        }
    }

    /// The data block for the script, safe inside a `<script>` element.
    pub fn script(&self) -> Markup {
        html! { script type="application/json" id="trajectory-data" { (PreEscaped(inert(&self.json))) } }
    }
}

/// What the list can be narrowed by: the key of a row, and what it is called.
const FILTERS: [(&str, &str); 6] = [
    ("model", "Model"),
    ("outcome", "Outcome"),
    ("family", "Family"),
    ("phrasing", "Wording"),
    ("length", "Steps"),
    ("fault", "First fault at step"),
];

fn count(number: usize) -> String {
    format::thousands(number as i64)
}

/// A link to the trajectories of a model, of a family, or of both.
pub fn link(model: Option<&str>, family: Option<&str>, words: Markup) -> Markup {
    html! { a.show href="#trajectories" data-show-model=[model] data-show-family=[family] { (words) } }
}

/// The models that the viewer has episodes of.
pub fn models(run: &Run) -> BTreeSet<&str> {
    run.episodes.iter().map(|episode| episode.model.as_str()).collect()
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
    /// The number of a value, and its bytes if it is new.
    fn number(&mut self, value: Value) -> (usize, usize) {
        let (text, next) = (value.to_string(), self.values.len());
        let bytes = text.len();
        let number = *self.numbers.entry(text).or_insert(next);
        if number < next {
            return (number, 0);
        }
        self.values.push(value);
        (number, bytes)
    }
}

/// The texts and controls of many screens.
#[derive(Default)]
pub struct Pools {
    texts: Pool,
    controls: Pool,
    bytes: usize,
}

impl Pools {
    /// The texts and controls by number.
    pub fn into_values(self) -> (Vec<Value>, Vec<Value>) {
        (self.texts.values, self.controls.values)
    }

    /// A step as the script reads it.
    pub fn step(&mut self, one: &Step) -> Value {
        let mut step = self.screen(&one.state.observation);
        let rest = json!({
            "action": one.action,
            "acceptable": one.acceptable_labels,
            "status": one.status.as_str(),
            "message": one.message,
            "reward": one.reward,
            "seconds": one.policy_seconds,
        });
        for (key, value) in rest.as_object().into_iter().flatten() {
            step[key] = value.clone();
        }
        step
    }

    /// A screen without an answer to it.
    pub fn screen(&mut self, screen: &Observation) -> Value {
        let listed: Vec<Value> =
            screen.controls.iter().map(|each| json!([each.label, self.control(control(each))])).collect();
        let (document, bytes) = self.texts.number(screen.document.clone().into());
        self.bytes += bytes;
        json!({ "screen": listed, "document": document, "selection": screen.selection })
    }

    fn control(&mut self, control: Value) -> usize {
        let (number, bytes) = self.controls.number(control);
        self.bytes += bytes;
        number
    }
}

fn control(one: &Control) -> Value {
    json!([one.control_type.as_str(), one.control_text, one.enabled, one.selected, one.value])
}

/// All of an episode but its steps. Faults are counted from 1.
fn head(episode: &Episode) -> Value {
    let one = &episode.trajectory;
    let mut head = json!({
        "id": one.trajectory_id,
        "model": episode.model,
        "outcome": outcome(one),
        "request": one.task.request,
        "family": one.task.family,
        "phrasing": one.task.phrasing.as_str(),
        "split": one.task.split.as_str(),
        "task": one.task.task_id,
        "attempt": one.attempt,
        "verdict": one.verdict,
        "error": one.environment_error,
        "length": episode.length,
        "fault": episode.fault.map_or_else(|| "none".to_owned(), |fault| (fault + 1).to_string()),
    });
    if !episode.file.is_empty() {
        head["file"] = episode.file.clone().into();
    }
    head
}

/// How an episode that is over went.
pub fn outcome(one: &Trajectory) -> &'static str {
    match (&one.environment_error, one.succeeded()) {
        (Some(_), _) => "environment error",
        (None, true) => "success",
        (None, false) => "failure",
    }
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

    #[test]
    fn what_repeats_is_stored_once() {
        let mut pool = Pool::default();
        assert_eq!(pool.number("one".into()), (0, 5));
        assert_eq!(pool.number("two".into()).0, 1);
        assert_eq!(pool.number("one".into()), (0, 0));
    }
}
