//! A stage whose settings are decoded: once, over the stage's own defaults. Knows no particular stage.

use std::path::{Path, PathBuf};

use lam_config::ConfigError;
use lam_env::Environments;
use lam_signal::Failure;
use schemars::Schema;
use serde_json::Value;
use toml::Table;

use crate::stage::{InputCounts, InputSpec, Stage, StageContext};

/// A kind of stage, whatever its settings are.
pub(crate) trait Kind: Send + Sync {
    fn crate_name(&self) -> &'static str;
    fn inputs(&self) -> &'static [InputSpec];
    fn model_name(&self) -> Option<&'static str>;
    /// Whether unfinished work in its private directory is something that nobody wants to lose.
    fn holds_work(&self, directory: &Path) -> bool;
    /// Whether it resumes from a checkpoint that is named.
    fn takes_checkpoint(&self) -> bool;
    /// The stage with what was written in its settings.
    fn configure(
        &self,
        given: &Table,
        inputs: &InputCounts,
        environments: &Environments,
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

    fn configure(
        &self,
        given: &Table,
        inputs: &InputCounts,
        environments: &Environments,
    ) -> Result<Box<dyn Configured + '_>, ConfigError> {
        let settings: S::Settings = lam_config::decode_over(Kind::defaults(self), given)?;
        if let Some(name) = self.environment(&settings).filter(|name| !environments.is_known(name)) {
            let hint = environments.hint();
            return Err(ConfigError::value("environment", name, "there is no such environment", hint));
        }
        let table = lam_config::config_to_table(&settings)?;
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
        self.stage.files(&self.settings)
    }

    fn run(&self, context: &StageContext<'_>) -> Result<Value, Failure> {
        self.stage.run(&self.settings, context)
    }
}
