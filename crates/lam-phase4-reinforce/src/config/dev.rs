//! What may be told about the dev tasks that are played while the policy trains.

use lam_agent::Limits;
use lam_config::ConfigError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::values;

/// Held-out tasks that are played while the policy trains: which step was best, and whether training should go on, is
/// decided by the success at them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DevConfig {
    /// Tasks of the environment's validation set, half of them in known wordings. They are played, greedily, before the
    /// first step, every `every` steps, and after the last; the weights that solve the most become LAM4: LAM3's own where
    /// no later ones solve more. 0 for none: then the weights of the last step do.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub tasks: usize,
    /// Only these families of tasks; empty for all.
    pub families: Vec<String>,
    /// Optimizer steps between two plays.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub every: u64,
    /// Plays in a row without a better one after which training stops. 0: off.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub patience: u64,
    /// Where an episode ends.
    pub limits: Limits,
}

impl Default for DevConfig {
    fn default() -> Self {
        Self { tasks: 0, families: Vec::new(), every: 50, patience: 2, limits: Limits::default() }
    }
}

impl DevConfig {
    /// Refuses settings of plays where nothing is played.
    ///
    /// # Errors
    /// Names the key and its value.
    pub(super) fn refuse_meaningless(&self) -> Result<(), ConfigError> {
        let (own, defaults) = (values(self), values(&Self::default()));
        let is_set = |key: &&str| own[*key] != defaults[*key];
        match ["families", "every", "patience", "limits"].into_iter().find(is_set).filter(|_| self.tasks == 0) {
            None => Ok(()),
            Some(key) => {
                let reason = "means nothing where no dev task is played";
                let hint = "set `dev.tasks` above 0, or leave it out";
                Err(ConfigError::value(&format!("dev.{key}"), &own[key], reason, hint))
            }
        }
    }
}
