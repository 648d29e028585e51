//! The words every other crate speaks: tasks, plans, controls, observations, actions, steps, trajectories, verdicts.
//!
//! Plain data with serde and nothing else. Knows no file, no tensor, no token and no environment.
//! The shapes follow the paper (arXiv 2412.10047): a state and an action as in its App. C and App. E,
//! a task-plan pair as in §3.1.3, a verdict as in §3.2.3.
//!
//! ```
//! use lam_types::{Action, Status};
//!
//! let answer = r#"{"thought": "the text is selected", "control_label": "7", "control_name": "Bold",
//!     "function": "click_input", "args": {}, "status": "FINISH", "plan": []}"#;
//! let action: Action = serde_json::from_str(answer)?;
//! assert_eq!((action.function.as_str(), action.status), ("click_input", Status::Finish));
//!
//! let error = serde_json::from_str::<Action>(&answer.replace("FINISH", "DONE")).err().expect("not a status");
//! assert!(error.to_string().contains("unknown variant `DONE`"));
//! # Ok::<(), serde_json::Error>(())
//! ```

mod action;
mod call;
mod control;
mod estimate;
mod function;
mod plan;
mod task;
#[cfg(test)]
mod tests;
mod trajectory;

pub use action::{Action, Args, Status};
pub use call::{Call, SeenCalls};
pub use control::{Control, ControlType, Observation, Rect};
pub use estimate::{Estimate, Z95};
pub use function::{ArgKind, ArgSpec, FunctionSpec, Target};
pub use plan::{PlanSource, TaskPlan};
pub use task::{Phrasing, Split, Task};
pub use trajectory::{Complete, PastAction, PolicyId, State, Step, StepStatus, Tokens, Trajectory, Verdict};
