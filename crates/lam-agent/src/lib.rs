//! Policies and episodes: asks a policy, acts in an environment, records the trajectory.
//!
//! A policy is anything that answers states with actions, many live episodes at once. Knows no tensor and no
//! particular environment: an agent acts as well through an endpoint as through our own model.

mod limits;
mod policy;

pub use limits::{Job, Limits};
pub use policy::{Decision, Policy, PolicyError, Request, Unreadable};
