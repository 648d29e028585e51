//! A stage whose settings are decoded: once, over the stage's own defaults. Knows no particular stage.

use std::path::{Path, PathBuf};

use lam_config::ConfigError;
use lam_env::Environments;
use lam_signal::Failure;
use schemars::Schema;
use serde_json::Value;
use toml::Table;

use crate::stage::{InputCounts, InputSpec, Stage, StageContext};

/// Where a path among the settings, of this key, leads from the file that names it; nothing where no file does.
pub(crate) type Beside<'a> = &'a dyn Fn(&str, &Path) -> Option<PathBuf>;

/// A kind of stage, whatever its settings are.
pub(crate) trait Kind: Send + Sync {
    fn crate_name(&self) -> &'static str;
    fn inputs(&self) -> &'static [InputSpec];
    fn model_name(&self) -> Option<&'static str>;
    /// Whether unfinished work in its private directory is something that nobody wants to lose.
    fn holds_work(&self, directory: &Path) -> bool;
    /// Whether it resumes from a checkpoint that is named.
    fn takes_checkpoint(&self) -> bool;
    /// Whether names of runs and stages stand in its results.
    fn tells_names(&self, inputs: &InputCounts) -> bool;
    /// The stage with what was written in its settings. `beside` says where a path leads from the file that names it.
    fn configure(
        &self,
        given: &Table,
        inputs: &InputCounts,
        environments: &Environments,
        beside: Beside<'_>,
    ) -> Result<Box<dyn Configured + '_>, ConfigError>;
    /// Every key with its default.
    fn defaults(&self) -> Table;
    /// The keys, their types and their help.
    fn schema(&self) -> Schema;
}

/// A stage and its settings.
pub(crate) trait Configured {
    /// The settings with every default filled in.
    fn table(&self) -> &Table;
    /// The environment that they name.
    fn environment(&self) -> Option<&str>;
    /// Other files and folders outside the run that they name.
    fn files(&self) -> Vec<PathBuf>;
    fn run(&self, context: &StageContext<'_>) -> Result<Value, Failure>;
}

impl<S: Stage> Kind for S {
    fn crate_name(&self) -> &'static str {
        Stage::crate_name(self)
    }

    fn inputs(&self) -> &'static [InputSpec] {
        Stage::inputs(self)
    }

    fn model_name(&self) -> Option<&'static str> {
        Stage::model_name(self)
    }

    fn holds_work(&self, directory: &Path) -> bool {
        self.work().iter().any(|name| directory.join(name).exists())
    }

    fn takes_checkpoint(&self) -> bool {
        Stage::takes_checkpoint(self)
    }

    fn tells_names(&self, inputs: &InputCounts) -> bool {
        Stage::tells_names(self, inputs)
    }

    fn configure(
        &self,
        given: &Table,
        inputs: &InputCounts,
        environments: &Environments,
        beside: Beside<'_>,
    ) -> Result<Box<dyn Configured + '_>, ConfigError> {
        let settings: S::Settings = lam_config::decode_over(Kind::defaults(self), given)?;
        self.environment(&settings).map_or(Ok(()), |name| check_environment(name, environments))?;
        let (settings, table) = with_paths(self, settings, beside)?;
        lam_config::check_ranges(Kind::schema(self).as_value(), &table)?;
        self.check(&settings, inputs)?;
        Ok(Box::new(WithSettings { stage: self, settings, table }))
    }

    fn defaults(&self) -> Table {
        lam_config::config_to_table(&S::Settings::default()).expect("settings are tables of plain values")
    }

    fn schema(&self) -> Schema {
        schemars::schema_for!(S::Settings)
    }
}

/// Refuses an environment that nobody offers, or whose file is not there.
fn check_environment(name: &str, environments: &Environments) -> Result<(), ConfigError> {
    let refused = |reason: String| Err(ConfigError::value("environment", name, reason, environments.hint()));
    match environments.file_of(name) {
        _ if !environments.is_known(name) => refused("there is no such environment".to_owned()),
        Some(file) if !file.is_file() => refused(format!("there is no file {}", file.display())),
        _ => Ok(()),
    }
}

/// The settings, and as a table, with each path that leads nowhere from here led from the file that names it.
fn with_paths<S: Stage>(
    stage: &S,
    settings: S::Settings,
    beside: Beside<'_>,
) -> Result<(S::Settings, Table), ConfigError> {
    let mut table = lam_config::config_to_table(&settings)?;
    let missing = stage.files(&settings).into_iter().filter(|(_, path)| !path.exists());
    let found = missing.filter_map(|(key, path)| Some((beside(&key, &path)?.to_str()?.to_owned(), key)));
    let found: Vec<(String, String)> = found.collect();
    if found.is_empty() {
        return Ok((settings, table));
    }
    found.iter().for_each(|(path, key)| lam_config::replace_text(&mut table, key, path));
    Ok((lam_config::decode_table(&table)?, table))
}

struct WithSettings<'a, S: Stage> {
    stage: &'a S,
    settings: S::Settings,
    table: Table,
}

impl<S: Stage> Configured for WithSettings<'_, S> {
    fn table(&self) -> &Table {
        &self.table
    }

    fn environment(&self) -> Option<&str> {
        self.stage.environment(&self.settings)
    }

    fn files(&self) -> Vec<PathBuf> {
        self.stage.files(&self.settings).into_iter().map(|(_, path)| path).collect()
    }

    fn run(&self, context: &StageContext<'_>) -> Result<Value, Failure> {
        self.stage.run(&self.settings, context)
    }
}
