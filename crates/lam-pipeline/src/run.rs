//! Runs a pipeline: stage by stage, only what is not done, so that a kill at any moment loses one stage's step at most.

mod share;

use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lam_config::config_to_toml;
use lam_signal::{Details, Failure, FaultKind};
use lam_store::{
    CONFIG_FILE, MANIFEST_VERSION, Manifest, OutputFile, StagingDir, StoreError, record_files, write_atomic,
};
use serde_json::{Value, json};

use crate::attempt::Attempt;
use crate::check::{Prepared, check_places, prepare};
use crate::decide::{Decider, Decision};
use crate::file::InputSource;
use crate::fingerprint::Identity;
use crate::journal::EventJournal;
use crate::live_progress::ProgressFile;
use crate::lock::RunLock;
use crate::plan::{PlannedStage, foresee};
use crate::processor::processor_seconds;
use crate::reason::{Reason, sentence};
use crate::recorder::{Recorder, untold};
use crate::summary::{Outcome, RunSummary, StageOutcome};
use crate::tracker::{LoopInfo, RunState, StageTrackers};
use crate::view::{StageView, View};
use crate::{Pipeline, PipelineError, Registry, RunOptions, StageContext};

/// Run what is not done yet.
pub fn run(
    pipeline: &Pipeline,
    registry: &Registry,
    options: &RunOptions,
    view: &dyn View,
) -> Result<RunSummary, PipelineError> {
    let prepared = prepare(pipeline, registry)?;
    let run_dir = pipeline.run_dir(&options.runs_dir);
    let taken = take_place(&run_dir, options, &prepared);
    let (_lock, mut journal) = taken.map_err(|error| error.with_place_option(options.place_option))?;
    let mut decider = Decider::new(pipeline, options, &prepared)?;
    let planned = foresee(&mut decider, &prepared)?;
    refuse_losses(&planned, pipeline, options)?;
    journal.write_plan(&planned)?;
    let mut runner = Runner { pipeline, registry, options, view, decider, journal, run_dir, results: Vec::new() };
    let mut stages = Vec::new();
    for prepared in &prepared {
        stages.push(runner.step(prepared)?);
    }
    Ok(RunSummary { pipeline: pipeline.name.clone(), run_dir: runner.run_dir, stages })
}

/// Makes the run directory this run's own, as it was before a crash between two renames.
fn take_place(
    run_dir: &Path,
    options: &RunOptions,
    prepared: &[Prepared<'_>],
) -> Result<(RunLock, EventJournal), PipelineError> {
    check_places(run_dir, prepared)?;
    fs::create_dir_all(run_dir).map_err(StoreError::io("create directory", run_dir))?;
    let lock = RunLock::take(run_dir)?;
    let journal = EventJournal::open(run_dir, options.now)?;
    for stage in prepared {
        StagingDir::recover(&run_dir.join(&stage.spec.id))?;
    }
    Ok((lock, journal))
}

/// Finished results are not replaced because a setting or a file changed: somebody has to say so.
fn refuse_losses(planned: &[PlannedStage], pipeline: &Pipeline, options: &RunOptions) -> Result<(), PipelineError> {
    let is_lost = |reason: &Reason| matches!(reason, Reason::Standing { .. });
    let stages: Vec<(String, String)> = planned
        .iter()
        .filter(|stage| stage.reasons.iter().any(is_lost))
        .map(|stage| {
            let why: Vec<Reason> = stage.reasons.iter().filter(|reason| !is_lost(reason)).cloned().collect();
            (stage.id.clone(), sentence(&why))
        })
        .collect();
    if stages.is_empty() {
        return Ok(());
    }
    let place = format!("another {}", options.place_option);
    // A single stage is of no file that has a name.
    let is_named = !pipeline.file.as_os_str().is_empty();
    let elsewhere = if is_named { format!("{place}, or `--set name=…`") } else { place };
    Err(PipelineError::Losses { stages, elsewhere })
}

/// What became of a stage.
struct Became {
    outcome: Outcome,
    reasons: Vec<Reason>,
    manifest: Option<Box<Manifest>>,
    /// Processor time of all tries at it, in seconds, where it ran.
    processor_s: Option<f64>,
}

impl Became {
    fn without_work(outcome: Outcome, reason: Reason, manifest: Option<Box<Manifest>>) -> Self {
        Self { outcome, reasons: vec![reason], manifest, processor_s: None }
    }
}

/// What a manifest says of a result besides its identity and its names.
struct Made {
    files: Vec<OutputFile>,
    output_hash: String,
    metrics: Value,
    started_at: u64,
    duration_s: f64,
    arithmetic: String,
    reused_from: Option<String>,
}

struct Runner<'a> {
    pipeline: &'a Pipeline,
    registry: &'a Registry,
    options: &'a RunOptions,
    view: &'a dyn View,
    decider: Decider<'a>,
    journal: EventJournal,
    run_dir: PathBuf,
    results: Vec<Option<Box<Manifest>>>,
}

impl Runner<'_> {
    /// Bring one stage to its result, or say why it is left out.
    fn step(&mut self, prepared: &Prepared<'_>) -> Result<StageOutcome, PipelineError> {
        let destination = self.run_dir.join(&prepared.spec.id);
        let decision = self.decider.decide(prepared, &self.results)?;
        self.decider.origins.save(&self.run_dir)?;
        let became = match decision {
            Decision::LeftOut(manifest) => Became::without_work(Outcome::LeftOut, Reason::LeftOut, manifest),
            Decision::Cached(manifest) => {
                Attempt::discard(&destination)?;
                self.tell_trackers_chosen_since(prepared, &manifest);
                self.share_if_new(prepared, &manifest, &destination);
                Became::without_work(Outcome::Cached, Reason::Unchanged, Some(manifest))
            }
            Decision::Reuse { reasons, identity, stored } => {
                match self.take(prepared, &identity, &stored, &destination)? {
                    Some(manifest) => {
                        let reason = Reason::Reused { made_by: manifest.made_by() };
                        Became::without_work(Outcome::Reused, reason, Some(Box::new(manifest)))
                    }
                    None => self.make(prepared, &identity, &destination, reasons)?,
                }
            }
            Decision::Run { reasons, identity: Some(identity) } => {
                self.make(prepared, &identity, &destination, reasons)?
            }
            Decision::Run { reasons, identity: None } => {
                let waits_for = reasons.iter().find_map(|reason| match reason {
                    Reason::Upstream { stages } => stages.first().cloned(),
                    _ => None,
                });
                return Err(PipelineError::NoResult { stage: waits_for.unwrap_or_default() });
            }
        };
        let stage = self.finished(prepared, &became)?;
        self.results.push(became.manifest);
        Ok(stage)
    }

    /// Run the stage, and keep its result for other runs too.
    fn make(
        &mut self,
        prepared: &Prepared<'_>,
        identity: &Identity,
        destination: &Path,
        reasons: Vec<Reason>,
    ) -> Result<Became, PipelineError> {
        let (manifest, processor_s) = self.execute(prepared, identity, destination, &reasons)?;
        self.share(prepared, &manifest, destination);
        let manifest = Some(Box::new(manifest));
        Ok(Became { outcome: Outcome::Ran, reasons, manifest, processor_s: Some(processor_s) })
    }

    fn finished(&mut self, prepared: &Prepared<'_>, became: &Became) -> Result<StageOutcome, PipelineError> {
        let manifest = became.manifest.as_deref();
        let stage = StageOutcome {
            id: prepared.spec.id.clone(),
            kind: prepared.spec.kind.clone(),
            outcome: became.outcome,
            why: sentence(&became.reasons),
            duration_s: manifest.map_or(0.0, |manifest| manifest.duration_s),
            reused_from: manifest.and_then(|manifest| manifest.reused_from.clone()),
            metrics: manifest.map_or(Value::Null, |manifest| manifest.metrics.clone()),
        };
        let mut details = json!({ "duration_s": stage.duration_s, "why": stage.why });
        if let Some(processor_s) = became.processor_s {
            details["processor_s"] = json!(processor_s);
        }
        self.journal.write(&stage.id, stage.outcome.event(), &details)?;
        self.view.finished(&self.stage_view(prepared, &stage.why), &stage);
        Ok(stage)
    }

    fn stage_view<'b>(&self, prepared: &'b Prepared<'_>, why: &'b str) -> StageView<'b> {
        let number = self.results.len() + 1;
        StageView { number, total: self.pipeline.stages.len(), id: &prepared.spec.id, kind: &prepared.spec.kind, why }
    }

    /// Run a stage in its private directory; on success that becomes the result, told with the processor time of all
    /// tries at it, in seconds.
    fn execute(
        &mut self,
        prepared: &Prepared<'_>,
        identity: &Identity,
        destination: &Path,
        reasons: &[Reason],
    ) -> Result<(Manifest, f64), PipelineError> {
        let why = sentence(reasons);
        self.stop_if_asked(prepared)?;
        self.refuse_stranded(prepared, destination, reasons)?;
        let (staging, mut attempt) = self.open(identity, destination, reasons.contains(&Reason::Forced))?;
        write_config(prepared, staging.path())?;
        self.journal.write(
            &prepared.spec.id,
            "started",
            &json!({ "why": why, "fingerprint": identity.fingerprint() }),
        )?;
        self.view.started(&self.stage_view(prepared, &why));

        let (began, used) = ((self.options.now)(), processor_seconds());
        let result = self.call(prepared, staging.path());
        attempt.elapsed_s += seconds_between(began, (self.options.now)());
        attempt.processor_s += processor_seconds() - used;
        match result {
            Ok(metrics) => {
                let (files, output_hash) = record_files(staging.path())?;
                let made = Made {
                    files,
                    output_hash,
                    metrics,
                    started_at: attempt.started_at,
                    duration_s: attempt.elapsed_s,
                    arithmetic: self.options.arithmetic.clone(),
                    reused_from: None,
                };
                let manifest = self.manifest(prepared, identity, made);
                manifest.write(staging.path())?;
                staging.commit()?;
                Attempt::discard(destination)?;
                Ok((manifest, attempt.processor_s))
            }
            Err(failure) => {
                attempt.error = (failure.kind() != FaultKind::Cancelled).then(|| failure.to_string());
                attempt.refused_its_input = matches!(failure.kind(), FaultKind::Config | FaultKind::Data);
                // The stage's own error is the one to tell, even where the disk is full.
                let _ = attempt.save(destination);
                let kept = staging.path().to_path_buf();
                Err(self.stopped(prepared, failure, Some(kept)))
            }
        }
    }

    /// The private directory of a stage: with earlier unfinished work if it fits, else empty.
    fn open(
        &self,
        identity: &Identity,
        destination: &Path,
        forced: bool,
    ) -> Result<(StagingDir, Attempt), PipelineError> {
        let anew = self.options.fresh || forced;
        let fits = |found: &Attempt| found.identity.fingerprint() == identity.fingerprint();
        let found = if anew { None } else { Attempt::find(destination)?.filter(fits) };
        let staging = match &found {
            Some(_) => StagingDir::open(destination)?,
            None => {
                Attempt::discard(destination)?;
                StagingDir::open_empty(destination)?
            }
        };
        let started_at = seconds_between(UNIX_EPOCH, (self.options.now)()) as u64;
        let fresh = Attempt {
            identity: identity.clone(),
            started_at,
            elapsed_s: 0.0,
            processor_s: 0.0,
            error: None,
            refused_its_input: false,
        };
        let attempt = found.map_or(fresh, |found| Attempt { error: None, refused_its_input: false, ..found });
        attempt.save(destination)?;
        Ok((staging, attempt))
    }

    /// Unfinished work is not thrown away because a setting or a file changed: somebody has to say so.
    fn refuse_stranded(
        &mut self,
        prepared: &Prepared<'_>,
        destination: &Path,
        reasons: &[Reason],
    ) -> Result<(), PipelineError> {
        let differences = reasons.iter().find_map(|reason| match reason {
            Reason::Stranded { differences } => Some(differences),
            _ => None,
        });
        let Some(differences) = differences else { return Ok(()) };
        let name = &prepared.spec.name;
        let details = Details::new("its unfinished work was made otherwise").because(sentence(differences)).hint(
            format!("undo the change, or start the stage over with `--force {name}` (a phase: `--resume never`)"),
        );
        let failure = Failure::new(FaultKind::Resume, details);
        Err(self.stopped(prepared, failure, Some(StagingDir::work_path(destination))))
    }

    fn call(&self, prepared: &Prepared<'_>, output: &Path) -> Result<Value, Failure> {
        let path_of = |source: &InputSource| match source {
            InputSource::External(path) => path.clone(),
            InputSource::Stage { index, below } => {
                let result = self.run_dir.join(&self.pipeline.stages[*index].id);
                if below.as_os_str().is_empty() { result } else { result.join(below) }
            }
        };
        let inputs = prepared.spec.inputs.iter();
        let inputs: BTreeMap<String, Vec<PathBuf>> =
            inputs.map(|(name, sources)| (name.clone(), sources.iter().map(path_of).collect())).collect();
        let file = ProgressFile::begin(&self.run_dir, &prepared.spec.id, self.options.now);
        let recorder = Recorder::new(self.view.progress(), output, file, self.trackers(prepared));
        let context = StageContext {
            name: &prepared.spec.name,
            inputs,
            output,
            seed: prepared.spec.seed,
            resume: self.decider.checkpoint(prepared.spec),
            device: self.options.device.unwrap_or(self.pipeline.device),
            environments: self.registry.environments(),
            model_name_of: &|kind| self.registry.model_name(kind),
            progress: &recorder,
            cancel: &self.options.cancel,
        };
        let result = catch_unwind(AssertUnwindSafe(|| prepared.configured.run(&context))).unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
            Err(Failure::new(FaultKind::Runtime, Details::new("the stage panicked").because(text)))
        });
        recorder.finish(match &result {
            Ok(_) => RunState::Finished,
            Err(failure) if failure.kind() == FaultKind::Cancelled => RunState::Killed,
            Err(_) => RunState::Failed,
        });
        result
    }

    /// The trackers that a stage's figures go to.
    fn trackers(&self, prepared: &Prepared<'_>) -> StageTrackers {
        let spec = prepared.spec;
        let chosen = [&self.options.report_to, &spec.report_to, &self.pipeline.report_to];
        let report_to = chosen.into_iter().flatten().next().cloned().unwrap_or_default();
        let info = LoopInfo {
            pipeline: self.pipeline.name.clone(),
            name: spec.id.clone(),
            kind: spec.kind.clone(),
            seed: spec.seed,
            settings: prepared.configured.table().clone(),
        };
        StageTrackers::new(&self.run_dir, info, &report_to)
    }

    /// A finished stage is told to trackers that did not exist for it when it ran.
    fn tell_trackers_chosen_since(&self, prepared: &Prepared<'_>, manifest: &Manifest) {
        if let Err(error) = self.trackers(prepared).catch_up(ended_at(manifest)) {
            self.view.progress().note(&untold(&error));
        }
    }

    fn manifest(&self, prepared: &Prepared<'_>, identity: &Identity, made: Made) -> Manifest {
        let spec = prepared.spec;
        let group = spec.id.strip_suffix(&spec.name).unwrap_or("").trim_end_matches('/');
        let pipeline = Path::new(&self.pipeline.name).join(group).display().to_string();
        Manifest {
            format_version: MANIFEST_VERSION,
            producer: concat!("lam-train ", env!("CARGO_PKG_VERSION")).to_string(),
            pipeline: pipeline.trim_end_matches('/').to_string(),
            stage: spec.name.clone(),
            kind: identity.kind.clone(),
            seed: identity.seed,
            code: identity.code.clone(),
            config: identity.config.clone(),
            config_hash: identity.config_hash(),
            inputs: identity.inputs.clone(),
            fingerprint: identity.fingerprint(),
            output_hash: made.output_hash,
            files: made.files,
            metrics: made.metrics,
            started_at: made.started_at,
            duration_s: made.duration_s,
            arithmetic: made.arithmetic,
            reused_from: made.reused_from,
        }
    }

    fn stop_if_asked(&mut self, prepared: &Prepared<'_>) -> Result<(), PipelineError> {
        if self.options.cancel.is_cancelled() {
            return Err(self.stopped(prepared, Failure::cancelled(), None));
        }
        Ok(())
    }

    fn stopped(&mut self, prepared: &Prepared<'_>, failure: Failure, kept: Option<PathBuf>) -> PipelineError {
        let event = if failure.kind() == FaultKind::Cancelled { "stopped" } else { "failed" };
        let error = failure.to_string();
        // The stage's own error is the one to tell, even where the disk is full.
        let _ = self.journal.write(&prepared.spec.id, event, &json!({ "error": error }));
        self.view.stopped(&self.stage_view(prepared, ""), &error);
        PipelineError::Stage { stage: prepared.spec.id.clone(), failure, kept }
    }
}

/// When a result was whole, in seconds since 1970.
fn ended_at(manifest: &Manifest) -> f64 {
    manifest.started_at as f64 + manifest.duration_s
}

/// The resolved settings, beside the result.
fn write_config(prepared: &Prepared<'_>, directory: &Path) -> Result<(), PipelineError> {
    let config = config_to_toml(prepared.configured.table())?;
    Ok(write_atomic(&directory.join(CONFIG_FILE), config.as_bytes())?)
}

fn seconds_between(from: SystemTime, to: SystemTime) -> f64 {
    to.duration_since(from).unwrap_or(Duration::ZERO).as_secs_f64()
}
