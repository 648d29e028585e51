//! The command line, as it is typed. What each command does stands in `command/`.

mod look;
mod push;
mod serve;

use std::path::PathBuf;

use clap::builder::RangedU64ValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use lam_cuda::{DeviceChoice, Numerics};
use lam_pipeline::{NamedCheckpoint, ReportTo};

pub use look::{CompareArgs, ListCommand};
pub use push::PushArgs;
pub use serve::{PageArgs, ServeCommand, ServeEnvArgs, ServeModelArgs, WatchArgs};

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
    Plan(PipelineArgs),
    /// Say what has run, when, for how long, with which result; what runs now, and how long it still takes.
    Status(StatusArgs),
    /// Draw the stages and what flows between them.
    Graph(GraphArgs),
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

/// A pipeline and the settings laid over it.
#[derive(Args)]
pub struct PipelineArgs {
    /// A pipeline file, or the name of an embedded one (quickstart, seeds, full, rounds, phase4, ablations, ablations-seeds, writer, miniwob, mistral-7b, own-environment; writer-smoke, miniwob-smoke, mistral-7b-smoke).
    pub pipeline: String,
    /// Lay a setting over the pipeline: STAGE.KEY=VALUE, or a top-level key such as seed=7.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Folder of all runs.
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub runs_dir: PathBuf,
}

/// Arguments of `status`.
#[derive(Args)]
pub struct StatusArgs {
    /// A pipeline file, the name of an embedded one, or a run directory such as runs/quickstart.
    pub pipeline: String,
    /// Lay a setting over the pipeline: STAGE.KEY=VALUE, or a top-level key such as name=other.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Folder of all runs.
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub runs_dir: PathBuf,
}

impl StatusArgs {
    /// What was typed, as of a pipeline.
    pub fn pipeline(&self) -> PipelineArgs {
        PipelineArgs { pipeline: self.pipeline.clone(), set: self.set.clone(), runs_dir: self.runs_dir.clone() }
    }
}

/// Arguments of `run`.
#[derive(Args)]
pub struct RunArgs {
    #[command(flatten)]
    pub pipeline: PipelineArgs,
    /// Start at this stage; what stands before it must be done.
    #[arg(long, value_name = "STAGE")]
    pub from: Option<String>,
    /// Stop after this stage.
    #[arg(long, value_name = "STAGE")]
    pub until: Option<String>,
    /// Run this stage from the start even if its result, or unfinished work, is there (repeatable).
    #[arg(long, value_name = "STAGE")]
    pub force: Vec<String>,
    /// Go on from this checkpoint instead of the last one, as with `resume_from_checkpoint` in TRL: a directory such as
    /// training/checkpoint-100, of a run with the same settings and data; STAGE is the one that goes on from it, needed where
    /// the directory lies in no stage of this run and several stages train.
    #[arg(long, value_name = "[STAGE=]DIR", value_parser = parse_checkpoint)]
    pub resume: Option<NamedCheckpoint>,
    /// Trackers that figures of training go to, in trackers/ of the run directory: tensorboard, mlflow, all, none, or several
    /// with commas (default: as the pipeline says, else tensorboard). No result depends on it.
    #[arg(long, value_name = "TRACKERS")]
    pub report_to: Option<ReportTo>,
    /// Say what would run, and why, and stop.
    #[arg(long)]
    pub dry_run: bool,
}

/// A checkpoint, perhaps with the stage that resumes from it: a stage's name has no `/`.
fn parse_checkpoint(text: &str) -> Result<NamedCheckpoint, String> {
    let (stage, directory) = match text.split_once('=') {
        Some((stage, directory)) if !stage.is_empty() && !stage.contains('/') => (Some(stage), directory),
        _ => (None, text),
    };
    if directory.is_empty() {
        return Err("name a checkpoint's directory".into());
    }
    Ok(NamedCheckpoint { stage: stage.map(str::to_owned), directory: directory.into() })
}

/// How a graph is drawn.
#[derive(Clone, Copy, ValueEnum)]
pub enum GraphFormat {
    /// Lines of text.
    Text,
    /// Mermaid, as Markdown viewers draw it.
    Mermaid,
}

/// Arguments of `graph`.
#[derive(Args)]
pub struct GraphArgs {
    #[command(flatten)]
    pub pipeline: PipelineArgs,
    /// How it is drawn.
    #[arg(long, value_enum, default_value = "text")]
    pub format: GraphFormat,
}

/// What `--force` without a stage means.
pub const ALL_STAGES: &str = "*";

/// Arguments of the phases, each of which is a small pipeline.
#[derive(Args)]
pub struct PhaseArgs {
    /// Configuration file (TOML); its `[inputs]` table may name the inputs.
    #[arg(short, long, value_name = "FILE")]
    pub config: PathBuf,
    /// Model to start from: a directory in Hugging Face layout, or `OWNER/NAME[@REVISION]` on the hub.
    #[arg(long, value_name = "DIR|ID")]
    pub model: Option<PathBuf>,
    /// Adapter in PEFT's form over that model: it is trained further, or merged with `lora.create_new_adapter = true`.
    #[arg(long, value_name = "DIR")]
    pub adapter: Option<PathBuf>,
    /// Data to train on (repeatable).
    #[arg(long, value_name = "PATH")]
    pub data: Vec<PathBuf>,
    /// Lay a setting over the configuration.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Where to write.
    #[arg(long, value_name = "DIR", default_value = "runs/manual")]
    pub output_dir: PathBuf,
    /// Leave out rows that must not be trained on, as `data check` finds them, instead of refusing the data.
    #[arg(long)]
    pub skip_bad: bool,
    /// Go on from the last checkpoint (auto), start again (never), or go on from the checkpoint that is named, of a run
    /// with the same settings and data.
    #[arg(long, value_name = "auto|never|[STAGE=]DIR", default_value = "auto", value_parser = parse_resume)]
    pub resume: Resume,
    /// Trackers that figures of training go to, in trackers/ of the output directory: tensorboard, mlflow, all, none, or
    /// several with commas (default: as the settings say, else tensorboard). No result depends on it.
    #[arg(long, value_name = "TRACKERS")]
    pub report_to: Option<ReportTo>,
    /// Run from the start even if a result, or unfinished work, is there: this stage, or all where none is named.
    #[arg(long, value_name = "STAGE", num_args = 0..=1, default_missing_value = ALL_STAGES)]
    pub force: Vec<String>,
    /// Seed of every random stream.
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
}

/// Whether unfinished work is continued.
#[derive(Clone, PartialEq, Eq)]
pub enum Resume {
    /// Continue it when there is some.
    Auto,
    /// Start again.
    Never,
    /// Continue from this checkpoint.
    From(NamedCheckpoint),
}

fn parse_resume(text: &str) -> Result<Resume, String> {
    match text {
        "auto" => Ok(Resume::Auto),
        "never" => Ok(Resume::Never),
        other => parse_checkpoint(other).map(Resume::From),
    }
}

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
    /// Check files: unknown functions, labels that are not on their screen, leaks between splits.
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
    /// Lay a setting over the configuration.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Where to write.
    #[arg(long, value_name = "DIR", default_value = "runs/manual")]
    pub output_dir: PathBuf,
    /// Run from the start even if a result, or unfinished work, is there: this stage, or all where none is named.
    #[arg(long, value_name = "STAGE", num_args = 0..=1, default_missing_value = ALL_STAGES)]
    pub force: Vec<String>,
    /// Seed of every random stream.
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
}

/// The three evaluations.
#[derive(Subcommand)]
pub enum EvalCommand {
    /// Table 2: task success rate, step precision and step recall of plans.
    Plan(EvalArgs),
    /// Table 3: object, operation and status accuracy, SSR and TSR on recorded states.
    Step(EvalArgs),
    /// Table 4: task success rate, time, steps and latency in the environment.
    Online(EvalArgs),
}

/// Arguments of the evaluations.
#[derive(Args)]
pub struct EvalArgs {
    /// Configuration file (TOML).
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Model directories to evaluate (repeatable); a row is named after the model, with run and directory where two models
    /// bear one name.
    #[arg(long, value_name = "DIR")]
    pub model: Vec<PathBuf>,
    /// Adapter in PEFT's form over the one model; the row is named after it.
    #[arg(long, value_name = "DIR")]
    pub adapter: Option<PathBuf>,
    /// Ground truth: task-plan pairs (plan) or recorded trajectories (step).
    #[arg(long, value_name = "PATH")]
    pub data: Vec<PathBuf>,
    /// Lay a setting over the configuration.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Where to write.
    #[arg(long, value_name = "DIR", default_value = "runs/manual")]
    pub output_dir: PathBuf,
    /// Run from the start even if a result, or unfinished work, is there: this stage, or all where none is named.
    #[arg(long, value_name = "STAGE", num_args = 0..=1, default_missing_value = ALL_STAGES)]
    pub force: Vec<String>,
    /// Seed of every random stream.
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
}

/// What is exported.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportKind {
    /// The LoRA adapter in PEFT's on-disk form.
    Adapter,
    /// The whole model, adapter merged.
    Merged,
    /// The reward model as sequence classification.
    Reward,
    /// The whole model, adapter merged, as one GGUF file with an Ollama Modelfile.
    Gguf,
}

/// How the matrices of a GGUF file are stored.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GgufTypeArg {
    /// 16-bit floats.
    F16,
    /// 8 bits a number.
    #[value(name = "q8_0")]
    Q8,
    /// 4 bits a number; tables, and layers whose rows are not a multiple of 256, in 8 bits.
    #[value(name = "q4_k")]
    Q4K,
}

/// Arguments of `export`.
#[derive(Args)]
pub struct ExportArgs {
    /// What to write.
    #[arg(value_enum)]
    pub kind: ExportKind,
    /// A stage's output directory, a model, or an adapter.
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,
    /// Adapter in PEFT's form over that model.
    #[arg(long, value_name = "DIR")]
    pub adapter: Option<PathBuf>,
    /// How a GGUF file's matrices are stored; f16 where nothing is said.
    #[arg(long = "type", value_enum)]
    pub gguf_type: Option<GgufTypeArg>,
    /// Licence of the exported weights by its name on the hub; the base's where it says one, else `unknown`.
    #[arg(long, value_name = "NAME")]
    pub license: Option<String>,
    /// Where to write.
    #[arg(long, value_name = "DIR")]
    pub output_dir: PathBuf,
    /// Replace an earlier export.
    #[arg(long)]
    pub force: bool,
}

/// Arguments of `act`.
#[derive(Args)]
pub struct ActArgs {
    /// What the user asks; without it a test task is drawn.
    #[arg(long)]
    pub task: Option<String>,
    /// Model directory, or `expert`.
    #[arg(long, value_name = "DIR", default_value = "expert")]
    pub model: String,
    /// Adapter in PEFT's form over that model.
    #[arg(long, value_name = "DIR")]
    pub adapter: Option<PathBuf>,
    /// Environment to act in: a registered one, remote:ws://HOST:PORT/ws, or ufo-aip:HOST:PORT.
    #[arg(long = "env", default_value = "sim")]
    pub environment: String,
    /// Application of `--env desktop`: writer, mousepad, galculator, or the path of an application's .toml file.
    #[arg(long = "app", value_name = "NAME")]
    pub application: Option<String>,
    /// Keep a picture of the screen before and after each step below this folder (desktop applications).
    #[arg(long, value_name = "DIR")]
    pub screenshots: Option<PathBuf>,
    /// Family of the drawn task, or of the start state for --task.
    #[arg(long)]
    pub family: Option<String>,
    /// Seed of the task drawn: of its family, unless --family names one, of its wording and of the start state.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Let it answer freely, without the constraint that keeps answers executable.
    #[arg(long)]
    pub unconstrained: bool,
    /// Show the episode in a browser while it is played, and after it until Ctrl-C.
    #[arg(long)]
    pub web: bool,
    #[command(flatten)]
    pub page: PageArgs,
}

/// Making and inspecting models.
#[derive(Subcommand)]
pub enum ModelCommand {
    /// Make a Mistral-shaped model with random weights, in bf16 where its configuration's `torch_dtype` says so.
    ///
    /// Weights go to their files tensor by tensor: a model may be larger than memory.
    Init {
        /// Configuration in Hugging Face's form, or the name of a shipped one (nano-1m … mistral-7b-v0.3).
        config: String,
        /// Where to write.
        #[arg(long, value_name = "DIR")]
        output_dir: PathBuf,
        /// Model directory whose tokenizer and chat template are copied beside the weights.
        #[arg(long, value_name = "DIR")]
        tokenizer: Option<PathBuf>,
        /// Seed of the weights.
        #[arg(long, default_value_t = 42)]
        seed: u64,
        /// Replace an earlier model.
        #[arg(long)]
        force: bool,
    },
    /// Print what training would need in memory, from a shape alone: the plan that is printed before a first step.
    Memory {
        /// Configuration in Hugging Face's form, or the name of a shipped one (nano-1m … mistral-7b-v0.3).
        config: String,
        /// Settings of phase 2: what is trained, and the training loop. The batch is `train.max_tokens_per_batch`, or
        /// `train.per_device_train_batch_size` samples of `train.max_length`.
        #[arg(short, long, value_name = "FILE")]
        settings: PathBuf,
    },
    /// Download a model from the hub: what is needed, resumed where it stopped, verified.
    ///
    /// Reads HF_TOKEN, HF_HOME, HF_HUB_CACHE, HF_ENDPOINT and HF_HUB_OFFLINE as Hugging Face's own tools do.
    Fetch {
        /// `OWNER/NAME[@REVISION]`
        model: String,
        /// Where to write (default: the cache that Hugging Face's tools share).
        #[arg(long, value_name = "DIR")]
        output_dir: Option<PathBuf>,
    },
    /// Print architecture, parameters, types, shards, tokenizer, template and memory of a model, from its headers.
    Inspect {
        /// Model directory in Hugging Face layout, or `OWNER/NAME[@REVISION]` on the hub.
        #[arg(value_name = "DIR|ID")]
        model: String,
        /// Adapter in PEFT's form over a model in a directory.
        #[arg(long, value_name = "DIR")]
        adapter: Option<PathBuf>,
        /// Tokens of a training batch, and of a generated sequence, that the memory is told for.
        #[arg(long, default_value_t = 2048, value_parser = RangedU64ValueParser::<usize>::new().range(1..=16_777_216))]
        tokens: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_before_a_checkpoint_is_no_directory() {
        for (text, stage, directory) in [
            ("lam2=runs/x/checkpoint-100", Some("lam2"), "runs/x/checkpoint-100"),
            ("lam2=a=b", Some("lam2"), "a=b"),
            ("runs/lr=1e-4/lam2/checkpoint-100", None, "runs/lr=1e-4/lam2/checkpoint-100"),
            ("./lr=1e-4", None, "./lr=1e-4"),
        ] {
            let found = parse_checkpoint(text).unwrap();
            assert_eq!((found.stage.as_deref(), found.directory.to_str()), (stage, Some(directory)));
        }
        assert!(parse_checkpoint("lam2=").is_err());
    }
}
