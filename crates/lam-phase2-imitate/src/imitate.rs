//! The run: trajectories in, LAM2 (or LAM3) out.

use std::collections::{BTreeMap, BTreeSet};
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
    metrics["trajectories"] = json!(distinct(&learned));
    metrics["trajectories_by_policy"] = json!(by_policy(&learned));
    metrics["trajectories_with_repeats"] = json!(learned.len());
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

/// Different trajectories: one that is listed twice, for its weight in an epoch, is one all the same.
fn distinct<'t>(trajectories: impl IntoIterator<Item = &'t Trajectory>) -> usize {
    trajectories.into_iter().map(|one| one.trajectory_id.as_str()).collect::<BTreeSet<_>>().len()
}

/// Different trajectories of each policy.
fn by_policy(trajectories: &[Trajectory]) -> BTreeMap<&str, usize> {
    let mut of: BTreeMap<&str, Vec<&Trajectory>> = BTreeMap::new();
    for trajectory in trajectories {
        of.entry(&trajectory.policy.name).or_default().push(trajectory);
    }
    of.into_iter().map(|(policy, its)| (policy, distinct(its))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trajectory(id: &str, policy: &str) -> Trajectory {
        let task = json!({"task_id": "t", "family": "bold", "request": "make it bold", "environment": "sim",
            "application": "word", "seed": 1, "phrasing": "seen", "split": "train"});
        let verdict = json!({"complete": "yes", "reason": "", "judge": "state"});
        let json = json!({"trajectory_id": id, "task": task, "environment_version": "1", "attempt": 0,
            "policy": {"name": policy, "hash": ""}, "steps": [], "verdict": verdict});
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn a_file_that_is_listed_twice_holds_no_more_trajectories() {
        let explored = [trajectory("c", "LAM2"), trajectory("d", "plans of LAM1")];
        let expert = [trajectory("a", "expert"), trajectory("b", "expert")];
        let learned = [&expert[..], &explored, &explored].concat();
        assert_eq!((learned.len(), distinct(&learned)), (6, 4));
        assert_eq!(by_policy(&learned), BTreeMap::from([("LAM2", 1), ("expert", 2), ("plans of LAM1", 1)]));
    }
}
