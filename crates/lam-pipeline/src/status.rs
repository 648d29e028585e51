//! What has run, where it stands, and how long it still takes. Looks at the run directory only; whether results are up to
//! date says `plan`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use lam_store::{ATTEMPT_SUFFIX, read_manifest};
use serde::Serialize;
use serde_json::Value;

use crate::attempt::Attempt;
use crate::journal::History;
use crate::lock::is_running;
use crate::remaining::{Remaining, Running, earlier, remaining};
use crate::view::work_line;
use crate::{LiveProgress, Pipeline, PipelineError, StageAction, format_seconds};

/// Where a stage stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StageState {
    /// Its result is there.
    Done,
    /// It runs now.
    Running,
    /// It began and was stopped or killed.
    Unfinished,
    /// It began and failed.
    Failed,
    /// It never began.
    Waiting,
}

impl StageState {
    fn as_str(self) -> &'static str {
        match self {
            StageState::Done => "done",
            StageState::Running => "running",
            StageState::Unfinished => "unfinished",
            StageState::Failed => "failed",
            StageState::Waiting => "waiting",
        }
    }
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
    /// How long its result took to make, or has taken so far, in seconds.
    pub duration_s: Option<f64>,
    /// How long it took when it was last made, in this run directory, in seconds; for a seed, as the other ones took.
    pub earlier_s: Option<f64>,
    /// The figures that it reported.
    pub metrics: Value,
    /// Run and stage that made its result, `pipeline/stage`, where it was taken from there.
    pub reused_from: Option<String>,
}

/// Where a pipeline's run stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Status {
    /// The pipeline.
    pub pipeline: String,
    /// Its stages, in order.
    pub stages: Vec<StageStatus>,
    /// Whether a run is under way.
    pub running: bool,
    /// What the running stage last told.
    pub progress: Option<LiveProgress>,
    /// How long the run still takes.
    pub remaining: Option<Remaining>,
}

/// Where the run of `pipeline` below `runs_dir` stands.
pub fn status(pipeline: &Pipeline, runs_dir: &Path) -> Result<Status, PipelineError> {
    let stages = pipeline.stages.iter().map(|spec| (spec.id.clone(), spec.kind.clone()));
    let run_dir = pipeline.run_dir(runs_dir);
    standing(&run_dir, &pipeline.name, stages.collect(), &History::read(&run_dir))
}

/// Where the run in `run_dir` stands, by what lies there: its pipeline need not be known.
///
/// # Errors
/// A directory without a run.
pub fn status_of_run(run_dir: &Path) -> Result<Status, PipelineError> {
    let history = History::read(run_dir);
    let planned = || history.planned.iter().map(|stage| (stage.id.clone(), stage.kind.clone()));
    let mut stages = found_in(run_dir, "")?;
    stages.retain(|(id, _)| !history.planned.iter().any(|stage| stage.id == *id));
    stages.extend(planned());
    if stages.is_empty() {
        let what = format!("{} holds no run", run_dir.display());
        return Err(PipelineError::definition(None, what, "name a pipeline, or a directory such as runs/quickstart"));
    }
    let whole = run_dir.canonicalize().unwrap_or_else(|_| run_dir.to_path_buf());
    let name = whole.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    standing(run_dir, &name, stages, &history)
}

/// The stages with a result or with unfinished work in a run directory, in the order in which they began; those of each
/// seed stand in a directory of its own.
fn found_in(run_dir: &Path, group: &str) -> Result<Vec<(String, String)>, PipelineError> {
    let mut found = Vec::new();
    let mut groups = Vec::new();
    for entry in std::fs::read_dir(run_dir.join(group)).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_seed = group.is_empty() && name.starts_with("seed-") && entry.path().is_dir();
        let stage = name.strip_suffix(ATTEMPT_SUFFIX).unwrap_or(&name);
        let (id, directory) = (Path::new(group).join(stage).display().to_string(), entry.path().with_file_name(stage));
        if is_seed {
            groups.push(name);
        } else if stage.contains('.') {
            // What a kill left behind of a result on its way; no stage is called so.
        } else if let Some(attempt) = Attempt::find(&directory)? {
            found.push((attempt.started_at, id, attempt.identity.kind));
        } else if let Some(manifest) = read_manifest(&directory)? {
            found.push((manifest.started_at, id, manifest.kind));
        }
    }
    found.sort();
    found.dedup();
    let mut stages: Vec<(String, String)> = found.into_iter().map(|(_, id, kind)| (id, kind)).collect();
    groups.sort();
    for group in groups {
        stages.extend(found_in(run_dir, &group)?);
    }
    Ok(stages)
}

fn standing(
    run_dir: &Path,
    pipeline: &str,
    stages: Vec<(String, String)>,
    history: &History,
) -> Result<Status, PipelineError> {
    let running = is_running(run_dir);
    let progress = if running { LiveProgress::read(run_dir) } else { None };
    let mut earlier_s = history.durations_s.clone();
    let mut status = Status { pipeline: pipeline.to_owned(), stages: Vec::new(), running, progress, remaining: None };
    for (id, kind) in stages {
        let directory = run_dir.join(&id);
        let attempt = Attempt::find(&directory)?;
        let manifest = read_manifest(&directory)?;
        let told = status.progress.as_ref().filter(|told| told.stage == id);
        let error = attempt.as_ref().and_then(|attempt| attempt.error.clone()).filter(|_| told.is_none());
        let state = match (&attempt, &manifest) {
            (Some(_), _) if told.is_some() => StageState::Running,
            (Some(_), _) if error.is_some() => StageState::Failed,
            (Some(_), _) => StageState::Unfinished,
            (None, Some(_)) => StageState::Done,
            (None, None) => StageState::Waiting,
        };
        let here_s = told.map_or(0.0, |told| (now_s() - told.began_at).max(0.0));
        let attempted = attempt.map(|attempt| (attempt.started_at, attempt.elapsed_s + here_s));
        let made = manifest.as_ref().map(|manifest| (manifest.started_at, manifest.duration_s));
        if let Some((_, took)) = made {
            earlier_s.insert(id.clone(), took);
        }
        let times = attempted.or(made);
        status.stages.push(StageStatus {
            id,
            kind,
            state,
            error,
            started_at: times.map(|times| times.0),
            duration_s: times.map(|times| times.1),
            earlier_s: None,
            metrics: manifest.as_ref().map_or(Value::Null, |manifest| manifest.metrics.clone()),
            reused_from: manifest.and_then(|manifest| manifest.reused_from),
        });
    }
    for stage in &mut status.stages {
        stage.earlier_s = earlier(&stage.id, &earlier_s);
    }
    status.remaining = status.left(history, &earlier_s);
    Ok(status)
}

fn now_s() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

impl Status {
    /// What is left of the run that is under way: the running stage, and those that it has still to make.
    fn left(&self, history: &History, earlier_s: &BTreeMap<String, f64>) -> Option<Remaining> {
        let told = self.progress.as_ref()?;
        let running = self.stages.iter().find(|stage| stage.state == StageState::Running)?;
        let is_to_be_made = |action: StageAction| matches!(action, StageAction::Run | StageAction::Maybe);
        let to_be_made = history.planned.iter().filter(|stage| is_to_be_made(stage.action));
        let waiting = to_be_made.filter(|stage| stage.id != running.id && !history.over.contains(&stage.id));
        let waiting: Vec<&str> = waiting.map(|stage| stage.id.as_str()).collect();
        let (id, elapsed_s) = (running.id.as_str(), running.duration_s.unwrap_or(0.0));
        Some(remaining(Running { id, elapsed_s, work_left_s: told.work_left_s() }, &waiting, earlier_s))
    }

    /// The status in lines.
    pub fn to_text(&self) -> String {
        let width = self.stages.iter().map(|stage| stage.id.chars().count()).max().unwrap_or(0);
        let mut text = String::new();
        for stage in &self.stages {
            let took = stage.duration_s.map(format_seconds).unwrap_or_default();
            let (state, more) = (stage.state.as_str(), self.more(stage));
            let line = format!("{:width$}  {state:10}  {took:>12}  {more}", stage.id);
            writeln!(text, "{}", line.trim_end()).expect("writing to a string cannot fail");
        }
        if let Some(remaining) = &self.remaining {
            writeln!(text, "{}", remaining.to_text()).expect("writing to a string cannot fail");
        }
        text
    }

    /// What there is to say of a stage beside its state.
    fn more(&self, stage: &StageStatus) -> String {
        let told = self.progress.as_ref().filter(|told| told.stage == stage.id && !told.what.is_empty());
        if let Some(told) = told {
            return work_line((&told.what, told.done, told.total), &told.message, told.work_left_s());
        }
        let before = stage.earlier_s.filter(|_| self.running && stage.state == StageState::Waiting);
        let before = before.map(|took| format!("took {} before", format_seconds(took)));
        let said = stage.error.clone().or_else(|| note(&stage.metrics)).or(before);
        let said = said.unwrap_or_else(|| figures(&stage.metrics));
        match &stage.reused_from {
            Some(made_by) if stage.state == StageState::Done && said.is_empty() => format!("reused: made by {made_by}"),
            Some(made_by) if stage.state == StageState::Done => format!("reused: made by {made_by}; {said}"),
            _ => said,
        }
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
