//! Why exploration stops.

use std::path::PathBuf;

use lam_agent::AgentError;
use lam_data::DataError;
use lam_env::EnvError;
use lam_signal::{Details, Fault, FaultKind};
use lam_store::StoreError;

/// Why exploration stops.
#[derive(Debug, thiserror::Error)]
pub enum ExploreError {
    /// There is nothing to explore.
    NoFailures {
        /// The file of failures.
        path: PathBuf,
        /// Failed tasks in all files.
        found: usize,
        /// How many of them the configuration passes over.
        skipped: usize,
        /// Failed tasks of the other sets, which are not explored.
        held_out: usize,
    },
    /// A directory of an earlier round that holds none.
    NotExplored {
        /// The directory.
        path: PathBuf,
    },
    /// An episode of an earlier round that is not of this exploration.
    OtherTask {
        /// The file.
        path: PathBuf,
        /// Row, counted from 0.
        row: usize,
        /// The column.
        column: &'static str,
        /// What stands there.
        value: String,
        /// Why that cannot be.
        reason: String,
        /// What to do.
        hint: &'static str,
    },
    /// A way needs somebody who is not there.
    Nobody {
        /// The way.
        way: &'static str,
    },
    /// There is no task-plan pair to learn from.
    NoTrainingPairs {
        /// The files of task-plan pairs.
        paths: Vec<PathBuf>,
        /// Pairs of the other sets in them.
        found: usize,
    },
    /// The pairs hold no procedure that could be followed here.
    NoProcedures {
        /// The files of task-plan pairs.
        paths: Vec<PathBuf>,
        /// The applications of the tasks, and the environment's name.
        wanted: Vec<String>,
        /// Training pairs in all files.
        found: usize,
        /// The applications that they are about.
        applications: Vec<String>,
    },
    /// Plans cannot be followed in this environment.
    Environment(EnvError),
    /// Somebody asked to stop while plans were written.
    Cancelled,
    /// What an earlier round says of itself cannot be read.
    Data(#[from] DataError),
    /// Every try succeeded or every try failed to start.
    Agent(#[from] AgentError),
    /// A file cannot be read or written.
    Store(#[from] StoreError),
}

impl Fault for ExploreError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::NoFailures { .. }
            | Self::NotExplored { .. }
            | Self::OtherTask { .. }
            | Self::NoTrainingPairs { .. }
            | Self::NoProcedures { .. } => FaultKind::Data,
            Self::Nobody { .. } => FaultKind::Config,
            Self::Environment(error) => error.kind(),
            Self::Cancelled => FaultKind::Cancelled,
            Self::Data(error) => error.kind(),
            Self::Agent(error) => error.kind(),
            Self::Store(error) => error.kind(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::NoFailures { path, found: 0, held_out, .. } if *held_out > 0 => {
                Details::new(format!("holds {held_out} tasks that failed, none of them of the training set"))
                    .at(path.display())
                    .hint("what exploration finds is trained on: give it the expert's failures at training tasks")
            }
            Self::NoFailures { path, found, skipped, .. } => Details::new(format!(
                "holds {found} tasks that failed, of which {skipped} are to be passed over: none is left"
            ))
            .at(path.display())
            .hint("phase 3 explores the tasks at which the expert failed; collect more of them"),
            Self::NotExplored { path } => {
                Details::new("holds no exploration: `success.parquet` and `coverage.json` are not both there")
                    .at(path.display())
                    .hint("name the directory of a stage of kind phase3.explore, or its files of trajectories")
            }
            Self::OtherTask { path, row, column, value, reason, hint } => {
                Details::new(format!("row {row}, column `{column}`: `{value}`"))
                    .at(path.display())
                    .because(reason)
                    .hint(*hint)
            }
            Self::Nobody { way } => Details::new(format!("nobody explores by `{way}`"))
                .hint("`plans` needs a planner, `documentation` task-plan pairs, `tries` a model"),
            Self::NoTrainingPairs { paths, found } => {
                Details::new(format!("holds no task-plan pair of the training set ({found} of other sets)"))
                    .at_files(paths)
                    .hint(
                        "`documentation` follows the pairs that a stage `plans` keeps for training: lower its \
                         `test_fraction`, give it more documents, or leave `documentation` out of `ways`",
                    )
            }
            Self::NoProcedures { paths, wanted, found, applications } => {
                let (wanted, applications) = (listed(wanted), listed(applications));
                let what = format!("hold {found} training pairs, none about {wanted} (they are about {applications})");
                Details::new(what).at_files(paths).hint(
                    "name the plans of the application that is explored, set the `application` of their source to \
                         its name, or leave `documentation` out of `ways`",
                )
            }
            Self::Environment(error) => error.details(),
            Self::Cancelled => Details::new("stopped on request"),
            Self::Data(error) => error.details(),
            Self::Agent(error) => error.details(),
            Self::Store(error) => error.details(),
        }
    }
}

lam_signal::display_details!(ExploreError);

/// Names, as errors and notes list them.
pub(crate) fn listed(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
