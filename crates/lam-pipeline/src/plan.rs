//! What a run would do, and why, without doing it.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use crate::check::{Prepared, check_places, prepare};
use crate::decide::{Decider, Decision};
use crate::reason::{Reason, sentence};
use crate::{Pipeline, PipelineError, Registry, RunOptions, format_seconds};

/// What becomes of a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StageAction {
    /// It runs.
    Run,
    /// It runs if a stage before it makes something new.
    Maybe,
    /// Its result is there.
    Cached,
    /// Another run has made it, and its result is taken from there.
    Reuse,
    /// `--from`, `--until` or `--only` leave it out.
    LeftOut,
}

/// One stage of a plan.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PlannedStage {
    /// The stage.
    pub id: String,
    /// Its kind.
    pub kind: String,
    /// What becomes of it.
    pub action: StageAction,
    /// Why.
    pub reasons: Vec<Reason>,
    /// How long its last result took, or the one that is taken from another run, in seconds.
    pub last_duration_s: Option<f64>,
}

/// What a run would do.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plan {
    /// The pipeline.
    pub pipeline: String,
    /// Its stages, in order.
    pub stages: Vec<PlannedStage>,
}

/// What [`crate::run`] would do with these options, and why.
pub fn plan(pipeline: &Pipeline, registry: &Registry, options: &RunOptions) -> Result<Plan, PipelineError> {
    let prepared = prepare(pipeline, registry)?;
    check_places(&pipeline.run_dir(&options.runs_dir), &prepared)?;
    let stages = foresee(&mut Decider::new(pipeline, options, &prepared)?, &prepared)?;
    Ok(Plan { pipeline: pipeline.name.clone(), stages })
}

/// What becomes of each stage, as far as it is known before the first of them has run: what another run has made counts
/// as that stage's result.
pub(crate) fn foresee(
    decider: &mut Decider<'_>,
    prepared: &[Prepared<'_>],
) -> Result<Vec<PlannedStage>, PipelineError> {
    let mut results = Vec::new();
    let mut stages = Vec::new();
    for prepared in prepared {
        let decision = match decider.decide(prepared, &results)? {
            Decision::Reuse { reasons, identity, stored } if !decider.looks_whole(&stored) => {
                Decision::Run { reasons, identity: Some(identity) }
            }
            decision => decision,
        };
        let (action, reasons) = summary(&decision);
        let manifest = match decision {
            Decision::Cached(manifest) => Some(manifest),
            Decision::LeftOut(manifest) => manifest,
            Decision::Reuse { stored, .. } => Some(stored),
            Decision::Run { .. } => None,
        };
        stages.push(PlannedStage {
            id: prepared.spec.id.clone(),
            kind: prepared.spec.kind.clone(),
            action,
            reasons,
            last_duration_s: manifest.as_ref().map(|manifest| manifest.duration_s),
        });
        results.push(manifest);
    }
    Ok(stages)
}

fn summary(decision: &Decision) -> (StageAction, Vec<Reason>) {
    match decision {
        Decision::Cached(_) => (StageAction::Cached, vec![Reason::Unchanged]),
        Decision::LeftOut(_) => (StageAction::LeftOut, vec![Reason::LeftOut]),
        Decision::Reuse { stored, .. } => (StageAction::Reuse, vec![Reason::Reused { made_by: stored.made_by() }]),
        Decision::Run { reasons, identity } => {
            let only_upstream = reasons.iter().all(|reason| matches!(reason, Reason::Upstream { .. }));
            let maybe = identity.is_none() && only_upstream;
            (if maybe { StageAction::Maybe } else { StageAction::Run }, reasons.clone())
        }
    }
}

impl Plan {
    /// The plan as lines.
    pub fn to_text(&self) -> String {
        let width = self.stages.iter().map(|stage| stage.id.chars().count()).max().unwrap_or(0);
        let mut text = String::new();
        for stage in &self.stages {
            let action = match stage.action {
                StageAction::Run => "run",
                StageAction::Maybe => "run if changed",
                StageAction::Cached => "cached",
                StageAction::Reuse => "reused:",
                StageAction::LeftOut => "left out",
            };
            let took = stage.last_duration_s.map(|seconds| format!(" (took {})", format_seconds(seconds)));
            let took =
                took.filter(|_| matches!(stage.action, StageAction::Cached | StageAction::Reuse)).unwrap_or_default();
            let why = sentence(&stage.reasons);
            writeln!(text, "{:width$}  {action:14}  {why}{took}", stage.id).expect("writing to a string cannot fail");
        }
        text
    }
}
