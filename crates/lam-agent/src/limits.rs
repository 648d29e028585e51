//! What is to be run, and within which limits. Knows nothing of how it is run.

use lam_types::Task;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One episode to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// The task.
    pub task: Task,
    /// Which try at it, from 0.
    pub attempt: u32,
}

impl Job {
    /// `attempts` jobs for each task: all tries of a task stand together.
    pub fn for_tasks(tasks: &[Task], attempts: u32) -> Vec<Job> {
        let tries = |task: &Task| (0..attempts).map(|attempt| Job { task: task.clone(), attempt }).collect::<Vec<_>>();
        tasks.iter().flat_map(tries).collect()
    }
}

/// Where an episode ends, and how many run at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Episodes that are alive at once, as far as the application has instances for them; changes no result.
    #[schemars(range(min = 1, max = 10_000))]
    pub parallel: usize,
    /// Steps after which an episode is cut off (UFO's `MAX_STEP`).
    #[schemars(range(min = 1, max = 10_000))]
    pub max_steps: u32,
    /// Invalid answers in a row that end an episode. 0: off.
    #[schemars(range(min = 0, max = 10_000))]
    pub max_invalid_in_a_row: u32,
    /// How often an episode is started again after its environment died.
    #[schemars(range(min = 0, max = 1_000))]
    pub environment_retries: u32,
    /// Seconds an environment may take for one call before it is given up as dead.
    #[schemars(range(min = 1, max = 86_400))]
    pub environment_timeout_s: u64,
    /// Seed of the sampling seeds handed to the policy: the stage's, so that it is not a setting.
    #[serde(skip)]
    pub seed: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            parallel: 64,
            max_steps: 30,
            max_invalid_in_a_row: 3,
            environment_retries: 1,
            environment_timeout_s: 120,
            seed: 0,
        }
    }
}
