//! Phase 4a: the reward model. Every step of a success is labelled +1, every step of a failure −1 (paper §4.4.1), or
//! every step by what its call was worth in its state. Steps whose answer was no valid action are left out, and counted:
//! the table holds an empty action or one that could not be carried out, and the answers that PPO samples are
//! constrained to valid ones.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use lam_data::{CheckConfig, SoundRows, is_held_out};
use lam_inference::{normalized_reward, reward_scores};
use lam_model::{Decoder, Device, ModelSource, ScalarHead};
use lam_prompt::{PromptError, Renderer};
use lam_signal::{Cancel, Progress};
use lam_store::hash_bytes;
use lam_trainer::{
    RewardModule, ScoredExample, ShuffledLoader, TRAINING_DIRECTORY, TrainRun, check_tokens, copy_companions,
    model_identity, train,
};
use lam_types::{FunctionSpec, Split, Step, Trajectory};
use serde_json::{Value, json};

use crate::balance::{Labelled, balanced_by_classes, balanced_by_states, call_of, pairs};
use crate::calibration::Calibration;
use crate::value::with_step_values;
use crate::words::is_readable;
use crate::{Balance, ReinforceError, RewardConfig, Target};

/// What the stage reads and writes, and who watches it.
#[derive(Clone, Copy)]
pub struct RewardIo<'a> {
    /// LAM3.
    pub model: &'a ModelSource,
    /// Files of trajectories, successes and failures; their verdicts say which is which.
    pub trajectories: &'a [PathBuf],
    /// The functions that prompts name.
    pub functions: &'a [FunctionSpec],
    /// The environment that has them; trajectories of others are not held to them.
    pub environment: &'a str,
    /// Directory of the reward model.
    pub output: &'a Path,
    /// Seed of the head and the order.
    pub seed: u64,
    /// Progress sink.
    pub progress: &'a dyn Progress,
    /// Asks for a stop.
    pub cancel: &'a Cancel,
}

/// Trains the reward model and returns the stage's metrics.
///
/// # Errors
/// A class without a step, unreadable files, steps that must not be trained on, or training that stops.
pub fn run(config: &RewardConfig, io: &RewardIo<'_>) -> Result<Value, ReinforceError> {
    let renderer = Renderer::load(io.model.tokenizer_directory())?;
    let check = CheckConfig {
        functions: io.functions,
        environment: Some(io.environment),
        renderer: config.skip_bad.then_some(&renderer),
        max_length: config.train.longest_sample(),
        ..CheckConfig::default()
    };
    let rows = SoundRows { check, skip_bad: config.skip_bad, progress: io.progress };
    let is_learned = |one: &Trajectory| one.task.split == Split::Train && one.environment_error.is_none();
    let mut trajectories = rows.trajectories(io.trajectories, is_learned)?;
    trajectories.retain(is_learned);
    let (held_out, learned): (Vec<_>, Vec<_>) =
        trajectories.into_iter().partition(|trajectory| is_held_out(&trajectory.task.task_id, config.validation_share));
    let left_out = left_out(&learned);
    if left_out > 0 {
        io.progress.note(&format!("left out {left_out} steps whose answer was no valid action: they have no label"));
    }
    let labelled = |set: &[Trajectory]| -> Result<Vec<Labelled>, PromptError> {
        let steps = labelled(&renderer, set, io.functions)?;
        Ok(match config.target {
            Target::Outcome => steps,
            Target::StepValue => with_step_values(steps),
        })
    };
    let (learned, held_out) = (labelled(&learned)?, labelled(&held_out)?);
    refuse_one_sided(io.trajectories, &learned)?;
    let (successes, failures) = counts(&learned);
    let learned = match config.balance {
        Balance::None => learned,
        Balance::Classes => balanced_by_classes(learned),
        Balance::States => balanced_by_states(learned, config.contrast_share),
    };
    let learned: Vec<ScoredExample> = learned.into_iter().map(|step| step.example).collect();
    let tested: Vec<ScoredExample> = held_out.iter().map(|step| step.example.clone()).collect();

    let device = Device::open_for(config.train.device, io.model.config())?;
    let decoder = io.model.load_for(&device, &config.finetuning(), io.seed)?;
    let ids = learned.iter().chain(&tested).map(|example| (example.sample_id.as_str(), example.input_ids.as_slice()));
    check_tokens(ids, decoder.config().vocab_size)?;
    let head = ScalarHead::new(decoder.config().hidden_size, io.seed)?;
    let mut identity = model_identity(io.model)?;
    identity.extend([("lora".into(), format!("{:?}", config.lora)), ("data".into(), data_hash(&learned))]);
    identity.insert("finetuning".into(), format!("{:?} in {}", config.finetuning_type, config.quantization_bit));
    let mut module = RewardModule::new(decoder, head);
    let mut loader = ShuffledLoader::new(learned, &config.train)?;
    let training = io.output.join(TRAINING_DIRECTORY);
    let run = TrainRun {
        arguments: &config.train,
        output: &training,
        identity: &identity,
        progress: io.progress,
        cancel: io.cancel,
    };
    let outcome = train(&mut module, &mut loader, &tested, &run)?;
    let (mut decoder, head) = module.into_parts();
    let precision = config.train.save_dtype.precision(&decoder);
    decoder.merge_adapter()?;
    // What is preferred is asked of the model that is written. (On a CUDA device, of the adapter beside its base.)
    decoder.round_to(precision)?;
    head.round_to(precision)?;
    let rewards = rewards(&decoder, &head, &held_out)?;
    let preferred = Preferred::of(&rewards, &held_out);
    let predicted = rewards.iter().zip(&held_out).map(|(reward, step)| (reward + 0.5, step.succeeded));
    let calibration = Calibration::of(&predicted.collect::<Vec<_>>());
    decoder.save_reward_model_in(precision, &head, renderer.tokenizer().pad(), io.output)?;
    copy_companions(io.model.tokenizer_directory(), io.output)?;
    let margin = |prefix: &str| {
        let mean = |kind: &str| outcome.last(&format!("{prefix}mean_reward_{kind}"));
        Some(mean("success")? - mean("failure")?)
    };
    Ok(json!({
        "steps_of_successes": successes,
        "steps_of_failures": failures,
        "steps_of_invalid_actions_left_out": left_out,
        "held_out_steps": held_out.len(),
        "global_step": outcome.global_step,
        "num_tokens": outcome.num_tokens,
        "loss": outcome.last("loss"),
        "eval_loss": outcome.last("eval_loss"),
        "eval_accuracy": outcome.last("eval_accuracy"),
        "eval_margin": margin("eval_"),
        "eval_pairs": preferred.pairs,
        "eval_pair_accuracy": preferred.accuracy,
        "eval_pair_margin": preferred.margin,
        "eval_calibration": calibration,
    }))
}

/// How often the reward model prefers the better of two answers to one state: what PPO lives on.
struct Preferred {
    pairs: usize,
    /// Share of the pairs, ties as halves.
    accuracy: Option<f64>,
    /// Mean difference of the normalised rewards.
    margin: Option<f64>,
}

impl Preferred {
    fn of(rewards: &[f64], steps: &[Labelled]) -> Self {
        let pairs = pairs(steps);
        let differences: Vec<f64> = pairs.iter().map(|&(right, wrong)| rewards[right] - rewards[wrong]).collect();
        let mean = |of: fn(f64) -> f64| {
            let sum: f64 = differences.iter().map(|&difference| of(difference)).sum();
            (!differences.is_empty()).then(|| sum / differences.len() as f64)
        };
        let won = |difference: f64| if difference == 0.0 { 0.5 } else { f64::from(u8::from(difference > 0.0)) };
        Self { pairs: pairs.len(), accuracy: mean(won), margin: mean(|difference| difference) }
    }
}

/// The reward of each step, in [−0.5, 0.5]: with a half on top, the predicted chance that its try succeeds.
fn rewards(decoder: &Decoder, head: &ScalarHead, steps: &[Labelled]) -> Result<Vec<f64>, ReinforceError> {
    let sequences: Vec<&[u32]> = steps.iter().map(|step| step.example.input_ids.as_slice()).collect();
    Ok(reward_scores(decoder, head, &sequences)?.into_iter().map(|score| normalized_reward(score).into()).collect())
}

fn labelled(
    renderer: &Renderer,
    trajectories: &[Trajectory],
    functions: &[FunctionSpec],
) -> Result<Vec<Labelled>, PromptError> {
    let mut steps = Vec::new();
    for trajectory in trajectories {
        let succeeded = trajectory.succeeded();
        let reward = if succeeded { 1.0 } else { -1.0 };
        for step in trajectory.steps.iter().filter(|step| is_readable(step)) {
            let prompt = renderer.action_prompt(&step.state, functions)?;
            let example = ScoredExample {
                sample_id: step_id(trajectory, step),
                input_ids: [prompt.as_slice(), &renderer.action_answer(&step.action)?].concat(),
                reward,
            };
            steps.push(Labelled { example, prompt_length: prompt.len(), call: call_of(&step.action), succeeded });
        }
    }
    Ok(steps)
}

fn step_id(trajectory: &Trajectory, step: &Step) -> String {
    format!("{}/{}", trajectory.trajectory_id, step.step_index)
}

/// Different steps that have no label, since their answer was no valid action.
fn left_out(trajectories: &[Trajectory]) -> usize {
    let steps = trajectories.iter().flat_map(|one| one.steps.iter().map(move |step| (one, step)));
    let invalid = steps.filter(|(_, step)| !is_readable(step)).map(|(one, step)| step_id(one, step));
    invalid.collect::<BTreeSet<_>>().len()
}

/// Different steps of successes and of failures: one of a file that is listed twice is one all the same.
fn counts(steps: &[Labelled]) -> (usize, usize) {
    let of = |succeeded: bool| {
        let its = steps.iter().filter(|step| step.succeeded == succeeded);
        its.map(|step| step.example.sample_id.as_str()).collect::<BTreeSet<_>>().len()
    };
    (of(true), of(false))
}

fn refuse_one_sided(files: &[PathBuf], steps: &[Labelled]) -> Result<(), ReinforceError> {
    let nothing = |what| {
        let hint = "a reward model needs steps of both successes and failures; give it phase 2's and phase 3's files";
        Err(ReinforceError::Nothing { files: files.to_vec(), what, hint })
    };
    match counts(steps) {
        (0, _) => nothing("step of a success"),
        (_, 0) => nothing("step of a failure"),
        _ => Ok(()),
    }
}

fn data_hash(examples: &[ScoredExample]) -> String {
    let mut bytes = Vec::new();
    for example in examples {
        bytes.extend(example.sample_id.as_bytes());
        bytes.extend(example.input_ids.iter().flat_map(|id| id.to_le_bytes()));
        bytes.extend(example.reward.to_le_bytes());
    }
    hash_bytes(&bytes)
}

#[cfg(test)]
mod tests {
    use lam_types::{Complete, StepStatus};

    use super::*;
    use crate::example_tries::attempt;

    fn step(id: &str, succeeded: bool) -> Labelled {
        let example = ScoredExample { sample_id: id.into(), input_ids: vec![1, 2], reward: 1.0 };
        Labelled { example, prompt_length: 1, call: String::new(), succeeded }
    }

    #[test]
    fn one_class_alone_is_refused() {
        let error = refuse_one_sided(&["x.parquet".into()], &[step("a", true)]).unwrap_err().to_string();
        assert!(error.contains("x.parquet: holds no step of a failure"), "{error}");
    }

    #[test]
    fn a_step_that_is_listed_twice_counts_once() {
        let steps = [step("a/0", true), step("a/1", true), step("b/0", false), step("a/0", true), step("a/1", true)];
        assert_eq!(counts(&steps), (2, 1));
    }

    #[test]
    fn steps_that_are_left_out_are_counted() {
        let mut tried = attempt("a", 0, &["Bold", "Undo", "Home"], Complete::No);
        tried.steps[1].status = StepStatus::InvalidAction;
        tried.steps[2].status = StepStatus::AppError;
        let other = attempt("b", 0, &["Bold"], Complete::Yes);
        assert_eq!(left_out(&[tried.clone(), other, tried]), 1, "what the application refused was a valid action");
    }
}
