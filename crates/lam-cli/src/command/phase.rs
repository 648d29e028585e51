//! `phase1` … `phase4` and other single stages: small pipelines of their own, so that caching, resume and lineage are
//! the runner's.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use lam_pipeline::{Pipeline, RunOptions};
use toml::{Table, Value};

use super::pipeline::{execute, failure};
use crate::args::{PhaseArgs, Resume};
use crate::embedded;
use crate::failure::Failure;
use crate::output::Output;

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
pub fn run(phase: Phase, args: &PhaseArgs, output: &Output) -> anyhow::Result<()> {
    let mut config = read(&args.config)?;
    let inputs = Inputs::new(&mut config, args)?;
    let mut sketch = Sketch::new(&args.output_dir, args.seed);
    let Inputs { model, data } = &inputs;
    for assignment in &args.set {
        let (key, value) = lam_store::parse_assignment(assignment).map_err(Failure::config)?;
        insert(&mut config, key, value);
    }
    match phase {
        Phase::One => sketch.stage("lam1", "phase1", &format!("model = {model}, plans = {data}"), config)?,
        Phase::Two => sketch.stage("lam2", "phase2", &format!("model = {model}, trajectories = {data}"), config)?,
        Phase::Three => {
            let (explore, train) = (part(&mut config, "explore"), part(&mut config, "train"));
            refuse_rest(&config, args, "explore, train")?;
            sketch.stage("explore", "phase3.explore", &format!("model = {model}, failures = {data}"), explore)?;
            let enlarged = with(data, "explore/success.parquet");
            sketch.stage("lam3", "phase3.train", &format!("model = {model}, trajectories = {enlarged}"), train)?;
        }
        Phase::Four => {
            let (reward, ppo) = (part(&mut config, "reward"), part(&mut config, "ppo"));
            refuse_rest(&config, args, "reward, ppo")?;
            sketch.stage("reward", "phase4.reward", &format!("model = {model}, trajectories = {data}"), reward)?;
            let inputs = format!("model = {model}, reward = \"reward\", failures = {data}");
            sketch.stage("lam4", "phase4.ppo", &inputs, ppo)?;
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
) -> anyhow::Result<()> {
    let mut table = config.map_or_else(|| Ok(Table::new()), read)?;
    for assignment in set {
        let (key, value) = lam_store::parse_assignment(assignment).map_err(Failure::config)?;
        insert(&mut table, key, value);
    }
    let mut sketch = Sketch::new(output_dir, seed);
    sketch.stage(name, kind, inputs, table)?;
    sketch.run(false, output)
}

/// A pipeline written down on the way.
struct Sketch {
    text: String,
    runs_dir: PathBuf,
}

impl Sketch {
    fn new(output_dir: &Path, seed: u64) -> Self {
        let name = output_dir.file_name().map_or_else(|| "manual".into(), |name| name.to_string_lossy().into_owned());
        let runs_dir = match output_dir.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
            _ => ".".into(),
        };
        Self { text: format!("name = {}\nseed = {seed}\n", Value::from(name)), runs_dir }
    }

    fn stage(&mut self, name: &str, kind: &str, inputs: &str, config: Table) -> anyhow::Result<()> {
        let stage = Table::from_iter([
            ("name".to_owned(), Value::from(name)),
            ("kind".to_owned(), Value::from(kind)),
            ("inputs".to_owned(), Value::Table(format!("inputs = {{ {inputs} }}").parse::<Table>()?.remove("inputs").and_then(|t| t.as_table().cloned()).unwrap_or_default())),
            ("set".to_owned(), Value::Table(config)),
        ]);
        let whole = Table::from_iter([("stage".to_owned(), Value::Array(vec![Value::Table(stage)]))]);
        write!(self.text, "\n{}", toml::to_string(&whole)?)?;
        Ok(())
    }

    fn run(self, fresh: bool, output: &Output) -> anyhow::Result<()> {
        let file = Path::new("<command line>");
        let read = |path: &Path| if path == file { Ok(self.text.clone()) } else { embedded::read_text(path) };
        let pipeline = Pipeline::load_with(file, &[], &read).map_err(failure)?;
        execute(&pipeline, RunOptions { runs_dir: self.runs_dir.clone(), fresh, ..RunOptions::default() }, output)
    }
}

/// What a phase is given, as TOML values: command line first, then the file's `[inputs]`.
struct Inputs {
    model: Value,
    data: Value,
}

impl Inputs {
    fn new(config: &mut Table, args: &PhaseArgs) -> anyhow::Result<Self> {
        let mut table = part(config, "inputs");
        let model = match (&args.model, table.remove("model")) {
            (Some(path), _) => absolute(path)?,
            (None, Some(Value::String(path))) => absolute(Path::new(&path))?,
            _ => return Err(missing(args, "model", "--model DIR")),
        };
        let listed = table.remove("data").and_then(|data| data.as_array().cloned()).unwrap_or_default();
        let listed = listed.iter().filter_map(Value::as_str).map(PathBuf::from).collect::<Vec<_>>();
        let paths = if args.data.is_empty() { &listed } else { &args.data };
        if paths.is_empty() {
            return Err(missing(args, "data", "--data PATH"));
        }
        let data = paths.iter().map(|path| absolute(path)).collect::<anyhow::Result<Vec<_>>>()?;
        Ok(Self { model: Value::from(model), data: Value::from(data) })
    }
}

fn missing(args: &PhaseArgs, key: &str, flag: &str) -> anyhow::Error {
    let file = args.config.display();
    Failure::config(format!("{file}: no `{key}` given\nhint: add {flag}, or `{key}` to the file's [inputs]")).into()
}

fn refuse_rest(config: &Table, args: &PhaseArgs, known: &str) -> anyhow::Result<()> {
    match config.keys().next() {
        None => Ok(()),
        Some(key) => {
            let file = args.config.display();
            Err(Failure::config(format!("{file}: unknown table `{key}`\nhint: this phase knows {known} and inputs")).into())
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

fn insert(table: &mut Table, key: &str, value: Value) {
    match key.split_once('.') {
        None => {
            table.insert(key.to_owned(), value);
        }
        Some((first, rest)) => {
            let below = table.entry(first.to_owned()).or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(below) = below {
                insert(below, rest, value);
            }
        }
    }
}

fn read(path: &Path) -> anyhow::Result<Table> {
    let text = embedded::read_text(path).map_err(|error| Failure::config(format!("{}: {error}", path.display())))?;
    text.parse().map_err(|error| Failure::config(format!("{}: {error}", path.display())).into())
}

/// The absolute path as text.
pub fn absolute(path: &Path) -> anyhow::Result<String> {
    let absolute = std::path::absolute(path)?;
    absolute.into_os_string().into_string().map_err(|path| Failure::config(format!("{path:?} is no UTF-8")).into())
}
