//! Arguments of the commands that run: pipelines, and one phase alone.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use lam_pipeline::{NamedCheckpoint, RUNS_DIR, ReportTo};

use super::{SettingArgs, StartArgs};

/// A pipeline and the settings laid over it.
#[derive(Args)]
pub struct PipelineArgs {
    /// A pipeline file, or the name of an embedded one (quickstart, seeds, full, rounds, phase4, sampled, ablations, ablations-seeds, writer, writer-seeds, miniwob, miniwob-seeds, miniwob-shares, mistral-7b, own-environment; writer-smoke, miniwob-smoke, mistral-7b-smoke).
    pub pipeline: String,
    /// Lay a setting over the pipeline: STAGE.KEY=VALUE, or a top-level key such as seed=7.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Folder of all runs.
    #[arg(long, value_name = "DIR", default_value = RUNS_DIR)]
    pub runs_dir: PathBuf,
}

/// The part of a pipeline that is asked for.
#[derive(Args, Clone)]
pub struct PartArgs {
    /// Start at this stage; what stands before it must be done.
    #[arg(long, value_name = "STAGE")]
    pub from: Option<String>,
    /// Stop after this stage.
    #[arg(long, value_name = "STAGE")]
    pub until: Option<String>,
    /// This stage and those that it needs, and no other; `seed-N/STAGE` is that of one seed.
    #[arg(long, value_name = "STAGE", conflicts_with_all = ["from", "until"])]
    pub only: Option<String>,
}

/// Arguments of `plan`.
#[derive(Args)]
pub struct PlanArgs {
    #[command(flatten)]
    pub pipeline: PipelineArgs,
    #[command(flatten)]
    pub part: PartArgs,
    /// Leave out of account what other runs have made.
    #[arg(long)]
    pub no_reuse: bool,
}

/// Arguments of `clean`.
#[derive(Args)]
pub struct CleanArgs {
    /// Folder of all runs.
    #[arg(long, value_name = "DIR", default_value = RUNS_DIR)]
    pub runs_dir: PathBuf,
    /// Remove those that a run holds too: runs keep what they have, and later ones make all of it again.
    #[arg(long)]
    pub all: bool,
    /// Say what would go, and remove nothing.
    #[arg(long)]
    pub dry_run: bool,
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
    #[arg(long, value_name = "DIR", default_value = RUNS_DIR)]
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
    #[command(flatten)]
    pub part: PartArgs,
    /// Run this stage from the start even if its result, or unfinished work, is there (repeatable).
    #[arg(long, value_name = "STAGE")]
    pub force: Vec<String>,
    /// Make everything in this run: take nothing that other runs have made, and leave nothing for them.
    #[arg(long)]
    pub no_reuse: bool,
    /// Go on from this checkpoint instead of the last one, as with `resume_from_checkpoint` in TRL: a directory such as
    /// training/checkpoint-100, of a run with the same settings and data; STAGE is the one that goes on from it, needed where
    /// the directory lies in no stage of this run and several stages train.
    #[arg(long, value_name = "[STAGE=]DIR", value_parser = parse_checkpoint)]
    pub resume: Option<NamedCheckpoint>,
    /// Trackers that figures of training go to, in trackers/ of the run directory: tensorboard, wandb (offline), mlflow, all,
    /// none, or several with commas (default: as the pipeline says, else tensorboard). No result depends on it.
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

/// Arguments of the phases, each of which is a small pipeline.
#[derive(Args)]
pub struct PhaseArgs {
    /// Configuration file (TOML), or the name of one in the program (phase1 to phase4; own-data for phase 2 from records of
    /// your own); its `[inputs]` table may name the inputs.
    #[arg(short, long, value_name = "FILE | NAME")]
    pub config: PathBuf,
    /// Model to start from: a directory in Hugging Face layout, or `OWNER/NAME[@REVISION]` on the hub. Phase 2 makes one
    /// from nothing where none is named and the configuration says how, in its `[base]` table.
    #[arg(long, value_name = "DIR|ID")]
    pub model: Option<PathBuf>,
    /// Adapter in PEFT's form over that model: it is trained further, or merged with `lora.create_new_adapter = true`.
    #[arg(long, value_name = "DIR")]
    pub adapter: Option<PathBuf>,
    /// Data to train on (repeatable).
    #[arg(long, value_name = "PATH")]
    pub data: Vec<PathBuf>,
    #[command(flatten)]
    pub settings: SettingArgs,
    /// Leave out rows that must not be trained on, as `data check` finds them, instead of refusing the data.
    #[arg(long)]
    pub skip_bad: bool,
    /// Go on from the last checkpoint (auto), start again (never), or go on from the checkpoint that is named, of a run
    /// with the same settings and data.
    #[arg(long, value_name = "auto|never|[STAGE=]DIR", default_value = "auto", value_parser = parse_resume)]
    pub resume: Resume,
    /// Trackers that figures of training go to, in trackers/ of the output directory: tensorboard, wandb (offline), mlflow,
    /// all, none, or several with commas (default: as the settings say, else tensorboard). No result depends on it.
    #[arg(long, value_name = "TRACKERS")]
    pub report_to: Option<ReportTo>,
    #[command(flatten)]
    pub start: StartArgs,
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
