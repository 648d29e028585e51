//! Collection (paper §3): task-plan pairs from documents, task-action trajectories from a teacher.
//!
//! Knows documents, environments and policies through their traits. Knows no tensor, no token and no other stage.
//!
//! Files and folders, lowest first; each uses only those before it:
//! `error` and `english/`; `aside`, `pair` and `duplicate`, what every pair comes from and where it goes when it is not
//! used;
//! `import/`, documents and records as they lie on disk; `plans/`, task-plan pairs; `trajectories`, which uses `error`
//! alone; `stage`, both as stages of a pipeline.
//!
//! ```
//! use lam_collect::{ImportFormat, import};
//! use lam_signal::{Cancel, NoProgress};
//!
//! let folder = tempfile::tempdir()?;
//! let record = r#"{"instruction": "Print the letter", "output": "1. Open **File**.\n2. Click Print."}"#;
//! std::fs::write(folder.path().join("records.jsonl"), record)?;
//! let output = folder.path().join("imported");
//! let stats = import(ImportFormat::Alpaca, folder.path(), &output, &NoProgress, &Cancel::default())?;
//! assert_eq!((&stats["task_plans"], &stats["unreadable"]), (&1.into(), &0.into()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod plans;
pub mod trajectories;

mod aside;
mod duplicate;
mod english;
mod error;
mod import;
mod pair;
mod stage;

pub use aside::{Rejected, Rejection, Unreadable};
pub use error::CollectError;
pub use import::{ImportFormat, SourceConfig, SourceKind, import};
pub use stage::register;
