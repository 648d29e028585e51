//! Arguments of the commands about one model: evaluated, exported, watched, looked into.

use std::path::PathBuf;

use clap::builder::RangedU64ValueParser;
use clap::{Args, Subcommand, ValueEnum};
use lam_inference::Dtype;

use super::{PageArgs, SettingArgs, StartArgs};

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
    #[command(flatten)]
    pub settings: SettingArgs,
    #[command(flatten)]
    pub start: StartArgs,
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
    /// Numbers that the model is asked in: auto (those in which its weights lie), float32 or bfloat16; on a GPU always
    /// bfloat16.
    #[arg(long, value_name = "DTYPE", default_value_t = Dtype::Auto)]
    pub dtype: Dtype,
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
