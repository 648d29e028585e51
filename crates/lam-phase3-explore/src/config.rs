//! What exploration may spend, and what is kept of it.

use lam_agent::Limits;
use lam_config::ConfigError;
use lam_inference::Dtype;
use lam_pipeline::InputCounts;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Way;

/// Configuration of the exploration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExploreConfig {
    /// Environment to explore, by its registered name.
    pub environment: String,
    /// The ways in which tasks are explored, one after the other over those that are still unsolved. `tries` are the
    /// model's own, the paper's way. `plans` are LAM1's (input `planner`), carried out step by step without the model;
    /// `documentation` are procedures of the documentation's training set (input `plans`) with the request's values.
    pub ways: Vec<Way>,
    /// Failed tasks passed over, in file order: those that an earlier exploration attempted.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub skip_tasks: usize,
    /// Tasks attempted at most; 0 for every task the expert failed at (the paper samples 2,284).
    #[schemars(range(min = 0, max = 1_000_000))]
    pub max_tasks: usize,
    /// The model's own tries a task. The paper does not say how many.
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
    /// Numbers that models are asked in: `auto`, `float32` or `bfloat16`.
    pub dtype: Dtype,
    /// Successful trajectories kept a task, shortest first.
    #[schemars(range(min = 0, max = 10_000))]
    pub successes_per_task: usize,
    /// Failed trajectories of the model itself kept a task (the paper keeps one: 496 + 1,788 = 2,284).
    #[schemars(range(min = 0, max = 10_000))]
    pub failures_per_task: usize,
    /// Keep the failed tries of solved tasks among the failures too; the paper's one try a task has none. Every try
    /// stands in `attempts.parquet`, whatever is kept here.
    pub failures_of_solved_tasks: bool,
    /// Share of the tasks still open that this round must solve to be worth its cost. One that solves fewer says so: a
    /// round after it (input `explored`) explores nothing, and `phase3.train` passes a model on instead of training on
    /// it (inputs `round` and `previous`). 0 asks for nothing.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub min_new_share: f64,
    /// Where episodes end.
    pub limits: Limits,
}

impl Default for ExploreConfig {
    fn default() -> Self {
        Self {
            environment: "sim".into(),
            ways: vec![Way::Tries],
            skip_tasks: 0,
            max_tasks: 0,
            attempts: 4,
            temperature: 1.0,
            top_p: 1.0,
            max_new_tokens: 256,
            constrained: true,
            dtype: Dtype::default(),
            successes_per_task: 1,
            failures_per_task: 1,
            failures_of_solved_tasks: false,
            min_new_share: 0.0,
            limits: Limits::default(),
        }
    }
}

impl ExploreConfig {
    /// Refuses ways that make no sense, or that need an input which is not given.
    ///
    /// # Errors
    /// Names the way.
    pub fn check(&self, inputs: &InputCounts) -> Result<(), ConfigError> {
        let named = |way: Way| format!("\"{}\"", way.as_str());
        let all = "ways are \"tries\", \"plans\" and \"documentation\", in the order in which they are to be gone";
        if self.ways.is_empty() {
            return Err(ConfigError::value("ways", "[]", "must name one way at least", all));
        }
        for (index, &way) in self.ways.iter().enumerate() {
            if self.ways[..index].contains(&way) {
                return Err(ConfigError::value("ways", named(way), "stands there twice", all));
            }
            let needed = match way {
                Way::Plans => Some(("planner", "the model that writes them, such as `planner = \"lam1\"`")),
                Way::Documentation => Some(("plans", "the task-plan pairs, such as `plans = \"plans\"`")),
                Way::Tries => None,
            };
            if let Some((input, what)) = needed.filter(|(input, _)| inputs.of(input) == 0) {
                let reason = format!("needs the input `{input}`, which is not given");
                return Err(ConfigError::value("ways", named(way), reason, format!("add {what}, or leave it out")));
            }
        }
        Ok(())
    }
}
