//! The run: trajectories in, LAM2 (or LAM3) out.

use std::path::{Path, PathBuf};

use lam_data::{CheckConfig, Example, SoundRows, is_held_out, read_examples, step_examples};
use lam_model::ModelSource;
use lam_prompt::Renderer;
use lam_signal::{Cancel, Failure, Progress};
use lam_trainer::{FinetuneJob, TrainerError, finetune};
use lam_types::{FunctionSpec, Split, Trajectory};
use serde_json::{Value, json};

use crate::ImitateConfig;

/// What the stage reads and writes, and who watches it.
#[derive(Clone, Copy)]
pub struct ImitateIo<'a> {
    /// Model to start from.
    pub model: &'a ModelSource,
    /// Files of trajectories; only successes of the train split are learned.
    pub trajectories: &'a [PathBuf],
    /// The functions that prompts name.
    pub functions: &'a [FunctionSpec],
    /// The environment that has them; trajectories of others are not held to them.
    pub environment: &'a str,
    /// Files of examples that are mixed in, so that what they teach is not forgotten.
    pub replay: &'a [PathBuf],
    /// Directory of the new model.
    pub output: &'a Path,
    /// Progress sink.
    pub progress: &'a dyn Progress,
    /// Asks for a stop.
    pub cancel: &'a Cancel,
}

/// Trains the new model and returns the stage's metrics.
///
/// # Errors
/// Nothing to train on, unreadable files, steps that must not be trained on or
/// that make no example, or training that stops.
pub fn run(config: &ImitateConfig, io: &ImitateIo<'_>) -> Result<Value, Failure> {
    let renderer = Renderer::load(io.model.tokenizer_directory())?;
    let check = CheckConfig {
        functions: io.functions,
        environment: Some(io.environment),
        // What is too long or empty is noticed when examples are made, too, and costs time here.
        renderer: config.skip_bad.then_some(&renderer),
        max_length: config.train.longest_sample(),
        ..CheckConfig::default()
    };
    let rows = SoundRows { check, skip_bad: config.skip_bad, progress: io.progress };
    let is_learned = |one: &Trajectory| one.succeeded() && one.task.split == Split::Train;
    let mut trajectories = rows.trajectories(io.trajectories, is_learned)?;
    trajectories.retain(is_learned);
    let (held_out, learned): (Vec<_>, Vec<_>) =
        trajectories.into_iter().partition(|trajectory| is_held_out(&trajectory.task.task_id, config.validation_share));
    let examples = examples(&renderer, &learned, io.functions)?;
    if examples.is_empty() {
        let hint = "phase 2 learns from successful trajectories; collect some with the expert first";
        return Err(TrainerError::NoRows { files: io.trajectories.to_vec(), hint }.into());
    }
    let mut metrics = finetune(FinetuneJob {
        model: io.model,
        finetuning: config.finetuning_type.with(&config.lora, config.quantization_bit),
        frozen: &[],
        arguments: &config.train,
        examples,
        replay: io.replay.iter().map(|file| read_examples(file)).collect::<Result<_, _>>()?,
        replay_share: config.replay_share,
        evaluation: self::examples(&renderer, &held_out, io.functions)?,
        output: io.output,
        progress: io.progress,
        cancel: io.cancel,
    })?;
    metrics["trajectories"] = json!(learned.len());
    metrics["trajectories_by_policy"] = json!(by_policy(&learned));
    Ok(metrics)
}

fn examples(
    renderer: &Renderer,
    trajectories: &[Trajectory],
    functions: &[FunctionSpec],
) -> Result<Vec<Example>, Failure> {
    let mut examples = Vec::new();
    for trajectory in trajectories {
        examples.extend(step_examples(renderer, trajectory, functions)?);
    }
    Ok(examples)
}

fn by_policy(trajectories: &[Trajectory]) -> std::collections::BTreeMap<&str, usize> {
    let mut counts = std::collections::BTreeMap::new();
    for trajectory in trajectories {
        *counts.entry(trajectory.policy.name.as_str()).or_default() += 1;
    }
    counts
}
