//! What exploration may spend, and what is kept of it.

use lam_agent::Limits;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Configuration of the exploration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExploreConfig {
    /// Environment to explore, by its registered name.
    pub environment: String,
    /// Failed tasks passed over, in file order: those that an earlier exploration attempted.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub skip_tasks: usize,
    /// Tasks attempted at most; 0 for every task the expert failed at (the paper samples 2,284).
    #[schemars(range(min = 0, max = 1_000_000))]
    pub max_tasks: usize,
    /// Tries a task. The paper does not say how many.
    #[schemars(range(min = 1, max = 10_000))]
    pub attempts: u32,
    /// Sampling temperature. The first try is greedy, the others explore.
    #[schemars(range(min = 0.0, max = 100.0))]
    pub temperature: f32,
    /// Nucleus: the smallest set of tokens with this probability in sum.
    #[schemars(range(max = 1.0), extend("exclusiveMinimum" = 0.0))]
    pub top_p: f32,
    /// Longest answer, in tokens.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_new_tokens: usize,
    /// Whether answers are kept executable by the decoding constraint.
    pub constrained: bool,
    /// Successful trajectories kept a task, shortest first.
    #[schemars(range(min = 0, max = 10_000))]
    pub successes_per_task: usize,
    /// Failed trajectories kept a task (the paper keeps one: 496 + 1,788 = 2,284).
    #[schemars(range(min = 0, max = 10_000))]
    pub failures_per_task: usize,
    /// Keep the failed tries of solved tasks among the failures too; the paper's one try a task has none. Every try
    /// stands in `attempts.parquet`, whatever is kept here.
    pub failures_of_solved_tasks: bool,
    /// Where episodes end.
    pub limits: Limits,
}

impl Default for ExploreConfig {
    fn default() -> Self {
        Self {
            environment: "sim".into(),
            skip_tasks: 0,
            max_tasks: 0,
            attempts: 4,
            temperature: 1.0,
            top_p: 1.0,
            max_new_tokens: 256,
            constrained: true,
            successes_per_task: 1,
            failures_per_task: 1,
            failures_of_solved_tasks: false,
            limits: Limits::default(),
        }
    }
}
