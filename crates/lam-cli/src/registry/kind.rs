//! A kind of stage made from a configuration struct and a function. Knows no particular stage.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lam_config::ConfigError;
use lam_pipeline::{InputSpec, Stage, StageContext, resolve_as};
use lam_signal::Failure;
use serde_json::Value;
use toml::Table;

use super::applications;
use super::settings::Settings;

/// Below a stage's directory, what took long to make: a complete checkpoint, episodes, rollouts.
const WORK: [&str; 4] = ["training/last", "episodes.jsonl", "episodes.journal.jsonl", "rollouts.jsonl"];

/// What a kind of stage does with its configuration.
type Run<C> = fn(&C, &StageContext<'_>) -> Result<Value, Failure>;

/// A stage whose configuration is the struct `C`.
pub struct Kind<C> {
    /// Name in pipeline files.
    pub name: &'static str,
    /// The inputs it takes.
    pub inputs: &'static [InputSpec],
    /// What it does.
    pub run: Run<C>,
}

impl<C: Settings> Stage for Kind<C> {
    fn kind(&self) -> &str {
        self.name
    }

    fn inputs(&self) -> &[InputSpec] {
        self.inputs
    }

    fn check(&self, config: &Table) -> Result<(), ConfigError> {
        let config: C = lam_config::decode_table(config)?;
        config.check()
    }

    fn resolve(&self, config: &Table) -> Result<Table, ConfigError> {
        // First as it was written, so that errors name what was written; then over the stage's own defaults, so that
        // one key of a table leaves the stage's defaults for the others.
        self.check(config)?;
        let defaults = Table::try_from(C::default()).expect("settings are tables");
        let whole = over(defaults, config);
        self.check(&whole)?;
        resolve_as::<C>(&whole)
    }

    fn check_inputs(&self, config: &Table, inputs: &BTreeMap<String, usize>) -> Result<(), ConfigError> {
        let config: C = lam_config::decode_table(config)?;
        config.check_inputs(&|name| inputs.get(name).copied().unwrap_or(0))
    }

    fn files(&self, config: &Table) -> Result<Vec<PathBuf>, ConfigError> {
        let environment = config.get("environment").and_then(toml::Value::as_str).and_then(applications::file_of);
        let config: C = lam_config::decode_table(config)?;
        Ok(config.files().into_iter().chain(environment).collect())
    }

    fn holds_work(&self, directory: &Path) -> bool {
        WORK.iter().any(|name| directory.join(name).exists())
    }

    fn run(&self, context: &StageContext<'_>) -> Result<Value, Failure> {
        let config: C = lam_config::decode_table(&context.config)?;
        (self.run)(&config, context)
    }
}

/// `given` laid over `defaults`, table by table; aliases count as the keys they stand for.
fn over(mut defaults: Table, given: &Table) -> Table {
    let known: Vec<String> = defaults.keys().cloned().collect();
    for (key, value) in given {
        let name = if defaults.contains_key(key) { None } else { lam_config::canonical(key, &known) };
        let name = name.unwrap_or(key);
        let value = match (defaults.remove(name), value) {
            (Some(toml::Value::Table(below)), toml::Value::Table(given)) if same_kind(&below, given) => {
                toml::Value::Table(over(below, given))
            }
            (_, value) => value.clone(),
        };
        defaults.insert(name.to_owned(), value);
    }
    defaults
}

/// Whether two tables are settings of the same thing: those with a `kind` are only when their kinds are equal.
fn same_kind(one: &Table, other: &Table) -> bool {
    one.get("kind") == other.get("kind") || !other.contains_key("kind")
}
