//! Runs declarative pipelines: stages with inputs by name, cached by content, resumable at any moment.
//!
//! Knows no machine learning: a stage is a kind, named inputs, settings and one function ([`Stage`]), written
//! in a crate of its own and registered with one line. A result lies in
//! `runs/<pipeline>/<stage>/` with a manifest; unfinished work in `<stage>.partial` beside it; what happened in
//! `events.jsonl`; figures of training, for trackers, in `trackers/`. A stage runs again only if its configuration, code,
//! seed or inputs differ by content, and not at all if another run in the same directory has made that result: those lie
//! in `runs/.cache/`.
//!
//! ```no_run
//! use lam_pipeline::{NoView, Pipeline, Registry, RunOptions, run};
//! let registry = Registry::default();
//! let pipeline = Pipeline::load("pipelines/quickstart.toml".as_ref(), &["lam2.train.learning_rate=1e-3".to_string()])?;
//! run(&pipeline, &registry, &RunOptions::default(), &NoView)?;
//! # Ok::<(), lam_pipeline::PipelineError>(())
//! ```

mod attempt;
mod check;
mod checkpoint;
mod code;
mod decide;
mod error;
mod file;
mod fingerprint;
mod graph;
mod journal;
mod kind;
mod live_progress;
mod lock;
mod options;
mod origins;
mod page;
mod plan;
mod processor;
mod reason;
mod recorder;
mod registry;
mod remaining;
mod run;
mod schema;
mod stage;
mod status;
mod summary;
mod tracker;
mod view;

pub use check::check;
pub use code::{Code, CrateCode};
pub use error::PipelineError;
pub use file::{InputSource, Pipeline, ReadText, StageDraft, StageSpec};
pub use graph::{GraphFormat, GraphNode, graph, nodes};
pub use journal::JOURNAL_FILE;
pub use live_progress::LiveProgress;
pub use lock::is_running;
pub use options::{NamedCheckpoint, RUNS_DIR, RunOptions};
pub use plan::{Plan, PlannedStage, StageAction, plan};
pub use reason::{ConfigChange, Reason};
pub use registry::Registry;
pub use remaining::Remaining;
pub use run::run;
pub use stage::{InputCounts, InputSpec, Settings, Stage, StageContext};
pub use status::{StageState, StageStatus, Status, status, status_of_run};
pub use summary::{Outcome, RunSummary, StageOutcome, format_seconds};
pub use tracker::{ReportTo, Tracker, UnknownTracker, wandb_runs_to_sync};
pub use view::{JsonView, LineView, LiveView, NoView, StageView, View, view_for_stderr};
