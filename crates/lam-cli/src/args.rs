//! The command line, as it is typed. What each command does stands in `command/`.

mod data;
mod home;
mod look;
mod model;
mod pipeline;
mod push;
mod serve;
mod stage;

use std::path::PathBuf;

use clap::builder::RangedU64ValueParser;
use clap::{Parser, Subcommand};
use clap_complete::Shell;
use lam_cuda::{DeviceChoice, Numerics};

pub use data::{CollectArgs, DataCommand, ShowArgs};
pub use home::{home_is_left, left_home};
pub use look::{CompareArgs, ListCommand};
pub use model::{ActArgs, EvalArgs, EvalCommand, ExportArgs, ExportKind, GgufTypeArg, ModelCommand};
pub use pipeline::{
    CleanArgs, GraphArgs, GraphFormat, PartArgs, PhaseArgs, PipelineArgs, PlanArgs, Resume, RunArgs, StatusArgs,
};
pub use push::PushArgs;
pub use serve::{PageArgs, ServeCommand, ServeEnvArgs, ServeModelArgs, TokenArgs, WatchArgs};
pub use stage::{ALL_STAGES, SettingArgs, StartArgs};

/// Trains Large Action Models: from a base model, documentation and an application to LAM4.
#[derive(Parser)]
#[command(name = "lam-train", version, propagate_version = true, arg_required_else_help = true)]
#[command(after_help = "Start here:  lam-train run quickstart\n\
    Exit codes:  0 ok · 1 runtime · 2 usage or config · 3 data · 4 resume mismatch · 5 budget · 130 interrupted")]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Print results as JSON on stdout, and progress as JSON lines on stderr.
    #[arg(long, global = true)]
    pub json: bool,
    /// Print results and errors alone: no progress, no command to go on with.
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Worker threads (default: one a core).
    #[arg(long, global = true, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(1..=1024))]
    pub threads: Option<usize>,
    /// Where models compute: auto, cpu, cuda, cuda:N (default: as the pipeline says, else auto).
    #[arg(long, global = true, value_name = "DEVICE")]
    pub device: Option<DeviceChoice>,
    /// How products in bf16 are summed: fast, or portable, the same bits on every processor (default: as the pipeline says, else fast).
    #[arg(long, global = true, value_name = "NUMERICS")]
    pub numerics: Option<Numerics>,
}

/// The commands.
#[derive(Subcommand)]
pub enum Command {
    /// Run a pipeline: only what is not done yet, resuming where it stopped.
    Run(RunArgs),
    /// Say what `run` would do, and why.
    Plan(PlanArgs),
    /// Say what has run, when, for how long, with which result; what runs now, and how long it still takes.
    Status(StatusArgs),
    /// Draw the stages and what flows between them.
    Graph(GraphArgs),
    /// Remove what runs left for other runs in runs/.cache and none of them holds any more.
    Clean(CleanArgs),
    /// Phase 1: task-plan pretraining, base to LAM1.
    Phase1(PhaseArgs),
    /// Phase 2: imitation of expert trajectories, LAM1 to LAM2.
    Phase2(PhaseArgs),
    /// Phase 3: exploration of the expert's failures and self-boosting, LAM2 to LAM3.
    Phase3(PhaseArgs),
    /// Phase 4: reward model, then offline PPO, LAM3 to LAM4.
    Phase4(PhaseArgs),
    /// Collect, check and look at training data.
    #[command(subcommand)]
    Data(DataCommand),
    /// Evaluate models as the paper's Tables 2, 3 and 4 do.
    #[command(subcommand)]
    Eval(EvalCommand),
    /// Build report.html and report.json of a run.
    Report {
        /// A run directory, such as runs/quickstart.
        run: PathBuf,
        /// Where to write them (default: into the run directory).
        #[arg(long, value_name = "DIR")]
        output_dir: Option<PathBuf>,
    },
    /// Serve the report of a run while it goes on, with the curves of the stage under way; reads alone, until Ctrl-C.
    Watch(WatchArgs),
    /// Set runs beside each other: settings that differ, tables with the differences and their intervals, families.
    Compare(CompareArgs),
    /// List what can be named: environments, families, models, formats, kinds of stages, pipelines.
    #[command(subcommand)]
    List(ListCommand),
    /// Write a model in Hugging Face's layout or as GGUF, reload it and compare.
    Export(ExportArgs),
    /// Send a run's exports, its data or a directory to the Hugging Face hub.
    ///
    /// What the hub has already is not sent again, so that the same command goes on after a stop; all files appear in
    /// one commit, and what the hub lists then is compared. Files that hold keys are refused, and links that lead
    /// elsewhere. Reads HF_TOKEN, HF_HOME, HF_ENDPOINT and HF_HUB_OFFLINE as Hugging Face's own tools do.
    Push(PushArgs),
    /// Watch a model do one task.
    Act(ActArgs),
    /// Serve a model or an environment to others.
    #[command(subcommand)]
    Serve(ServeCommand),
    /// Make a model from nothing, fetch one from the Hugging Face hub, or look into one.
    #[command(subcommand)]
    Model(ModelCommand),
    /// Follow an artifact back to everything it was made from.
    Lineage {
        /// A stage's output directory, or a file in it.
        artifact: PathBuf,
    },
    /// Say what a kind of stage may be told: its keys, their defaults and what they mean.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Say what this machine offers: threads, instructions, memory, versions.
    Doctor,
    /// Print the completions of a shell: `source <(lam-train completions bash)`.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Write a manual page for every command.
    Man {
        /// Where to write.
        #[arg(value_name = "DIR")]
        directory: PathBuf,
    },
}

/// Looking into settings.
#[derive(Subcommand)]
pub enum ConfigCommand {
    /// Print every key with its default and its help, as TOML.
    Show {
        /// A kind of stage, such as phase2 or eval.online.
        kind: String,
    },
    /// Print the JSON schema of a kind's settings, of all kinds by name, or of whole pipelines.
    ///
    /// Editors complete and check a pipeline by it: `lam-train config schema pipeline > pipeline.schema.json`, and
    /// `#:schema pipeline.schema.json` as the first line of the file.
    Schema {
        /// A kind of stage, such as phase2 or eval.online, or `pipeline`.
        kind: Option<String>,
    },
}
