//! Which policy a configuration asks for, among those that need no model of ours.

use std::path::PathBuf;

use lam_config::{ConfigError, check_exists};
use lam_env::Application;
use lam_signal::Monitor;
use lam_store::{hash_path, read_trajectories};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{AgentError, ExpertPolicy, Policy, RemoteConfig, RemotePolicy, ReplayPolicy};

/// A teacher, or a row of an evaluation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PolicyChoice {
    /// The application's own scripted expert.
    Scripted,
    /// An endpoint, such as GPT-4o.
    Remote(Box<RemoteConfig>),
    /// Recorded trajectories, repeated.
    Recorded {
        /// Parquet file of trajectories.
        trajectories: PathBuf,
        /// Name in reports.
        name: String,
    },
}

impl PolicyChoice {
    /// Refuses an endpoint that cannot be right, and a recording that is not there; `table` is where the choice stands
    /// in the settings.
    ///
    /// # Errors
    /// Names the key and its value.
    pub fn check(&self, table: &str) -> Result<(), ConfigError> {
        match self {
            PolicyChoice::Remote(config) => config.check(&format!("{table}.remote")),
            PolicyChoice::Recorded { trajectories, .. } => {
                check_exists(&format!("{table}.recorded.trajectories"), trajectories)
            }
            PolicyChoice::Scripted => Ok(()),
        }
    }

    /// The policy; an endpoint reports its waits to `monitor`, and ends them when it says so.
    ///
    /// # Errors
    /// No scripted expert, a missing key, or a recording that cannot be read.
    pub fn open<'a>(&self, app: &dyn Application, monitor: Monitor<'a>) -> Result<Box<dyn Policy + 'a>, AgentError> {
        Ok(match self {
            PolicyChoice::Scripted => Box::new(ExpertPolicy::of(app)?),
            PolicyChoice::Remote(config) => Box::new(RemotePolicy::new((**config).clone(), app.functions(), monitor)?),
            PolicyChoice::Recorded { trajectories, name } => {
                let hash = hash_path(trajectories)?;
                Box::new(ReplayPolicy::new(name, &hash, read_trajectories(trajectories)?))
            }
        })
    }
}
