//! What has run, and where it stands. Looks at the run directory only; whether results are up to date says `plan`.

use std::fmt::Write;
use std::path::Path;

use lam_store::read_manifest;
use serde::Serialize;
use serde_json::Value;

use crate::attempt::Attempt;
use crate::{Pipeline, PipelineError, format_seconds};

/// Where a stage stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StageState {
    /// Its result is there.
    Done,
    /// It began and was stopped or killed.
    Unfinished,
    /// It began and failed.
    Failed,
    /// It never began.
    Waiting,
}

/// One stage.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StageStatus {
    /// The stage.
    pub id: String,
    /// Its kind.
    pub kind: String,
    /// Where it stands.
    pub state: StageState,
    /// How it failed.
    pub error: Option<String>,
    /// When it began, seconds since 1970.
    pub started_at: Option<u64>,
    /// How long its result took to make, in seconds.
    pub duration_s: Option<f64>,
    /// The figures that it reported.
    pub metrics: Value,
}

/// Where a pipeline's run stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Status {
    /// The pipeline.
    pub pipeline: String,
    /// Its stages, in order.
    pub stages: Vec<StageStatus>,
}

/// Where the run of `pipeline` below `runs_dir` stands.
pub fn status(pipeline: &Pipeline, runs_dir: &Path) -> Result<Status, PipelineError> {
    let run_dir = pipeline.run_dir(runs_dir);
    let mut stages = Vec::new();
    for spec in &pipeline.stages {
        let directory = run_dir.join(&spec.id);
        let attempt = Attempt::find(&directory)?;
        let manifest = read_manifest(&directory)?;
        let error = attempt.as_ref().and_then(|attempt| attempt.error.clone());
        let state = match (&attempt, &manifest) {
            (Some(_), _) if error.is_some() => StageState::Failed,
            (Some(_), _) => StageState::Unfinished,
            (None, Some(_)) => StageState::Done,
            (None, None) => StageState::Waiting,
        };
        let attempted = attempt.map(|attempt| (attempt.started_at, attempt.elapsed_s));
        let times = attempted.or(manifest.as_ref().map(|manifest| (manifest.started_at, manifest.duration_s)));
        stages.push(StageStatus {
            id: spec.id.clone(),
            kind: spec.kind.clone(),
            state,
            error,
            started_at: times.map(|times| times.0),
            duration_s: times.map(|times| times.1),
            metrics: manifest.map_or(Value::Null, |manifest| manifest.metrics),
        });
    }
    Ok(Status { pipeline: pipeline.name.clone(), stages })
}

impl Status {
    /// The status in lines.
    pub fn to_text(&self) -> String {
        let width = self.stages.iter().map(|stage| stage.id.chars().count()).max().unwrap_or(0);
        let mut text = String::new();
        for stage in &self.stages {
            let state = match stage.state {
                StageState::Done => "done",
                StageState::Unfinished => "unfinished",
                StageState::Failed => "failed",
                StageState::Waiting => "waiting",
            };
            let took = stage.duration_s.map(format_seconds).unwrap_or_default();
            let more = stage.error.clone().or_else(|| note(&stage.metrics)).unwrap_or_else(|| figures(&stage.metrics));
            let line = format!("{:width$}  {state:10}  {took:>12}  {more}", stage.id);
            writeln!(text, "{}", line.trim_end()).expect("writing to a string cannot fail");
        }
        text
    }
}

/// What a stage has to say of its own result, such as why it did nothing.
fn note(metrics: &Value) -> Option<String> {
    metrics.get("note")?.as_str().map(str::to_owned)
}

/// The first few numbers among the figures.
fn figures(metrics: &Value) -> String {
    let numbers = metrics.as_object().into_iter().flatten().filter(|(_, value)| value.is_number());
    let shown = numbers.take(4).map(|(name, value)| match value.as_f64() {
        Some(number) if !(value.is_i64() || value.is_u64()) => format!("{name} {number:.4}"),
        _ => format!("{name} {value}"),
    });
    shown.collect::<Vec<_>>().join(", ")
}
