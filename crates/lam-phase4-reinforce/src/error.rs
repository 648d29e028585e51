//! Why phase 4 stops.

use std::path::PathBuf;

use lam_agent::AgentError;
use lam_data::DataError;
use lam_inference::InferenceError;
use lam_model::ModelError;
use lam_prompt::PromptError;
use lam_signal::{Details, Fault, FaultKind};
use lam_store::StoreError;
use lam_trainer::TrainerError;
use lam_types::Split;

/// Why phase 4 stops.
#[derive(Debug, thiserror::Error)]
pub enum ReinforceError {
    /// A set that must not be empty is.
    Nothing {
        /// The files.
        files: Vec<PathBuf>,
        /// What is missing.
        what: &'static str,
        /// What to do.
        hint: &'static str,
    },
    /// Tries of one task are compared, and no task has two.
    OneTry {
        /// The files.
        files: Vec<PathBuf>,
        /// The method that compares them.
        method: &'static str,
    },
    /// The environment has no dev task that is not learned from.
    NoDevTasks {
        /// The environment.
        environment: String,
        /// Tasks that it drew, all learned from.
        skipped: usize,
    },
    /// The environment draws dev tasks of another set than the validation set.
    DevSplit {
        /// The environment.
        environment: String,
        /// The first such task.
        task_id: String,
        /// Its set.
        split: Split,
    },
    /// Dev tasks cannot be drawn or played.
    Agent(#[from] AgentError),
    /// The reward model reads other tokens than the policy writes.
    OtherTokens {
        /// The reward model.
        reward_model: PathBuf,
        /// Where the policy's tokenizer lies.
        policy: PathBuf,
        /// How they differ.
        difference: String,
    },
    /// The data must not be trained on.
    Data(#[from] DataError),
    /// Somebody asked to stop.
    Cancelled,
    /// Training stopped.
    Trainer(#[from] TrainerError),
    /// The model failed.
    Model(#[from] ModelError),
    /// Generation failed.
    Inference(#[from] InferenceError),
    /// The tokenizer cannot be used.
    Prompt(#[from] PromptError),
    /// A file cannot be read or written.
    Store(#[from] StoreError),
    /// A tensor operation failed.
    Tensor(#[from] candle_core::Error),
}

impl Fault for ReinforceError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::Nothing { .. }
            | Self::OneTry { .. }
            | Self::NoDevTasks { .. }
            | Self::DevSplit { .. }
            | Self::OtherTokens { .. } => FaultKind::Data,
            Self::Agent(error) => error.kind(),
            Self::Cancelled => FaultKind::Cancelled,
            Self::Data(error) => error.kind(),
            Self::Trainer(error) => error.kind(),
            Self::Model(error) => error.kind(),
            Self::Inference(error) => error.kind(),
            Self::Prompt(error) => error.kind(),
            Self::Store(error) => error.kind(),
            Self::Tensor(_) => FaultKind::Runtime,
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::Nothing { files, what, hint } => {
                Details::new(format!("holds no {what} of the train split")).at_files(files).hint(hint)
            }
            Self::OneTry { files, method } => {
                let what =
                    format!("holds no task with two tries, and `method = \"{method}\"` compares tries of one task");
                let hint = "a stage `phase3.explore` with `attempts` of 2 or more writes them into `attempts.parquet`; \
                            or name successes of another source as `successes`";
                Details::new(what).at_files(files).hint(hint)
            }
            Self::NoDevTasks { environment, skipped } => Details::new(format!(
                "`{environment}` has no dev task: it drew {skipped} of its validation set, all of them learned from"
            ))
            .at("`dev.tasks`")
            .hint("leave `dev` out, or raise `dev.tasks`"),
            Self::DevSplit { environment, task_id, split } => Details::new(format!(
                "`{environment}` drew task `{task_id}` of the {} set, asked for the validation set",
                split.as_str()
            ))
            .at("`dev.tasks`")
            .hint("what is kept must not be chosen by tasks that figures are reported about; leave `dev` out"),
            Self::Agent(error) => error.details(),
            Self::OtherTokens { reward_model, policy, difference } => {
                let what = format!("the reward model was made with another tokenizer than {}", policy.display());
                let hint = "give the stage a `reward` that a stage `phase4.reward` made of this policy's model";
                Details::new(what).at(reward_model.display()).because(difference).hint(hint)
            }
            Self::Cancelled => Details::new("stopped on request"),
            Self::Data(error) => error.details(),
            Self::Trainer(error) => error.details(),
            Self::Model(error) => error.details(),
            Self::Inference(error) => error.details(),
            Self::Prompt(error) => error.details(),
            Self::Store(error) => error.details(),
            Self::Tensor(error) => Details::new(error),
        }
    }
}

lam_signal::display_details!(ReinforceError);
