//! Arguments of the commands about data.

use std::path::PathBuf;

use clap::builder::RangedU64ValueParser;
use clap::{Args, Subcommand};

use super::{SettingArgs, StartArgs};

/// Looking after training data.
#[derive(Subcommand)]
pub enum DataCommand {
    /// Make task-plan pairs of documentation: an environment's own, and sources on disk.
    #[command(alias = "plans")]
    Build(CollectArgs),
    /// Read other people's records: trajectories, or requests with steps.
    Import {
        /// Their format: gui360, mind2web, ufo-dataflow, messages, sharegpt or alpaca.
        format: String,
        /// A file, or a folder: JSON, JSON lines or Parquet, compressed or not.
        path: PathBuf,
        /// Where to write.
        #[arg(long, value_name = "DIR", default_value = "runs/manual/import")]
        output_dir: PathBuf,
    },
    /// Let the expert do tasks and record what it does.
    #[command(alias = "trajectories")]
    Collect(CollectArgs),
    /// Check files: unknown functions, controls that are not on their screen or cannot be used there, leaks between splits.
    Check {
        /// Parquet files, or stage directories.
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        /// Model whose tokenizer is used to look for examples without a trained token.
        #[arg(long, value_name = "DIR")]
        model: Option<PathBuf>,
        /// Findings of a kind that are told; all are counted.
        #[arg(long, value_name = "N", default_value_t = 1000, value_parser = RangedU64ValueParser::<usize>::new().range(..=1_000_000_000))]
        max_findings: usize,
    },
    /// Show examples as the model is trained on them, trained tokens coloured, with the counts.
    Preview {
        /// A Parquet file of task-plan pairs or trajectories, or a stage directory.
        path: PathBuf,
        /// Model whose tokenizer and template are used.
        #[arg(long, value_name = "DIR")]
        model: PathBuf,
        /// How many examples.
        #[arg(long, default_value_t = 1, value_parser = RangedU64ValueParser::<usize>::new().range(..=1_000_000_000))]
        count: usize,
    },
    /// Count rows, families, sources and lengths.
    Stats {
        /// Parquet files, or stage directories.
        #[arg(required = true)]
        paths: Vec<PathBuf>,
        /// Model whose tokenizer counts the tokens.
        #[arg(long, value_name = "DIR")]
        model: Option<PathBuf>,
    },
    /// Print rows of a file, trajectories step by step, as `act` prints them; with --json as they are stored.
    Show(ShowArgs),
}

/// Arguments of `data show`.
#[derive(Args)]
pub struct ShowArgs {
    /// A Parquet file of task-plan pairs or trajectories, or a stage directory.
    pub path: PathBuf,
    /// First row (or trajectory) to print, of those that fit.
    #[arg(long, default_value_t = 0, value_parser = RangedU64ValueParser::<usize>::new().range(..=1_000_000_000))]
    pub skip: usize,
    /// How many of each file.
    #[arg(long, default_value_t = 1, value_parser = RangedU64ValueParser::<usize>::new().range(..=1_000_000_000))]
    pub count: usize,
    /// Only rows whose id begins with this, as a report names it.
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,
    /// Only rows of this family of tasks.
    #[arg(long, value_name = "NAME")]
    pub family: Option<String>,
    /// Only trajectories that did not complete their task.
    #[arg(long)]
    pub failed: bool,
}

impl ShowArgs {
    /// Whether only some rows are asked for.
    pub fn narrows(&self) -> bool {
        self.id.is_some() || self.family.is_some() || self.failed
    }
}

/// Arguments of the collecting commands.
#[derive(Args)]
pub struct CollectArgs {
    /// Configuration file (TOML).
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    #[command(flatten)]
    pub settings: SettingArgs,
    #[command(flatten)]
    pub start: StartArgs,
}
