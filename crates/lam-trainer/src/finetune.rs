//! From a model directory and examples to a model directory: the supervised run that phases 1, 2 and 3 share.
//! Knows no phase: examples, arguments and names come in.

use std::fs;
use std::path::Path;

use lam_data::Example;
use lam_model::{Decoder, Device, Finetuning, LoraConfig, ModelSource};
use lam_prompt::tokenizer_files;
use lam_signal::{Cancel, Progress};
use lam_store::StoreError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    DataLoader, Identity, MixtureLoader, SaveDtype, ShuffledLoader, SupervisedModule, TrainOutcome, TrainRun,
    TrainerError, TrainingArguments, check_tokens, train,
};

/// Directory of checkpoints and metrics inside a stage's output.
pub const TRAINING_DIRECTORY: &str = "training";
/// Below a training stage's directory, what took long to make: a complete checkpoint.
pub const TRAINING_WORK: &[&str] = &["training/last"];
/// Directory of the adapter inside a stage's output.
pub const ADAPTER_DIRECTORY: &str = "adapter";

/// How a model generates, which is no matter of its weights.
const GENERATION: &str = "generation_config.json";

/// What of a model is trained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FinetuningType {
    /// Every weight.
    Full,
    /// An adapter over frozen weights.
    #[default]
    Lora,
    /// An adapter over frozen, quantised weights.
    Qlora,
}

impl FinetuningType {
    /// With the adapter's settings and the bits of a quantised weight, what the decoder is loaded for.
    pub fn with(self, lora: &LoraConfig, quantization_bit: u8) -> Finetuning {
        match self {
            FinetuningType::Full => Finetuning::Full,
            FinetuningType::Lora => Finetuning::Lora(lora.clone()),
            FinetuningType::Qlora => Finetuning::Qlora { lora: lora.clone(), bits: quantization_bit },
        }
    }
}

/// One supervised run.
pub struct FinetuneJob<'a> {
    /// Model to start from.
    pub model: &'a ModelSource,
    /// What is trained.
    pub finetuning: Finetuning,
    /// Variables whose names contain one of these keep their values.
    pub frozen: &'a [String],
    /// The arguments.
    pub arguments: &'a TrainingArguments,
    /// What is trained on.
    pub examples: Vec<Example>,
    /// Sets of examples of earlier stages that are mixed in, so that what they teach is not forgotten; may be empty.
    pub replay: Vec<Vec<Example>>,
    /// Share of the batches that each set gets.
    pub replay_share: f64,
    /// What is evaluated on; may be empty.
    pub evaluation: Vec<Example>,
    /// Directory of the new model, of its adapter and of the run's own files.
    pub output: &'a Path,
    /// Progress sink.
    pub progress: &'a dyn Progress,
    /// Asks for a stop.
    pub cancel: &'a Cancel,
}

/// Trains and writes the new model (adapter merged) in Hugging Face's layout, with the adapter beside it.
///
/// A run that was stopped resumes from its last checkpoint. Returns the figures for the stage's manifest.
///
/// # Errors
/// As [`train`]; an unreadable model; an unwritable directory.
pub fn finetune(job: FinetuneJob<'_>) -> Result<Value, TrainerError> {
    let identity = identity(&job)?;
    let tokens = trained_and_total(&job.examples);
    let device = Device::open_for(job.arguments.device, job.model.config())?;
    let decoder = job.model.load_for(&device, &job.finetuning, job.arguments.seed)?;
    note_adapter(job.model, &decoder, job.progress);
    let read = job.examples.iter().chain(job.replay.iter().flatten()).chain(&job.evaluation);
    let ids = read.map(|example| (example.sample_id.as_str(), example.input_ids.as_slice()));
    check_tokens(ids, decoder.config().vocab_size)?;
    let mut module = SupervisedModule::new(decoder).with_frozen(job.frozen);
    let count = job.examples.len();
    let mut loader = loader(job.examples, job.replay, job.replay_share, job.arguments)?;
    let training = job.output.join(TRAINING_DIRECTORY);
    let run = TrainRun {
        arguments: job.arguments,
        output: &training,
        identity: &identity,
        progress: job.progress,
        cancel: job.cancel,
    };
    let outcome = train(&mut module, loader.as_mut(), &job.evaluation, &run)?;
    let save_dtype = job.arguments.save_dtype;
    write_model(module.into_decoder(), save_dtype, (job.model.tokenizer_directory(), job.output))?;
    Ok(figures(&outcome, count, tokens))
}

/// The examples epoch by epoch, with replay mixed in where there is some.
fn loader(
    examples: Vec<Example>,
    replay: Vec<Vec<Example>>,
    share: f64,
    arguments: &TrainingArguments,
) -> Result<Box<dyn DataLoader<Example>>, TrainerError> {
    let main = Box::new(ShuffledLoader::new(examples, arguments)?);
    if replay.is_empty() || share == 0.0 {
        return Ok(main);
    }
    let mut others: Vec<(Box<dyn DataLoader<Example>>, f64)> = Vec::new();
    for set in replay {
        others.push((Box::new(ShuffledLoader::new(set, arguments)?), share));
    }
    Ok(Box::new(MixtureLoader::new(main, others, arguments)?))
}

/// Writes a trained decoder as a model directory: adapter apart, in f32, and merged, in the numbers that are asked for;
/// companions copied from `parent`. One tensor at a time is in memory beside what the decoder has there.
///
/// # Errors
/// An unwritable directory, or weights that were left in their files and cannot be read again.
pub fn write_model(
    mut decoder: Decoder,
    save_dtype: SaveDtype,
    (parent, output): (&Path, &Path),
) -> Result<(), TrainerError> {
    let precision = save_dtype.precision(&decoder);
    if decoder.lora().is_some() {
        decoder.save_adapter(&output.join(ADAPTER_DIRECTORY), None)?;
        decoder.merge_adapter()?;
    }
    decoder.save_in(precision, output)?;
    copy_companions(parent, output)
}

/// Copies tokenizer, template and generation files from one model directory to another.
///
/// # Errors
/// Names the file that cannot be copied.
pub fn copy_companions(from: &Path, to: &Path) -> Result<(), TrainerError> {
    for (name, bytes) in tokenizer_files(from)? {
        if !to.join(&name).exists() {
            lam_store::write_atomic(&to.join(&name), &bytes)?;
        }
    }
    let generation = from.join(GENERATION);
    if generation.is_file() {
        let bytes = fs::read(&generation).map_err(StoreError::io("read", &generation))?;
        lam_store::write_atomic(&to.join(GENERATION), &bytes)?;
    }
    Ok(())
}

fn identity(job: &FinetuneJob<'_>) -> Result<Identity, TrainerError> {
    let mut identity = model_identity(job.model)?;
    identity.extend([
        ("finetuning".into(), format!("{:?} without {:?}", job.finetuning, job.frozen)),
        ("data".into(), data_hash(&job.examples)),
        (
            "replay".into(),
            format!(
                "{} of each of {:?}",
                job.replay_share,
                job.replay.iter().map(|set| data_hash(set)).collect::<Vec<_>>()
            ),
        ),
    ]);
    Ok(identity)
}

/// The content of a model that a run starts from, its adapter's with it.
///
/// # Errors
/// A file that cannot be read.
pub fn model_identity(model: &ModelSource) -> Result<Identity, TrainerError> {
    let mut identity = Identity::from([("model".into(), lam_store::hash_path(model.directory())?)]);
    if let Some(adapter) = model.adapter() {
        identity.insert("adapter".into(), lam_store::hash_path(adapter)?);
    }
    Ok(identity)
}

/// Says what becomes of the adapter that the model was given with: its own rank and scale stay in force if it is trained.
pub fn note_adapter(model: &ModelSource, decoder: &Decoder, progress: &dyn Progress) {
    let Some(adapter) = model.adapter() else { return };
    let goes_on = decoder.lora().filter(|lora| !lora.create_new_adapter && !decoder.variables().is_empty());
    let what = match goes_on {
        Some(lora) => format!("is trained further, with its own rank {} and alpha {}", lora.lora_r, lora.lora_alpha),
        None => "is merged into the weights first".to_owned(),
    };
    progress.note(&format!("the adapter {} {what}", adapter.display()));
}

fn data_hash(examples: &[Example]) -> String {
    let mut bytes = Vec::new();
    for example in examples {
        bytes.extend(example.sample_id.as_bytes());
        bytes.extend(example.input_ids.iter().flat_map(|id| id.to_le_bytes()));
        bytes.extend(example.loss_mask.iter().map(|&trained| u8::from(trained)));
    }
    lam_store::hash_bytes(&bytes)
}

fn trained_and_total(examples: &[Example]) -> (usize, usize) {
    let trained = |example: &Example| example.loss_mask.iter().filter(|trained| **trained).count();
    (examples.iter().map(trained).sum(), examples.iter().map(|example| example.input_ids.len()).sum())
}

fn figures(outcome: &TrainOutcome, examples: usize, (trained, total): (usize, usize)) -> Value {
    json!({
        "examples": examples,
        "tokens": total,
        "trained_tokens": trained,
        "global_step": outcome.global_step,
        "num_tokens": outcome.num_tokens,
        "loss": outcome.last("loss"),
        "eval_loss": outcome.last("eval_loss"),
    })
}
