//! Arguments of the commands that only look: comparisons, lists, completions and manual pages.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use lam_pipeline::RUNS_DIR;

/// Arguments of `compare`.
#[derive(Args)]
pub struct CompareArgs {
    /// Run directories, such as runs/quickstart; the others are held against the first.
    #[arg(required = true, num_args = 2.., value_name = "RUN")]
    pub runs: Vec<PathBuf>,
    /// Write the comparison as a self-contained page too.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

/// What is listed.
#[derive(Subcommand)]
pub enum ListCommand {
    /// Environments to act in.
    Environments,
    /// Families of tasks of an environment.
    Families {
        /// Environment, as in `list environments` (default: all of them).
        #[arg(long = "env", value_name = "ENV")]
        environment: Option<String>,
    },
    /// Shapes of models that can be made from nothing, and models that runs have made.
    Models {
        /// Folder of all runs.
        #[arg(long, value_name = "DIR", default_value = RUNS_DIR)]
        runs_dir: PathBuf,
    },
    /// Formats of other people's records that `data import` reads.
    Formats,
    /// Kinds of stages: what each takes, what model it makes, how many settings it has.
    Configs,
    /// Pipelines inside the program.
    Pipelines,
}
