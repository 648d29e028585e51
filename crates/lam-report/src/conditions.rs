//! Under which conditions a run's figures came about: where models acted and what decided there, who compared plans, how
//! answers were decoded, who taught. Read from the settings of its stages; what they leave out is as by default. Knows
//! environments by their names in settings alone, and no page.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::run::{Run, StageRecord};
use crate::tables::{MATCHER, Rows};

/// The kind of stage that evaluates online.
const ONLINE: &str = "eval.online";

/// Environments that differ in what is to be said of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum World {
    /// The embedded editor.
    Editor,
    /// MiniWoB++'s pages.
    Pages,
    /// An application on a desktop of its own.
    Desktop,
    /// Whatever is played over the network.
    Served,
    /// One that came later, or that somebody added.
    Other,
}

impl World {
    /// Of an environment's name; none is the embedded editor's, as in the settings.
    fn of(environment: Option<&str>) -> Self {
        match environment.unwrap_or("sim") {
            "sim" => Self::Editor,
            "web" | "web-native" => Self::Pages,
            name if name.starts_with("desktop:") => Self::Desktop,
            name if name.starts_with("remote:") || name.starts_with("ufo-aip:") => Self::Served,
            _ => Self::Other,
        }
    }

    /// What decides whether a task is fulfilled.
    pub fn decider(self) -> &'static str {
        match self {
            Self::Editor => "the final document",
            Self::Pages => "the page’s own reward",
            Self::Desktop => "what is left on the disk",
            Self::Served => "the environment’s server",
            Self::Other => "the environment",
        }
    }

    /// Why its scripted expert fails, as far as that is known here.
    pub fn limits_of_expert(self) -> Option<&'static str> {
        match self {
            Self::Editor => {
                Some("wordings it does not know, controls it looks for in the wrong place, long tasks it gives up on")
            }
            Self::Pages => Some("wordings it does not know"),
            Self::Desktop => Some("wordings it does not know, actions of its own that have no effect"),
            Self::Served | Self::Other => None,
        }
    }
}

/// Who did the tasks that phase 2 learns from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Teacher {
    /// The scripted expert of an environment.
    Script(World),
    /// An endpoint, by its name.
    Endpoint(String),
    /// Recorded trajectories, by their name.
    Recording(String),
}

/// Where models were evaluated, one step at a time or online.
pub fn evaluated_in(run: &Run) -> BTreeSet<World> {
    of_kinds(run, &["eval.step", ONLINE]).map(world).collect()
}

/// Where they acted online.
pub fn acted_in(run: &Run) -> BTreeSet<World> {
    of_kinds(run, &[ONLINE]).map(world).collect()
}

/// What decides whether a task is fulfilled in these, for a sentence.
pub fn deciders(worlds: &BTreeSet<World>) -> String {
    match worlds.is_empty() {
        true => World::Other.decider().to_owned(),
        false => worlds.iter().map(|world| world.decider()).collect::<Vec<_>>().join(" or "),
    }
}

/// Whose plans each judge compared: [`MATCHER`], or a model's name.
pub fn judges(planning: &Rows) -> BTreeMap<&str, Vec<&str>> {
    let mut judges: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (model, row) in planning {
        judges.entry(row.judge.as_deref().unwrap_or(MATCHER)).or_default().push(model);
    }
    judges
}

/// Whether a stage of this kind evaluated online with the decoding of our models left free.
pub fn is_decoded_freely(kind: &str, config: &Value) -> bool {
    kind == ONLINE && config["constrained"] == false
}

/// The stages that evaluated online with the decoding of our models constrained, and those without.
pub fn by_decoding(run: &Run) -> [Vec<&str>; 2] {
    let (free, constrained): (Vec<&StageRecord>, Vec<_>) =
        of_kinds(run, &[ONLINE]).partition(|stage| is_decoded_freely(&stage.kind, &stage.config));
    [constrained, free].map(|stages| stages.into_iter().map(|stage| stage.name.as_str()).collect())
}

/// The teachers; none where trajectories came from elsewhere.
pub fn teachers(run: &Run) -> BTreeSet<Teacher> {
    of_kinds(run, &["trajectories"]).map(teacher).collect()
}

/// Whether a model behind an endpoint was asked for anything.
pub fn asks_endpoints(run: &Run) -> bool {
    run.stages.iter().any(|stage| has_endpoint(&stage.config))
}

fn of_kinds<'r>(run: &'r Run, kinds: &'static [&'static str]) -> impl Iterator<Item = &'r StageRecord> {
    run.stages.iter().filter(|stage| kinds.contains(&stage.kind.as_str()))
}

fn world(stage: &StageRecord) -> World {
    World::of(stage.config["environment"].as_str())
}

fn teacher(stage: &StageRecord) -> Teacher {
    let choice = &stage.config["trajectories"]["teacher"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let named = |one: &Value| match text(&one["name"]) {
        name if name.is_empty() => text(&one["model"]),
        name => name,
    };
    match (choice.get("remote"), choice.get("recorded")) {
        (Some(endpoint), _) => Teacher::Endpoint(named(endpoint)),
        (None, Some(recording)) => Teacher::Recording(named(recording)),
        (None, None) => Teacher::Script(world(stage)),
    }
}

fn has_endpoint(settings: &Value) -> bool {
    match settings {
        Value::Object(fields) => fields.contains_key("base_url") || fields.values().any(has_endpoint),
        Value::Array(items) => items.iter().any(has_endpoint),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn stage(name: &str, kind: &str, config: Value) -> StageRecord {
        StageRecord { name: name.to_owned(), kind: kind.to_owned(), config, ..StageRecord::default() }
    }

    #[test]
    fn what_settings_leave_out_is_as_by_default() {
        let stages = vec![stage("eval", "eval.online", json!({})), stage("expert", "trajectories", json!({}))];
        let run = Run { stages, ..Run::default() };
        assert_eq!(acted_in(&run), BTreeSet::from([World::Editor]));
        assert_eq!(by_decoding(&run), [vec!["eval"], vec![]]);
        assert_eq!(teachers(&run), BTreeSet::from([Teacher::Script(World::Editor)]));
        assert!(!asks_endpoints(&run));
    }

    #[test]
    fn each_condition_is_told_from_the_settings() {
        let endpoint = json!({"model": "gpt-4o", "name": "", "base_url": "https://example.org/v1"});
        let teacher = json!({"environment": "web", "trajectories": {"teacher": {"remote": endpoint}}});
        let stages = vec![
            stage("steps", "eval.step", json!({"environment": "remote:ws://here/ws"})),
            stage("free", "eval.online", json!({"environment": "desktop:writer", "constrained": false})),
            stage("eval", "eval.online", json!({"environment": "web-native", "constrained": true})),
            stage("teacher", "trajectories", teacher),
        ];
        let run = Run { stages, ..Run::default() };
        assert_eq!(evaluated_in(&run), BTreeSet::from([World::Pages, World::Desktop, World::Served]));
        assert_eq!(deciders(&acted_in(&run)), "the page’s own reward or what is left on the disk");
        assert_eq!(deciders(&BTreeSet::new()), "the environment");
        assert_eq!(by_decoding(&run), [vec!["eval"], vec!["free"]]);
        assert_eq!(teachers(&run), BTreeSet::from([Teacher::Endpoint("gpt-4o".to_owned())]));
        assert!(asks_endpoints(&run));
    }
}
