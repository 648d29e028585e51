//! What a stage is: a kind, named inputs, settings, checks, and one function. Its crate writes it; the runner calls it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lam_config::ConfigError;
use lam_cuda::DeviceChoice;
use lam_env::{Application, Environments};
use lam_signal::{Cancel, Failure, Monitor, Progress};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// One input that a stage takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputSpec {
    /// Its name in the pipeline file.
    pub name: &'static str,
    /// Whether the stage cannot run without it.
    pub required: bool,
    /// Whether it may be a list.
    pub many: bool,
    /// Whether it is a table: a Parquet file, or a directory with one.
    pub is_table: bool,
}

impl InputSpec {
    /// Exactly one artifact.
    pub const fn one(name: &'static str) -> Self {
        Self { name, required: true, many: false, is_table: false }
    }

    /// One artifact or none.
    pub const fn optional(name: &'static str) -> Self {
        Self { name, required: false, many: false, is_table: false }
    }

    /// One artifact or more.
    pub const fn many(name: &'static str) -> Self {
        Self { name, required: true, many: true, is_table: false }
    }

    /// Any number of artifacts, none included.
    pub const fn any(name: &'static str) -> Self {
        Self { name, required: false, many: true, is_table: false }
    }

    /// Of tables, which is looked at before anything runs.
    pub const fn of_tables(self) -> Self {
        Self { is_table: true, ..self }
    }
}

/// Number of artifacts by input.
#[derive(Clone, Debug, Default)]
pub struct InputCounts(pub(crate) BTreeMap<String, usize>);

impl InputCounts {
    /// How many artifacts the input called `name` has.
    pub fn of(&self, name: &str) -> usize {
        self.0.get(name).copied().unwrap_or(0)
    }
}

/// What a stage is told when it runs.
pub struct StageContext<'a> {
    /// Its name in the pipeline.
    pub name: &'a str,
    /// Its inputs by name; one that was not given is absent.
    pub inputs: BTreeMap<String, Vec<PathBuf>>,
    /// Private directory to write into. It survives a failure or a kill as long as nothing that matters changes,
    /// so that the next try resumes inside the stage, and becomes the result when the stage returns.
    pub output: &'a Path,
    /// Seed of every random stream.
    pub seed: u64,
    /// The checkpoint from which it resumes, where somebody named one.
    pub resume: Option<&'a Path>,
    /// On which device its models compute.
    pub device: DeviceChoice,
    /// The environments, by name.
    pub environments: &'a Environments,
    /// What the model that a stage of this kind makes is called.
    pub model_name_of: &'a dyn Fn(&str) -> Option<&'static str>,
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

    /// Every artifact of an input as a file; a directory stands for the file in it that is called `file`.
    pub fn input_files(&self, name: &str, file: &str) -> Vec<PathBuf> {
        let as_file = |path: &PathBuf| if path.is_dir() { path.join(file) } else { path.clone() };
        self.input_list(name).iter().map(as_file).collect()
    }

    /// The environment called `name`.
    pub fn open(&self, name: &str) -> Result<Box<dyn Application>, Failure> {
        self.environments.open(name)
    }

    /// Progress and cancellation of the work.
    pub fn monitor(&self) -> Monitor<'_> {
        Monitor { progress: self.progress, cancel: self.cancel }
    }
}

/// A stage's settings: keys with defaults, and the documentation of each as its help.
pub trait Settings: Default + DeserializeOwned + Serialize + JsonSchema + Send + Sync + 'static {}

impl<S: Default + DeserializeOwned + Serialize + JsonSchema + Send + Sync + 'static> Settings for S {}

/// A kind of stage.
pub trait Stage: Send + Sync + 'static {
    /// What it may be told.
    type Settings: Settings;

    /// Its name in pipeline files.
    fn kind(&self) -> &'static str;

    /// The crate whose code makes its results: `env!("CARGO_PKG_NAME")`.
    fn crate_name(&self) -> &'static str;

    /// The inputs it takes.
    fn inputs(&self) -> &'static [InputSpec];

    /// What the model that it makes is called in tables, if it makes one.
    fn model_name(&self) -> Option<&'static str> {
        None
    }

    /// Below its private directory, what took long to make and nobody wants to lose.
    fn work(&self) -> &'static [&'static str] {
        &[]
    }

    /// The environment that it acts in or reads: it must be known, its code and its file count for caching.
    fn environment<'s>(&self, _settings: &'s Self::Settings) -> Option<&'s str> {
        None
    }

    /// Other files and folders outside the run that the settings name, with their keys: what is in them counts for
    /// caching, as it does with inputs. One that is not where lam-train runs is looked for beside the file that names
    /// it, before [`Stage::check`], which refuses what is nowhere.
    fn files(&self, _settings: &Self::Settings) -> Vec<(String, PathBuf)> {
        Vec::new()
    }

    /// Whether it resumes from [`StageContext::resume`].
    fn takes_checkpoint(&self) -> bool {
        false
    }

    /// Whether names of runs and stages stand in its result, as in a table that tells two models apart by their places:
    /// such a result is of no use to a run or a stage of another name, though all that it depends on is the same.
    fn tells_names(&self, _inputs: &InputCounts) -> bool {
        false
    }

    /// Refuses settings that make no sense, alone or with the inputs that are given, before anything runs.
    fn check(&self, _settings: &Self::Settings, _inputs: &InputCounts) -> Result<(), ConfigError> {
        Ok(())
    }

    /// Does the work; the returned figures stand in the manifest.
    fn run(&self, settings: &Self::Settings, context: &StageContext<'_>) -> Result<serde_json::Value, Failure>;
}
