//! Rejection fine-tuning: LAM3 imitates its successes at tasks that some of its tries solved and others did not. The
//! loss is that of phases 2 and 3.

use lam_trainer::{Example, ShuffledLoader, SupervisedModule};
use serde_json::{Value, json};

use super::dev::DevTasks;
use super::training::{Trained, Training};
use super::tried::Tried;
use super::{PolicyIo, arguments, data_hash, identity, policy_to_train};
use crate::rollout::Rollout;
use crate::{PolicyConfig, ReinforceError};

/// Trains LAM4 and returns the stage's metrics.
///
/// # Errors
/// As [`super::run`].
pub fn run(config: &PolicyConfig, io: &PolicyIo<'_>) -> Result<Value, ReinforceError> {
    let tried = Tried::read(config, io)?;
    let (rollouts, counts) = tried.imitated()?;
    let dev = DevTasks::draw(&config.dev, (io.app, io.seed), io.monitor(), tried.task_ids())?;
    let decoder = policy_to_train(config, io)?;
    let longest = rollouts.iter().map(|rollout| rollout.input_ids.len()).max().unwrap_or(0);
    let arguments = arguments(config, &decoder, longest, io);
    let mut identity = identity(config, io)?;
    identity.insert("data".into(), data_hash(rollouts.iter()));
    let steps = rollouts.len();
    let mut loader = ShuffledLoader::new(rollouts.iter().map(example).collect::<Result<_, _>>()?, &arguments)?;
    let training = Training { config, io, arguments, identity, dev };
    let Trained { outcome, dev } =
        training.run(SupervisedModule::new(decoder), &mut loader, SupervisedModule::into_decoder)?;
    Ok(json!({
        "attempts": tried.attempts(),
        "imitated": counts,
        "examples": steps,
        "global_step": outcome.global_step,
        "num_tokens": outcome.num_tokens,
        "loss": outcome.last("loss"),
        "dev": dev,
    }))
}

fn example(rollout: &Rollout) -> Result<Example, ReinforceError> {
    Ok(Example::new(rollout.id.clone(), rollout.prompt_ids().to_vec(), rollout.response_ids())?)
}
