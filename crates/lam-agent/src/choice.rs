//! Which policy a configuration asks for, among those that need no model of ours.

use std::path::PathBuf;

use lam_env::Application;
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
    /// The policy.
    ///
    /// # Errors
    /// No scripted expert, a missing key, or a recording that cannot be read.
    pub fn open(&self, app: &dyn Application) -> Result<Box<dyn Policy>, AgentError> {
        Ok(match self {
            PolicyChoice::Scripted => Box::new(ExpertPolicy::of(app)?),
            PolicyChoice::Remote(config) => Box::new(RemotePolicy::new((**config).clone(), app.functions())?),
            PolicyChoice::Recorded { trajectories, name } => {
                let hash = hash_path(trajectories)?;
                Box::new(ReplayPolicy::new(name, &hash, read_trajectories(trajectories)?))
            }
        })
    }
}
