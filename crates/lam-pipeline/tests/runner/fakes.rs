//! Stages that only write text, and a place to run them in.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use lam_env::Environments;
use lam_pipeline::{
    Code, CrateCode, InputSpec, NoView, Pipeline, PipelineError, Registry, RunOptions, RunSummary, Stage, StageContext,
    run,
};
use lam_signal::{Failure, Fault};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Configuration of the writing fake.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FakeConfig {
    pub text: String,
    pub learning_rate: f64,
    pub lora_r: u32,
    pub units: u32,
}

/// Configuration of the counting fake.
#[derive(Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CountConfig {
    pub text: String,
    pub learning_rate: f64,
    pub lora_r: u32,
    /// Units, 4 where none is given.
    pub units: Option<u32>,
}

/// What the fakes share with the test.
#[derive(Clone, Default)]
pub struct Shared {
    /// Names of the stages that ran, in order; `name+` for one that found its own unfinished work.
    pub ran: Arc<Mutex<Vec<String>>>,
    /// What a counting stage does after this many units.
    pub fuse: Arc<Mutex<Option<(u32, Fuse)>>>,
}

#[derive(Clone, Copy)]
pub enum Fuse {
    Fail,
    Panic,
    Cancel,
    Abort,
}

/// Writes its text, seed and inputs to `out.txt`.
struct Write(Shared);

impl Stage for Write {
    type Settings = FakeConfig;

    fn kind(&self) -> &'static str {
        "write"
    }

    fn crate_name(&self) -> &'static str {
        "fakes"
    }

    fn inputs(&self) -> &'static [InputSpec] {
        const INPUTS: [InputSpec; 2] = [InputSpec::any("parts"), InputSpec::optional("model")];
        &INPUTS
    }

    fn files(&self, config: &FakeConfig) -> Vec<(String, PathBuf)> {
        if config.text.ends_with(".txt") { vec![("text".into(), config.text.clone().into())] } else { Vec::new() }
    }

    fn run(&self, config: &FakeConfig, context: &StageContext<'_>) -> Result<Value, Failure> {
        self.0.ran.lock().unwrap().push(context.name.to_string());
        let mut text = format!("{} {}\n", config.text, context.seed);
        for part in context.inputs.values().flatten() {
            let file = if part.is_dir() { part.join("out.txt") } else { part.clone() };
            text.push_str(&fs::read_to_string(file).map_err(Failure::data)?);
        }
        fs::write(context.output.join("out.txt"), &text).map_err(Failure::runtime)?;
        Ok(json!({ "bytes": text.len() }))
    }
}

/// Writes a file a unit, resumes from those that are there, and ends its work as the fuse says.
struct Count(Shared);

impl Stage for Count {
    type Settings = CountConfig;

    fn kind(&self) -> &'static str {
        "count"
    }

    fn crate_name(&self) -> &'static str {
        "fakes"
    }

    fn inputs(&self) -> &'static [InputSpec] {
        const INPUTS: [InputSpec; 1] = [InputSpec::one("data")];
        &INPUTS
    }

    fn work(&self) -> &'static [&'static str] {
        &["unit-0"]
    }

    fn run(&self, config: &CountConfig, context: &StageContext<'_>) -> Result<Value, Failure> {
        let units = config.units.unwrap_or(4);
        let file = |unit: u32| context.output.join(format!("unit-{unit}"));
        let first = (0..units).find(|unit| !file(*unit).exists()).unwrap_or(units);
        let mark = if first > 0 { "+" } else { "" };
        self.0.ran.lock().unwrap().push(format!("{}{mark}", context.name));
        context.progress.begin("counting", Some(u64::from(units)));
        for unit in first..units {
            if context.cancel.is_cancelled() {
                return Err(Failure::cancelled());
            }
            match *self.0.fuse.lock().unwrap() {
                Some((at, fuse)) if at == unit => match fuse {
                    Fuse::Fail => return Err(Failure::data("the data are bad")),
                    Fuse::Panic => panic!("unit {unit} is impossible"),
                    Fuse::Abort => std::process::abort(),
                    Fuse::Cancel => context.cancel.cancel(),
                },
                _ => {}
            }
            fs::write(file(unit), format!("{unit} {}", context.seed)).map_err(Failure::runtime)?;
            context.progress.advance(u64::from(unit) + 1, "loss 0.5");
        }
        context.progress.end();
        Ok(json!({ "units": units }))
    }
}

/// A directory with pipelines and runs.
pub struct Place {
    root: TempDir,
    pub shared: Shared,
}

impl Place {
    pub fn new() -> Self {
        Self { root: tempfile::tempdir().unwrap(), shared: Shared::default() }
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.root.path().join(below)
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    pub fn options(&self) -> RunOptions {
        RunOptions { runs_dir: self.path("runs"), ..RunOptions::default() }
    }

    pub fn registry(&self) -> Registry {
        self.registry_of_version("1")
    }

    pub fn registry_of_version(&self, version: &'static str) -> Registry {
        let fakes = CrateCode { name: "fakes", hash: version, uses: &["below"] };
        let code = Code::new(&[fakes, CrateCode { name: "below", hash: "1", uses: &[] }]);
        Registry::new(Environments::new(), code).with(Write(self.shared.clone())).with(Count(self.shared.clone()))
    }

    pub fn load(&self, overrides: &[&str]) -> Result<Pipeline, PipelineError> {
        let overrides: Vec<String> = overrides.iter().map(ToString::to_string).collect();
        Pipeline::load(&self.path("p.toml"), &overrides)
    }

    pub fn run(&self, overrides: &[&str]) -> Result<RunSummary, PipelineError> {
        run(&self.load(overrides)?, &self.registry(), &self.options(), &NoView)
    }

    /// As [`Place::run`], with these stages run whatever stands.
    pub fn force(&self, stages: &[&str], overrides: &[&str]) -> Result<RunSummary, PipelineError> {
        let force = stages.iter().map(ToString::to_string).collect();
        run(&self.load(overrides)?, &self.registry(), &RunOptions { force, ..self.options() }, &NoView)
    }

    /// The stages that ran since the last call.
    pub fn ran(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.ran.lock().unwrap())
    }

    pub fn light(&self, fuse: Option<(u32, Fuse)>) {
        *self.shared.fuse.lock().unwrap() = fuse;
    }

    /// An error's text, without the directory of this test.
    pub fn refusal<T>(&self, result: Result<T, PipelineError>) -> (u8, String) {
        let Err(error) = result else { panic!("it was not refused") };
        (error.kind().exit_code(), self.shorten(&error.to_string()))
    }

    pub fn shorten(&self, text: &str) -> String {
        text.replace(&format!("{}/", self.root.path().display()), "")
    }

    pub fn read(&self, below: &str) -> String {
        fs::read_to_string(self.path(below)).unwrap()
    }
}

/// Three stages in a row, the first two of kind `write`.
pub const CHAIN: &str = r#"
name = "chain"
seed = 7

[[stage]]
name = "a"
kind = "write"
set = { text = "hello", learning_rate = 0.5 }

[[stage]]
name = "b"
kind = "write"
inputs = { parts = ["a"], model = "a/out.txt" }

[[stage]]
name = "c"
kind = "count"
inputs = { data = "b" }
"#;

/// A place with [`CHAIN`] in it.
pub fn chain() -> Place {
    let place = Place::new();
    place.write("p.toml", CHAIN);
    place
}

pub fn names(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}
