//! The learning loop: batches, accumulation, checkpoints, exact resume, metrics. Knows no phase: a phase hands it a
//! [`TrainModule`], which says how a batch becomes a loss, and a [`DataLoader`], which says in which order.
//!
//! ```
//! use lam_model::{Decoder, Initialization};
//! use lam_signal::{Cancel, NoProgress};
//! use lam_trainer::{Example, Identity, ShuffledLoader, SupervisedModule, TrainRun, TrainingArguments, train};
//!
//! let config = serde_json::from_str(
//!     r#"{"model_type": "mistral", "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2,
//!         "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 50}"#,
//! )?;
//! let mut module = SupervisedModule::new(Decoder::init(config, &Initialization::Normal, 42)?);
//! let arguments = TrainingArguments { max_steps: 2, ..TrainingArguments::default() };
//! let mut loader = ShuffledLoader::new(vec![Example::new("one".to_owned(), vec![1, 2], &[3, 0])?], &arguments)?;
//!
//! let output = tempfile::tempdir()?;
//! let run = TrainRun {
//!     arguments: &arguments,
//!     output: output.path(),
//!     identity: &Identity::new(),
//!     progress: &NoProgress,
//!     cancel: &Cancel::default(),
//! };
//! let outcome = train(&mut module, &mut loader, &[], &run)?;
//! assert_eq!(outcome.global_step, 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod arguments;
mod checkpoint;
mod error;
mod evaluation;
mod finetune;
mod gradient_accumulator;
mod limits;
mod loader;
mod memory;
mod metric;
mod module;
mod record;
mod run;
mod sample;
mod settings;
mod stop_criterion;
mod stream;
mod train;
mod trainer_loop;

pub use arguments::{SaveDtype, TrainingArguments};
pub use checkpoint::{Identity, TrainerState, settings_identity};
pub use error::{ForeignState, TrainerError};
pub use evaluation::{Evaluation, Evaluator, evaluate};
pub use finetune::{
    ADAPTER_DIRECTORY, FinetuneJob, FinetuningType, TRAINING_DIRECTORY, TRAINING_WORK, copy_companions, finetune,
    model_identity, note_adapter, write_model,
};
pub use gradient_accumulator::BatchGradient;
pub use lam_data::Example;
pub use lam_learn::Schedule as SchedulerType;
pub use loader::{DataLoader, MixtureLoader, ShuffledLoader};
pub use memory::{Alternative, MemoryPlan};
pub use metric::Metrics;
pub use module::backbone::Backbone;
pub use module::loss::LossSum;
pub use module::pass::Pass;
pub use module::plan::{activation_bytes, logit_bytes, planned};
pub use module::reward::{RewardModule, ScoredExample};
pub use module::supervised::SupervisedModule;
pub use module::{BatchLoss, TrainModule};
pub use record::LogRecord;
pub use run::{Ending, TrainOutcome, TrainRun};
pub use sample::{Sample, check_samples, check_tokens};
pub use settings::{check_adapter, check_arguments, check_quantization, check_replay};
pub use stream::{stream_number, stream_seed};
pub use train::{train, train_evaluated};
pub use trainer_loop::METRICS_FILE;
