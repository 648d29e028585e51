//! The run: files in, LAM1 out.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use lam_data::{CheckConfig, Example, SoundRows, plan_example, read_examples, write_examples};
use lam_model::ModelSource;
use lam_prompt::Renderer;
use lam_signal::{Cancel, Failure, Progress};
use lam_trainer::{FinetuneJob, TrainerError, finetune};
use lam_types::{Split, TaskPlan};
use serde_json::{Value, json};

use crate::PretrainConfig;

/// The examples that were trained on, so that later stages may mix them in.
pub const REPLAY_FILE: &str = "replay.jsonl";

/// What the stage reads and writes, and who watches it.
#[derive(Clone, Copy)]
pub struct PretrainIo<'a> {
    /// Model to start from.
    pub model: &'a ModelSource,
    /// Files of task-plan pairs.
    pub plans: &'a [PathBuf],
    /// Files of examples that are mixed in, so that what they teach is not forgotten.
    pub replay: &'a [PathBuf],
    /// Directory of LAM1.
    pub output: &'a Path,
    /// Progress sink.
    pub progress: &'a dyn Progress,
    /// Asks for a stop.
    pub cancel: &'a Cancel,
}

/// Trains LAM1 and returns the stage's metrics.
///
/// # Errors
/// Nothing to train on, unreadable files, pairs that must not be trained on or
/// that make no example, or training that stops.
pub fn run(config: &PretrainConfig, io: &PretrainIo<'_>) -> Result<Value, Failure> {
    let renderer = Renderer::load(io.model.tokenizer_directory())?;
    let check = CheckConfig {
        // What is too long or empty is noticed when examples are made, too, and costs time here.
        renderer: config.skip_bad.then_some(&renderer),
        max_length: config.train.longest_sample(),
        ..CheckConfig::default()
    };
    let rows = SoundRows { check, skip_bad: config.skip_bad, progress: io.progress };
    let pairs = rows.task_plans(io.plans, |pair| pair.split != Split::Test)?;
    let examples = examples(&renderer, pairs.iter().filter(|pair| pair.split == Split::Train))?;
    if examples.is_empty() {
        let hint = "collect task-plan pairs first, or lower the test share";
        return Err(TrainerError::NoRows { files: io.plans.to_vec(), hint }.into());
    }
    write_examples(&io.output.join(REPLAY_FILE), &examples)?;
    let learned = distinct(pairs.iter().filter(|pair| pair.split == Split::Train));
    let held_out = pairs.iter().filter(|pair| pair.split == Split::Validation).take(config.max_eval_samples);
    let mut metrics = finetune(FinetuneJob {
        model: io.model,
        finetuning: config.finetuning_type.with(&config.lora, config.quantization_bit),
        frozen: &config.frozen,
        arguments: &config.train,
        examples,
        replay: io.replay.iter().map(|file| read_examples(file)).collect::<Result<_, _>>()?,
        replay_share: config.replay_share,
        evaluation: self::examples(&renderer, held_out)?,
        output: io.output,
        progress: io.progress,
        cancel: io.cancel,
    })?;
    metrics["task_plans"] = json!(learned);
    Ok(metrics)
}

/// Different pairs: one that is listed twice, for its weight in an epoch, is one all the same.
fn distinct<'a>(pairs: impl Iterator<Item = &'a TaskPlan>) -> usize {
    pairs.map(|pair| pair.task_id.as_str()).collect::<BTreeSet<_>>().len()
}

fn examples<'a>(renderer: &Renderer, pairs: impl Iterator<Item = &'a TaskPlan>) -> Result<Vec<Example>, Failure> {
    pairs.map(|pair| Ok(plan_example(renderer, pair)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_listed_twice_holds_no_more_pairs() {
        let pair = |id: &str| -> TaskPlan {
            let json = json!({"task_id": id, "application": "word", "source": "wikihow", "task": "make it bold",
                "plan": ["click Bold"], "document": "d", "document_hash": "", "producer": "", "split": "train"});
            serde_json::from_value(json).unwrap()
        };
        assert_eq!(distinct([pair("a"), pair("b"), pair("a"), pair("b")].iter()), 2);
    }
}
