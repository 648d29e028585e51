//! Collection (paper §3): task-plan pairs from documents, task-action trajectories from a teacher.
//!
//! Knows documents, environments and policies through their traits. Knows no tensor, no token and no other stage.

pub mod plans;
pub mod trajectories;

mod error;
mod import;

pub use error::CollectError;
pub use import::{ImportFormat, SourceConfig, SourceKind, Unreadable, import};
