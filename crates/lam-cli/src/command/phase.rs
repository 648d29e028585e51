//! `phase1` … `phase4` and other single stages: small pipelines of their own, so that caching, resume and lineage are
//! the runner's.

use std::path::{Path, PathBuf};

use lam_config::ConfigLayers;
use lam_cuda::DeviceChoice;
use lam_phase4_reinforce::{Method, PolicyConfig};
use lam_pipeline::{Pipeline, ReportTo, RunOptions, StageDraft};
use lam_signal::Failure;
use lam_store::StoreError;
use serde::Deserialize;

use super::next;
use super::pipeline::execute;
use crate::args::{ALL_STAGES, PhaseArgs, Resume, SettingArgs, StartArgs};
use crate::embedded;
use crate::hub::local;
use crate::output::Output;
use crate::registry::registry;

/// The stage that makes a model from nothing, and the table of a configuration with its settings.
const BASE: &str = "base";

/// The four phases of the paper.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Task-plan pretraining.
    One,
    /// Imitation.
    Two,
    /// Exploration and self-boosting.
    Three,
    /// Reward model and the policy.
    Four,
}

impl Phase {
    /// Its number in the paper, and in the name of the model that it makes.
    fn number(self) -> u8 {
        match self {
            Phase::One => 1,
            Phase::Two => 2,
            Phase::Three => 3,
            Phase::Four => 4,
        }
    }

    /// Where the settings of the stages stand that learn from the data that is given.
    fn trained(self) -> &'static [&'static str] {
        match self {
            Phase::One | Phase::Two => &[""],
            Phase::Three => &["train."],
            Phase::Four => &["reward.", "policy."],
        }
    }
}

/// Runs one phase from a configuration file.
pub fn run(phase: Phase, args: &PhaseArgs, device: Option<DeviceChoice>, output: &Output) -> Result<(), Failure> {
    let mut settings = settings(Some(&args.config), &args.settings.set)?;
    let has_reward_settings = settings.table().contains_key("reward");
    for part in phase.trained().iter().filter(|_| args.skip_bad) {
        settings.add_override(&format!("{part}skip_bad=true"))?;
    }
    // Where the file says how a model is made, phase 2 needs none: it starts from that one.
    let base = (phase == Phase::Two && settings.table().contains_key(BASE)).then(|| settings.take(BASE));
    let inputs = Inputs::new(&settings.take("inputs"), args, base.is_some(), output)?;
    let Inputs { model, adapter, data, exploration } = inputs;
    exploration.check(phase, args)?;
    let stages = match phase {
        Phase::One => {
            vec![stage("lam1", "phase1", [("model", model), ("adapter", adapter), ("plans", data)], settings)]
        }
        Phase::Two => {
            let made = base.filter(|_| model == [BASE]).map(|settings| stage(BASE, BASE, [], settings));
            let replay = made.iter().map(|_| format!("{BASE}/replay.jsonl")).collect();
            let inputs = [("model", model), ("adapter", adapter), ("trajectories", data), ("replay", replay)];
            made.into_iter().chain([stage("lam2", "phase2", inputs, settings)]).collect()
        }
        Phase::Three => {
            let (explore, train) = (settings.take("explore"), settings.take("train"));
            refuse_rest(&settings, args, "explore, train")?;
            let mut enlarged = data.clone();
            enlarged.push("explore/success.parquet".to_owned());
            let under = [("model", model), ("adapter", adapter)];
            let with = |inputs: Vec<_>| under.clone().into_iter().chain(inputs);
            let Exploration { planner, plans, explored, previous } = exploration;
            // A round that was not worth its cost passes the model of the round before on.
            let round: Vec<String> = previous.iter().map(|_| "explore".to_owned()).collect();
            let read = vec![("failures", data), ("explored", explored), ("planner", planner), ("plans", plans)];
            let learned = vec![("trajectories", enlarged), ("round", round), ("previous", previous)];
            vec![
                stage("explore", "phase3.explore", with(read), explore),
                stage("lam3", "phase3.train", with(learned), train),
            ]
        }
        Phase::Four => {
            let (reward, policy) = (settings.take("reward"), settings.take("policy"));
            refuse_rest(&settings, args, "reward, policy (which was `ppo` once)")?;
            let under = [("model", model), ("adapter", adapter)];
            let with = |inputs: Vec<_>| under.clone().into_iter().chain(inputs);
            let config: PolicyConfig = policy.decode()?;
            if config.method == Method::Ppo {
                let attempts = (config.anchor_weight() > 0.0).then(|| ("attempts", data.clone()));
                let read = [("reward", vec!["reward".to_owned()]), ("failures", data.clone())];
                vec![
                    stage("reward", "phase4.reward", with(vec![("trajectories", data)]), reward),
                    stage("lam4", "phase4.policy", with(read.into_iter().chain(attempts).collect()), policy),
                ]
            } else if has_reward_settings {
                let method = config.method.as_str();
                let what = format!("{}: `reward` means nothing with `method = \"{method}\"`", args.config.display());
                return Err(Failure::config(what).hint("leave the table out: `ppo` alone trains a reward model"));
            } else {
                vec![stage("lam4", "phase4.policy", with(vec![("attempts", data)]), policy)]
            }
        }
    };
    let place = Target { report_to: args.report_to.as_ref(), ..Target::new(&args.settings, &args.start, device) };
    start(stages, &place, &args.resume, output)?;
    output.next(&next::after_phase(phase.number(), &args.settings.output_dir));
    if let Some(upload) = next::sync_wandb(&args.settings.output_dir) {
        output.next(&upload);
    }
    Ok(())
}

/// Where a phase or a single stage writes, and what may go for it.
pub struct Target<'a> {
    /// The run directory.
    pub output_dir: &'a Path,
    /// Seed of the run.
    pub seed: u64,
    /// Where models compute, if it was said.
    pub device: Option<DeviceChoice>,
    /// Stages that run from the start.
    pub force: &'a [String],
    /// Trackers that figures go to, if it was said.
    pub report_to: Option<&'a ReportTo>,
}

impl<'a> Target<'a> {
    /// As it was typed; no tracker is named.
    pub fn new(settings: &'a SettingArgs, start: &'a StartArgs, device: Option<DeviceChoice>) -> Self {
        let (output_dir, force) = (settings.output_dir.as_path(), start.force.as_slice());
        Self { output_dir, seed: start.seed, device, force, report_to: None }
    }
}

/// Runs one stage; a file of settings and assignments say what it is told.
pub fn run_single<const N: usize>(
    (kind, name): (&str, &str),
    inputs: [(&str, Vec<String>); N],
    (config, set): (Option<&Path>, &[String]),
    place: &Target<'_>,
    output: &Output,
) -> Result<(), Failure> {
    start(vec![stage(name, kind, inputs, settings(config, set)?)], place, &Resume::Auto, output)
}

/// A stage with the inputs that are given.
fn stage<'a>(
    name: &str,
    kind: &str,
    inputs: impl IntoIterator<Item = (&'a str, Vec<String>)>,
    settings: ConfigLayers,
) -> StageDraft {
    let optional = ["adapter", "planner", "plans", "explored", "round", "previous", "replay"];
    let given = inputs.into_iter().filter(|(name, sources)| !optional.contains(name) || !sources.is_empty());
    let inputs = given.map(|(name, sources)| (name.to_owned(), sources)).collect();
    StageDraft { name: name.to_owned(), kind: kind.to_owned(), inputs, settings }
}

/// Runs the stages with results below the output directory.
fn start(stages: Vec<StageDraft>, place: &Target<'_>, resume: &Resume, output: &Output) -> Result<(), Failure> {
    let force = match place.force {
        named if named.iter().any(|name| name == ALL_STAGES) => stages.iter().map(|stage| stage.name.clone()).collect(),
        named => named.to_vec(),
    };
    let (runs_dir, name) = folder_and_name(place.output_dir)?;
    let pipeline = Pipeline::of_drafts(&name, place.seed, stages)?;
    lam_pipeline::check(&pipeline, &registry())?;
    let fresh = *resume == Resume::Never;
    let resume = if let Resume::From(checkpoint) = resume { Some(checkpoint.clone()) } else { None };
    let (device, report_to) = (place.device, place.report_to.cloned());
    // Beside an output directory nothing of ours is expected.
    let reuse = false;
    let place_option = "--output-dir";
    let options =
        RunOptions { runs_dir, place_option, reuse, fresh, force, resume, device, report_to, ..RunOptions::default() };
    execute(&pipeline, options, output)
}

/// The folder in which a directory lies, and its name there; `.` and `..` are looked up.
fn folder_and_name(directory: &Path) -> Result<(PathBuf, String), Failure> {
    let known = match directory.file_name() {
        Some(_) => directory.to_owned(),
        None => std::fs::canonicalize(directory).map_err(StoreError::io("find", directory))?,
    };
    let unusable = || Failure::config(format!("{}: cannot be an output directory", directory.display()));
    let name = known.file_name().and_then(|name| name.to_str()).ok_or_else(unusable)?.to_owned();
    let folder = known.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok((folder.to_owned(), name))
}

/// What a phase is given: command line first, then the file's `[inputs]`.
struct Inputs {
    model: Vec<String>,
    adapter: Vec<String>,
    data: Vec<String>,
    exploration: Exploration,
}

/// What phase 3 is given beside, in the file alone.
struct Exploration {
    /// Whose plans are followed where it explores by `plans`.
    planner: Vec<String>,
    /// The pairs whose procedures are followed where it explores by `documentation`.
    plans: Vec<String>,
    /// What the round of exploration before this one left.
    explored: Vec<String>,
    /// The model of that round, which is passed on where this one is not worth its cost.
    previous: Vec<String>,
}

impl Exploration {
    /// Refuses what another phase does not read, and a model of a round that is not named.
    fn check(&self, phase: Phase, args: &PhaseArgs) -> Result<(), Failure> {
        let Self { planner, plans, explored, previous } = self;
        let file = args.config.display();
        let given = [("planner", planner), ("plans", plans), ("explored", explored), ("previous", previous)];
        let is_other = phase != Phase::Three;
        if let Some((key, _)) = given.into_iter().find(|(_, paths)| is_other && !paths.is_empty()) {
            let what = format!("{file}: `inputs.{key}` means nothing in phase {}", phase.number());
            return Err(Failure::config(what).hint("leave it out: phase 3 alone explores"));
        }
        if explored.is_empty() && !previous.is_empty() {
            let what = format!("{file}: `inputs.previous` means nothing without `inputs.explored`");
            return Err(Failure::config(what).hint("name what the round of exploration before this one left"));
        }
        Ok(())
    }
}

/// The file's `[inputs]`.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WrittenInputs {
    model: Option<PathBuf>,
    adapter: Option<PathBuf>,
    data: Vec<PathBuf>,
    planner: Option<PathBuf>,
    plans: Vec<PathBuf>,
    explored: Vec<PathBuf>,
    previous: Option<PathBuf>,
}

impl Inputs {
    /// `may_be_made`: without a model that is named, it is the one that the stage `base` makes.
    fn new(written: &ConfigLayers, args: &PhaseArgs, may_be_made: bool, output: &Output) -> Result<Self, Failure> {
        let written: WrittenInputs = written.decode()?;
        let adapter = args.adapter.clone().or(written.adapter);
        let data = if args.data.is_empty() { &written.data } else { &args.data };
        let model = match args.model.clone().or(written.model) {
            None if !may_be_made || adapter.is_some() => return Err(missing(args, "model", "--model DIR")),
            _ if data.is_empty() => return Err(missing(args, "data", "--data PATH")),
            None => BASE.to_owned(),
            Some(model) => absolute(&local(&model, output)?)?,
        };
        Ok(Self {
            model: vec![model],
            adapter: absolute_all(adapter.as_slice())?,
            data: absolute_all(data)?,
            exploration: Exploration {
                planner: absolute_all(written.planner.as_slice())?,
                plans: absolute_all(&written.plans)?,
                explored: absolute_all(&written.explored)?,
                previous: absolute_all(written.previous.as_slice())?,
            },
        })
    }
}

fn missing(args: &PhaseArgs, key: &str, flag: &str) -> Failure {
    let what = format!("{}: no `{key}` given", args.config.display());
    Failure::config(what).hint(format!("add {flag}, or `{key}` to the file's [inputs]"))
}

fn refuse_rest(settings: &ConfigLayers, args: &PhaseArgs, known: &str) -> Result<(), Failure> {
    match settings.table().keys().next() {
        None => Ok(()),
        Some(key) => {
            let what = format!("{}: unknown table `{key}`", args.config.display());
            Err(Failure::config(what).hint(format!("this phase knows {known} and inputs")))
        }
    }
}

/// A configuration file with assignments laid over it.
fn settings(file: Option<&Path>, set: &[String]) -> Result<ConfigLayers, Failure> {
    let mut layers = ConfigLayers::new();
    if let Some(given) = file {
        let located = embedded::locate_configuration(given);
        let path = located.as_deref().unwrap_or(given);
        let text = embedded::read_text(path)
            .map_err(|error| Failure::config(format!("{}: {error}", path.display())).hint("check the path"))?;
        layers.add_text(path, &text)?;
    }
    for assignment in set {
        layers.add_override(assignment)?;
    }
    Ok(layers)
}

/// The absolute paths as text.
pub fn absolute_all(paths: &[PathBuf]) -> Result<Vec<String>, Failure> {
    paths.iter().map(|path| absolute(path)).collect()
}

/// The absolute path as text.
fn absolute(path: &Path) -> Result<String, Failure> {
    let absolute = std::path::absolute(path).map_err(StoreError::io("find", path))?;
    absolute.into_os_string().into_string().map_err(|path| Failure::config(format!("{path:?} is not UTF-8")))
}
