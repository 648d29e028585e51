//! Evaluation (paper §5, §7): plans (Table 2), steps with the expert's history (Table 3), whole episodes (Table 4).
//!
//! Models, the expert and endpoints are rows alike: whoever plans is a `lam_agent::Planner`, whoever
//! acts is a `lam_agent::Policy`. Knows no tensor, no training and no particular environment.
//!
//! Every figure is a [`lam_types::Estimate`]: value, 95 % interval over tasks (Wilson's for proportions of them, by
//! bootstrap for the rest), and what it was taken over.
//! Every evaluation also returns its items, so that a figure can be traced to the trajectories behind it.
//!
//! ```
//! use lam_eval::{Bootstrap, Ratio};
//!
//! // 70 of 100 tasks were completed.
//! let tasks: Vec<Ratio> = (0..100).map(|task| Ratio::of_one(task < 70)).collect();
//! let tsr = Bootstrap::default().percent(&tasks);
//! let [low, high] = tsr.ci95.expect("tasks give an interval");
//! assert_eq!(tsr.value, 70.0);
//! assert!(low > 55.0 && high < 85.0, "{low} to {high}");
//! ```

mod bootstrap;
mod error;
mod online;
mod plan;
mod ratio;
mod row;
mod stage;
mod step;
mod tables;
mod wilson;

pub use bootstrap::Bootstrap;
pub use error::EvalError;
pub use online::{Online, OnlineReport, attempt_tasks, evaluate_online, score_online};
pub use plan::{
    ChatJudge, Comparison, MatcherJudge, PlanItem, PlanJudge, PlanQuestion, PlanReport, Planning, RemotePlanner,
    evaluate_plans, matching,
};
pub use ratio::Ratio;
pub use row::Row;
pub use stage::register;
pub use step::{Decision, StepItem, StepReport, StepScore, evaluate_steps, score_step};
pub use tables::{DecisionEntry, Tables, write_items};

/// Questions asked of a planner or policy at once; also how far apart the points are at which it can be stopped.
const BATCH: usize = 64;
