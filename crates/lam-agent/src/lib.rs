//! Policies and episodes: asks a policy, acts in an environment, records the trajectory.
//!
//! A policy is anything that answers states with actions, many live episodes at once. Knows no tensor and no
//! particular environment: an agent acts as well through an endpoint as through our own model.
//!
//! ```
//! use lam_agent::{ExpertPolicy, Job, Limits, Session, run_episodes};
//! use lam_env::{Application, TaskQuery};
//! use lam_env_sim::Sim;
//! use lam_signal::{Cancel, NoProgress};
//! use lam_types::Split;
//!
//! let app = Sim::new();
//! let query = TaskQuery { split: Split::Train, phrasing: None, families: vec!["bold".into()], count: 2, seed: 1 };
//! let jobs = Job::for_tasks(&app.tasks(&query)?, 1);
//! let session = Session {
//!     limits: &Limits::default(),
//!     journal: None,
//!     progress: &NoProgress,
//!     cancel: &Cancel::default(),
//! };
//! let trajectories = run_episodes(&app, &jobs, &mut ExpertPolicy::of(&app)?, &session)?;
//! assert_eq!(trajectories.len(), 2);
//! assert!(trajectories.iter().all(|trajectory| !trajectory.steps.is_empty()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod choice;
mod draw;
mod episode;
mod error;
mod expert;
mod follower;
mod journal;
mod limits;
mod observer;
mod planner;
mod policy;
mod pool;
mod remote;
mod replay;
mod run;
mod timings;

pub use choice::PolicyChoice;
pub use draw::{HeldOut, draw_tasks};
pub use error::AgentError;
pub use expert::ExpertPolicy;
pub use follower::{Grounding, PlanFollower, groundings};
pub use limits::{Job, Limits};
pub use observer::Observer;
pub use planner::Planner;
pub use policy::{Decision, Policy, PolicyError, Request, Unreadable};
pub use remote::{Api, ChatAnswer, ChatClient, Question, RemoteConfig, RemotePolicy, after_thought};
pub use replay::ReplayPolicy;
pub use run::{Session, run_episodes, run_watched};
pub use timings::{Timings, take_timings};
