//! Arguments of `push`.

use std::path::PathBuf;

use clap::{ArgGroup, Args};

/// Arguments of `push`.
#[derive(Args)]
#[command(group = ArgGroup::new("part").args(["adapter", "merged", "reward", "gguf", "dataset", "all"]))]
pub struct PushArgs {
    /// A run, of which one of the options below says what is sent, or a directory, which is sent as it stands.
    #[arg(value_name = "RUN | DIR")]
    pub source: PathBuf,
    /// Repository on the hub; it is made where there is none.
    #[arg(value_name = "OWNER/NAME")]
    pub repository: String,
    /// Make the repository private; one that is there and public is refused.
    #[arg(long)]
    pub private: bool,
    /// Send the run's exported adapter.
    #[arg(long)]
    pub adapter: bool,
    /// Send the run's exported merged model.
    #[arg(long)]
    pub merged: bool,
    /// Send the run's exported reward model.
    #[arg(long)]
    pub reward: bool,
    /// Send the run's exported GGUF file.
    #[arg(long)]
    pub gguf: bool,
    /// Send the run's tables (plans, trajectories, tasks, episodes of evaluations) as a data set with a card; a
    /// directory as a data set.
    #[arg(long)]
    pub dataset: bool,
    /// Send all that the run has, each to its own repository: the adapter to NAME, the others to NAME-merged,
    /// NAME-reward, NAME-GGUF and NAME-dataset.
    #[arg(long)]
    pub all: bool,
    /// Licence on the card of a run's data set, as the hub knows it (default: apache-2.0 where the data is all our
    /// own).
    #[arg(long, value_name = "ID")]
    pub license: Option<String>,
    /// Send a directory's training checkpoints and optimizer states too.
    #[arg(long)]
    pub checkpoints: bool,
    /// What the commit says of itself.
    #[arg(long, value_name = "TEXT")]
    pub message: Option<String>,
    /// Say what would be sent where, without asking the hub, and stop: without network and token too.
    #[arg(long)]
    pub dry_run: bool,
}
