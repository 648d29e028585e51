//! What a stage is to the runner: a kind, named inputs, a configuration, and one function.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lam_config::ConfigError;
use lam_signal::{Cancel, Failure, Progress};
use toml::Table;

/// One input that a stage takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputSpec {
    /// Its name in the pipeline file.
    pub name: &'static str,
    /// Whether the stage cannot run without it.
    pub required: bool,
    /// Whether it may be a list.
    pub many: bool,
}

impl InputSpec {
    /// Exactly one artifact.
    pub const fn one(name: &'static str) -> Self {
        Self { name, required: true, many: false }
    }

    /// One artifact or none.
    pub const fn optional(name: &'static str) -> Self {
        Self { name, required: false, many: false }
    }

    /// One artifact or more.
    pub const fn many(name: &'static str) -> Self {
        Self { name, required: true, many: true }
    }

    /// Any number of artifacts, none included.
    pub const fn any(name: &'static str) -> Self {
        Self { name, required: false, many: true }
    }
}

/// What a stage is told when it runs.
pub struct StageContext<'a> {
    /// Its name in the pipeline.
    pub name: &'a str,
    /// Its resolved configuration.
    pub config: Table,
    /// Its inputs by name; one that was not given is absent.
    pub inputs: BTreeMap<String, Vec<PathBuf>>,
    /// Private directory to write into. It survives a failure or a kill as long as nothing that matters changes,
    /// so that the next try goes on inside the stage, and becomes the result when the stage returns.
    pub output: &'a Path,
    /// Seed of every random stream.
    pub seed: u64,
    /// Where to report.
    pub progress: &'a dyn Progress,
    /// Looked at in every safe point; then the stage returns [`Failure::cancelled`].
    pub cancel: &'a Cancel,
}

impl StageContext<'_> {
    /// The single artifact of a required input.
    pub fn input(&self, name: &str) -> Result<&Path, Failure> {
        self.optional_input(name).ok_or_else(|| Failure::runtime(format!("input `{name}` was not given")))
    }

    /// The single artifact of an optional input.
    pub fn optional_input(&self, name: &str) -> Option<&Path> {
        self.inputs.get(name)?.first().map(PathBuf::as_path)
    }

    /// Every artifact of an input.
    pub fn input_list(&self, name: &str) -> &[PathBuf] {
        self.inputs.get(name).map_or(&[], Vec::as_slice)
    }
}

/// A kind of stage.
pub trait Stage: Send + Sync {
    /// Its name in pipeline files.
    fn kind(&self) -> &str;

    /// The inputs it takes.
    fn inputs(&self) -> &[InputSpec];

    /// Refuse a configuration before anything runs.
    fn check(&self, config: &Table) -> Result<(), ConfigError>;

    /// Refuse a resolved configuration that does not go with what the stage is given: the number of artifacts by input.
    fn check_inputs(&self, _config: &Table, _inputs: &BTreeMap<String, usize>) -> Result<(), ConfigError> {
        Ok(())
    }

    /// Files and folders outside the run that a resolved configuration names: what is in them counts for caching, as it
    /// does with inputs.
    fn files(&self, _config: &Table) -> Result<Vec<PathBuf>, ConfigError> {
        Ok(Vec::new())
    }

    /// Whether unfinished work in its private directory is something that nobody wants to lose.
    fn holds_work(&self, directory: &Path) -> bool {
        let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
        entries.into_iter().any(|entry| entry.file_name() != lam_store::CONFIG_FILE)
    }

    /// The configuration with every default filled in: it counts for caching and stands beside the result.
    fn resolve(&self, config: &Table) -> Result<Table, ConfigError> {
        self.check(config)?;
        Ok(config.clone())
    }

    /// Version of the code, as far as results depend on it: change it, and cached results are made again.
    fn code_version(&self) -> &str {
        env!("CARGO_PKG_VERSION")
    }

    /// Do the work; the returned figures stand in the manifest.
    fn run(&self, context: &StageContext<'_>) -> Result<serde_json::Value, Failure>;
}

/// `config` as the struct `C` with its defaults, back as a table: what most stages do in [`Stage::resolve`].
pub fn resolve_as<C: serde::de::DeserializeOwned + serde::Serialize>(config: &Table) -> Result<Table, ConfigError> {
    let typed: C = lam_config::decode_table(config)?;
    let text = lam_config::config_to_toml(&typed)?;
    text.parse().map_err(|error| ConfigError::refused("", format!("cannot be read again: {error}"), ""))
}

/// The kinds of stages that a pipeline may name.
#[derive(Default)]
pub struct Registry {
    stages: BTreeMap<String, Box<dyn Stage>>,
}

impl Registry {
    /// Knows no kind yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Add a kind; a later one of the same name replaces it.
    pub fn register(&mut self, stage: impl Stage + 'static) {
        self.stages.insert(stage.kind().to_string(), Box::new(stage));
    }

    /// The stage of this kind.
    pub fn get(&self, kind: &str) -> Option<&dyn Stage> {
        self.stages.get(kind).map(Box::as_ref)
    }

    /// Every kind, sorted.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        self.stages.keys().map(String::as_str)
    }
}
