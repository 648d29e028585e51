//! Options of the commands that run stages outside a pipeline: phases, evaluations, collecting.

use std::path::PathBuf;

use clap::Args;

/// What `--force` without a stage means.
pub const ALL_STAGES: &str = "*";

/// Settings over those of a file, and where results go.
#[derive(Args)]
pub struct SettingArgs {
    /// Lay a setting over the configuration.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Where to write.
    #[arg(long, value_name = "DIR", default_value = "runs/manual")]
    pub output_dir: PathBuf,
}

/// From where a stage starts.
#[derive(Args)]
pub struct StartArgs {
    /// Run from the start even if a result, or unfinished work, is there: this stage, or all where none is named.
    #[arg(long, value_name = "STAGE", num_args = 0..=1, default_missing_value = ALL_STAGES)]
    pub force: Vec<String>,
    /// Seed of every random stream.
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
}
