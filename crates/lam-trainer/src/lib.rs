//! The learning loop: batches, accumulation, checkpoints, exact resume, metrics. Knows no phase: a phase hands it a
//! [`TrainModule`], which says how a batch becomes a loss, and a [`DataLoader`], which says in which order.
//!
//! ```text
//! let mut module = SupervisedModule::new(decoder);
//! let mut loader = ShuffledLoader::new(examples, &arguments)?;
//! let run = TrainRun { arguments: &arguments, output, identity: &identity, progress, cancel };
//! let outcome = train(&mut module, &mut loader, &held_out, &run)?;
//! module.into_decoder().save(directory)?;
//! ```

mod arguments;
mod checkpoint;
mod error;
mod evaluation;
mod finetune;
mod gradient_accumulator;
mod limits;
mod loader;
mod log;
mod memory;
mod metric;
mod module;
mod sample;
mod settings;
mod stop_criterion;
mod stream;
mod tensorboard;
mod train;
mod trainer_loop;

pub use arguments::{Tracker, TrainingArguments};
pub use checkpoint::{Identity, TrainerState, settings_identity};
pub use error::TrainerError;
pub use evaluation::evaluate;
pub use finetune::{
    ADAPTER_DIRECTORY, FinetuneJob, FinetuningType, TRAINING_DIRECTORY, TRAINING_WORK, copy_companions, finetune,
    write_model,
};
pub use lam_data::Example;
pub use lam_learn::Schedule as SchedulerType;
pub use loader::{DataLoader, MixtureLoader, ShuffledLoader};
pub use log::{LogRecord, METRICS_FILE};
pub use memory::{Alternative, MemoryPlan};
pub use metric::Metrics;
pub use module::decoder::{hidden, save_description, weights_file};
pub use module::plan::{BatchSize, activation_bytes, decoder_plan, logit_bytes};
pub use module::reward::{RewardModule, ScoredExample};
pub use module::supervised::SupervisedModule;
pub use module::{BatchGradient, BatchLoss, Pass, TrainModule};
pub use sample::{Sample, check_samples};
pub use settings::{check_adapter, check_arguments, check_quantization, check_replay};
pub use stream::stream_seed;
pub use train::{Ending, TrainOutcome, TrainRun, train};
