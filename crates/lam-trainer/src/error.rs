//! Why training stops before its end, told with the sample, the key or the file that is to blame.

use std::path::PathBuf;

use lam_signal::{Details, Failure, Fault, FaultKind};
use lam_store::StoreError;

/// Why training stops before its end.
#[derive(Debug, thiserror::Error)]
pub enum TrainerError {
    /// The arguments contradict themselves or each other.
    Arguments {
        /// Name of the argument.
        key: &'static str,
        /// Its value.
        value: String,
        /// What is wrong.
        reason: String,
        /// What to do, or "".
        hint: &'static str,
    },
    /// An argument is out of its range.
    Config(#[from] lam_config::ConfigError),
    /// One sample cannot be trained on.
    Sample {
        /// Id of the sample.
        sample_id: String,
        /// What is wrong.
        reason: String,
        /// What to do, or "".
        hint: &'static str,
    },
    /// There is nothing to train on.
    NoSamples,
    /// The files hold no row of the train split.
    NoRows {
        /// The files.
        files: Vec<PathBuf>,
        /// What to do.
        hint: &'static str,
    },
    /// The loss or the gradient is not a number.
    NotFinite {
        /// The optimizer step, from 1; 0 before the first.
        step: u64,
        /// `loss`, `grad_norm` or `eval_loss`.
        what: &'static str,
        /// Its value.
        value: f64,
        /// Samples of the whole step.
        sample_ids: Vec<String>,
    },
    /// A trainable variable that the loss does not reach.
    NoGradient {
        /// The variable.
        name: String,
    },
    /// The plan does not fit into the memory that may be used.
    Memory {
        /// What the plan adds up to.
        needed_mib: u64,
        /// The limit.
        limit_mib: u64,
        /// Whose limit it is.
        limit: &'static str,
        /// The plan, one line an item.
        plan: String,
        /// What would make it fit.
        hint: String,
    },
    /// The checkpoint was made by another run.
    ResumeMismatch {
        /// The checkpoint.
        path: PathBuf,
        /// One line a key: the key, its value in the checkpoint, its value now.
        differences: String,
    },
    /// A file of a checkpoint cannot be used.
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The caller's evaluator could not measure the model.
    Evaluation(Failure),
    /// Somebody asked to stop; a checkpoint was written.
    Cancelled {
        /// Steps done.
        step: u64,
    },
    /// A file cannot be read or written.
    Store(#[from] StoreError),
    /// A tokenizer's files cannot be read.
    Prompt(#[from] lam_prompt::PromptError),
    /// The model failed.
    Model(#[from] lam_model::ModelError),
    /// A tensor operation failed.
    Tensor(#[from] candle_core::Error),
}

impl TrainerError {
    /// For a sample that cannot be trained on.
    pub fn sample(sample_id: &str, reason: impl Into<String>) -> Self {
        Self::sample_with_hint(sample_id, reason, "")
    }

    /// The same, with what to do about it.
    pub fn sample_with_hint(sample_id: &str, reason: impl Into<String>, hint: &'static str) -> Self {
        Self::Sample { sample_id: sample_id.into(), reason: reason.into(), hint }
    }

    /// The same, where it happened at this step.
    pub(crate) fn at_step(self, now: u64) -> Self {
        match self {
            Self::NotFinite { what, value, sample_ids, .. } => Self::NotFinite { step: now, what, value, sample_ids },
            other => other,
        }
    }
}

/// A loader or module is given the state of another.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no state of {what}: {state}")]
pub struct ForeignState {
    what: &'static str,
    state: String,
}

impl ForeignState {
    /// `state` is not one of `what`.
    pub fn new(what: &'static str, state: &serde_json::Value) -> Self {
        Self { what, state: state.to_string() }
    }
}

impl Fault for TrainerError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::Arguments { .. } | Self::Config(_) => FaultKind::Config,
            Self::Sample { .. } | Self::NoSamples | Self::NoRows { .. } | Self::Checkpoint { .. } => FaultKind::Data,
            Self::Memory { .. } => FaultKind::Budget,
            Self::ResumeMismatch { .. } => FaultKind::Resume,
            Self::Evaluation(failure) => failure.kind(),
            Self::Cancelled { .. } => FaultKind::Cancelled,
            Self::Store(error) => error.kind(),
            Self::Prompt(error) => error.kind(),
            Self::Model(error) => error.kind(),
            _ => FaultKind::Runtime,
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::Arguments { key, value, reason, hint } => {
                Details::new(format!("training argument `{key}`")).found(value).because(reason).hint(hint)
            }
            Self::Config(error) => error.details(),
            Self::Sample { sample_id, reason, hint } => {
                Details::new(format!("sample `{sample_id}`")).because(reason).hint(hint)
            }
            Self::NoSamples => Details::new("no training sample")
                .hint("look at the data stage's counts; every sample was dropped or none was made"),
            Self::NoRows { files, hint } => Details::new("no row of the train split").at_files(files).hint(hint),
            Self::NotFinite { step, what, value, sample_ids } => {
                Details::new(format!("{what} is {value}; samples of the step: {}", sample_ids.join(", ")))
                    .at(format!("step {step}"))
                    .hint("the last good checkpoint is kept; lower `learning_rate`, or look at these samples")
            }
            Self::NoGradient { name } => Details::new(format!("variable `{name}` gets no gradient"))
                .hint("an operation without a backward pass lies between it and the loss"),
            Self::Memory { needed_mib, limit_mib, limit, plan, hint } => Details::new(format!(
                "training needs about {needed_mib} MiB, allowed are {limit_mib} MiB ({limit})\n{plan}"
            ))
            .hint(hint),
            Self::ResumeMismatch { path, differences } => {
                Details::new(format!("made by another run; what differs:\n{differences}"))
                    .at(path.display())
                    .hint("undo the change, or start over without this checkpoint")
            }
            Self::Checkpoint { path, reason } => Details::default()
                .at(path.display())
                .because(reason)
                .hint("start the stage over with `--force` and its name"),
            Self::Evaluation(failure) => failure.details(),
            Self::Cancelled { step } => Details::new(format!(
                "stopped after step {step}; the checkpoint is complete, the next run goes on from it"
            )),
            Self::Store(error) => error.details(),
            Self::Prompt(error) => error.details(),
            Self::Model(error) => error.details(),
            Self::Tensor(error) => Details::new(error),
        }
    }
}

lam_signal::display_details!(TrainerError);
