//! `phase1` … `phase4` and other single stages: small pipelines of their own, so that caching, resume and lineage are
//! the runner's.

use std::path::{Path, PathBuf};

use lam_config::ConfigLayers;
use lam_pipeline::{Pipeline, PipelineError, RunOptions};
use lam_signal::Failure;
use lam_store::StoreError;
use toml::{Table, Value};

use super::pipeline::execute;
use crate::args::{PhaseArgs, Resume};
use crate::embedded;
use crate::fetching::local;
use crate::output::Output;
use crate::registry::registry;

/// The four phases of the paper.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Task-plan pretraining.
    One,
    /// Imitation.
    Two,
    /// Exploration and self-boosting.
    Three,
    /// Reward model and PPO.
    Four,
}

/// Runs one phase from a configuration file.
pub fn run(phase: Phase, args: &PhaseArgs, output: &Output) -> Result<(), Failure> {
    let settings = settings(Some(&args.config), &args.set)?;
    let mut config = settings.table().clone();
    let inputs = Inputs::new(&mut config, args, output)?;
    let mut sketch = Sketch::new(&args.output_dir, args.seed, settings);
    let Inputs { model, data } = &inputs;
    match phase {
        Phase::One => sketch.stage("lam1", "phase1", &format!("model = {model}, plans = {data}"), "", config)?,
        Phase::Two => sketch.stage("lam2", "phase2", &format!("model = {model}, trajectories = {data}"), "", config)?,
        Phase::Three => {
            let (explore, train) = (part(&mut config, "explore"), part(&mut config, "train"));
            refuse_rest(&config, args, "explore, train")?;
            sketch.stage(
                "explore",
                "phase3.explore",
                &format!("model = {model}, failures = {data}"),
                "explore.",
                explore,
            )?;
            let enlarged = with(data, "explore/success.parquet");
            sketch.stage(
                "lam3",
                "phase3.train",
                &format!("model = {model}, trajectories = {enlarged}"),
                "train.",
                train,
            )?;
        }
        Phase::Four => {
            let (reward, ppo) = (part(&mut config, "reward"), part(&mut config, "ppo"));
            refuse_rest(&config, args, "reward, ppo")?;
            sketch.stage(
                "reward",
                "phase4.reward",
                &format!("model = {model}, trajectories = {data}"),
                "reward.",
                reward,
            )?;
            let inputs = format!("model = {model}, reward = \"reward\", failures = {data}");
            sketch.stage("lam4", "phase4.ppo", &inputs, "ppo.", ppo)?;
        }
    }
    sketch.run(args.resume == Resume::Never, output)
}

/// Runs one stage; `inputs` is the inside of its inline table.
pub fn run_single(
    kind: &str,
    name: &str,
    inputs: &str,
    config: Option<&Path>,
    set: &[String],
    (output_dir, seed): (&Path, u64),
    output: &Output,
) -> Result<(), Failure> {
    let settings = settings(config, set)?;
    let table = settings.table().clone();
    let mut sketch = Sketch::new(output_dir, seed, settings);
    sketch.stage(name, kind, inputs, "", table)?;
    sketch.run(false, output)
}

/// A pipeline written down on the way.
struct Sketch {
    text: String,
    runs_dir: PathBuf,
    settings: ConfigLayers,
    /// Name of each stage, and what its keys begin with in the settings.
    prefixes: Vec<(String, &'static str)>,
}

impl Sketch {
    fn new(output_dir: &Path, seed: u64, settings: ConfigLayers) -> Self {
        let name = output_dir.file_name().map_or_else(|| "manual".into(), |name| name.to_string_lossy().into_owned());
        let runs_dir = match output_dir.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => ".".into(),
        };
        let text = format!("name = {}\nseed = {seed}\n", Value::from(name));
        Self { text, runs_dir, settings, prefixes: Vec::new() }
    }

    fn stage(
        &mut self,
        name: &str,
        kind: &str,
        inputs: &str,
        prefix: &'static str,
        config: Table,
    ) -> Result<(), Failure> {
        let mut stage: Table = format!("inputs = {{ {inputs} }}").parse().map_err(Failure::runtime)?;
        stage.insert("name".into(), name.into());
        stage.insert("kind".into(), kind.into());
        stage.insert("set".into(), config.into());
        let whole = Table::from_iter([("stage".to_owned(), Value::Array(vec![Value::Table(stage)]))]);
        self.text.push_str(&format!("\n{}", toml::to_string(&whole).map_err(Failure::runtime)?));
        self.prefixes.push((name.to_owned(), prefix));
        Ok(())
    }

    fn run(self, fresh: bool, output: &Output) -> Result<(), Failure> {
        let file = Path::new("<command line>");
        let read = |path: &Path| if path == file { Ok(self.text.clone()) } else { embedded::read_text(path) };
        let pipeline = Pipeline::load_with(file, &[], &read)?;
        lam_pipeline::check(&pipeline, &registry()).map_err(|error| self.located(error))?;
        execute(&pipeline, RunOptions { runs_dir: self.runs_dir.clone(), fresh, ..RunOptions::default() }, output)
    }

    /// The error with the place where the person wrote the key, instead of the line of the sketch.
    fn located(&self, error: PipelineError) -> PipelineError {
        let PipelineError::Setting { stage, error } = error else { return error };
        let prefix = self.prefixes.iter().find(|(name, _)| *name == stage).map_or("", |(_, prefix)| prefix);
        let written = |key: &str| self.settings.origin(&format!("{prefix}{key}")).cloned();
        PipelineError::Setting { stage, error: Box::new(error.relocated(written)) }
    }
}

/// What a phase is given, as TOML values: command line first, then the file's `[inputs]`.
struct Inputs {
    model: Value,
    data: Value,
}

impl Inputs {
    fn new(config: &mut Table, args: &PhaseArgs, output: &Output) -> Result<Self, Failure> {
        let mut table = part(config, "inputs");
        let model = match (&args.model, table.remove("model")) {
            (Some(path), _) => absolute(&local(path, output)?)?,
            (None, Some(Value::String(path))) => absolute(&local(Path::new(&path), output)?)?,
            _ => return Err(missing(args, "model", "--model DIR")),
        };
        let listed = table.remove("data").and_then(|data| data.as_array().cloned()).unwrap_or_default();
        let listed = listed.iter().filter_map(Value::as_str).map(PathBuf::from).collect::<Vec<_>>();
        let paths = if args.data.is_empty() { &listed } else { &args.data };
        if paths.is_empty() {
            return Err(missing(args, "data", "--data PATH"));
        }
        let data = paths.iter().map(|path| absolute(path)).collect::<Result<Vec<_>, Failure>>()?;
        Ok(Self { model: Value::from(model), data: Value::from(data) })
    }
}

fn missing(args: &PhaseArgs, key: &str, flag: &str) -> Failure {
    let what = format!("{}: no `{key}` given", args.config.display());
    Failure::config(what).hint(format!("add {flag}, or `{key}` to the file's [inputs]"))
}

fn refuse_rest(config: &Table, args: &PhaseArgs, known: &str) -> Result<(), Failure> {
    match config.keys().next() {
        None => Ok(()),
        Some(key) => {
            let what = format!("{}: unknown table `{key}`", args.config.display());
            Err(Failure::config(what).hint(format!("this phase knows {known} and inputs")))
        }
    }
}

fn with(data: &Value, more: &str) -> Value {
    let mut paths = data.as_array().cloned().unwrap_or_default();
    paths.push(Value::from(more));
    Value::Array(paths)
}

fn part(config: &mut Table, name: &str) -> Table {
    match config.remove(name) {
        Some(Value::Table(table)) => table,
        _ => Table::new(),
    }
}

/// A configuration file with assignments laid over it.
fn settings(file: Option<&Path>, set: &[String]) -> Result<ConfigLayers, Failure> {
    let mut layers = ConfigLayers::new();
    if let Some(path) = file {
        let text = embedded::read_text(path)
            .map_err(|error| Failure::config(format!("{}: {error}", path.display())).hint("check the path"))?;
        layers.add_text(path, &text)?;
    }
    for assignment in set {
        layers.add_override(assignment)?;
    }
    Ok(layers)
}

/// The absolute path as text.
pub fn absolute(path: &Path) -> Result<String, Failure> {
    let absolute = std::path::absolute(path).map_err(StoreError::io("find", path))?;
    absolute.into_os_string().into_string().map_err(|path| Failure::config(format!("{path:?} is not UTF-8")))
}
