//! Policies and episodes: asks a policy, acts in an environment, records the trajectory.
//!
//! A policy is anything that answers states with actions, many live episodes at once. Knows no tensor and no
//! particular environment: an agent acts as well through an endpoint as through our own model.
//!
//! ```text
//! let mut policy = ExpertPolicy::of(app)?;
//! let session = Session { limits: &Limits::default(), journal: Some(&path), progress, cancel };
//! let trajectories = run_episodes(app, &Job::for_tasks(&tasks, 1), &mut policy, &session)?;
//! ```

mod choice;
mod episode;
mod error;
mod expert;
mod journal;
mod limits;
mod policy;
mod pool;
mod remote;
mod replay;
mod run;
mod timings;

pub use choice::PolicyChoice;
pub use error::AgentError;
pub use expert::ExpertPolicy;
pub use limits::{Job, Limits};
pub use policy::{Decision, Policy, PolicyError, Request, Unreadable};
pub use remote::{Api, ChatAnswer, ChatClient, RemoteConfig, RemotePolicy};
pub use replay::ReplayPolicy;
pub use run::{Session, draw_tasks, run_episodes};
pub use timings::{Timings, take_timings};
