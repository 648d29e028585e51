//! A kind of stage made from a configuration struct and a function. Knows no particular stage.

use lam_pipeline::{InputSpec, Stage, StageContext, StageError, resolve_as};
use serde_json::Value;
use toml::Table;

use super::settings::Settings;

/// What a kind of stage does with its configuration.
type Run<C> = fn(&C, &StageContext<'_>) -> Result<Value, StageError>;

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

    fn check(&self, config: &Table) -> Result<(), StageError> {
        let config: C = lam_store::decode_table(config)?;
        Ok(config.check()?)
    }

    fn resolve(&self, config: &Table) -> Result<Table, StageError> {
        self.check(config)?;
        resolve_as::<C>(config)
    }

    fn run(&self, context: &StageContext<'_>) -> Result<Value, StageError> {
        let config: C = lam_store::decode_table(&context.config)?;
        (self.run)(&config, context)
    }
}
