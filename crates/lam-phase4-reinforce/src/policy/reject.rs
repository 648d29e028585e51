//! Rejection fine-tuning: LAM3 imitates its successes at tasks that some of its tries solved and others did not. The loss is
//! that of phases 2 and 3.

use lam_trainer::{Example, ShuffledLoader, SupervisedModule, write_model};
use serde_json::{Value, json};

use super::tried::Tried;
use super::{PolicyIo, arguments, data_hash, identity, policy_to_train, trained};
use crate::rollout::Rollout;
use crate::{PolicyConfig, ReinforceError};

/// Trains LAM4 and returns the stage's metrics.
///
/// # Errors
/// As [`super::run`].
pub fn run(config: &PolicyConfig, io: &PolicyIo<'_>) -> Result<Value, ReinforceError> {
    let tried = Tried::read(config, io)?;
    let (rollouts, counts) = tried.imitated()?;
    let decoder = policy_to_train(config, io)?;
    let longest = rollouts.iter().map(|rollout| rollout.input_ids.len()).max().unwrap_or(0);
    let arguments = arguments(config, &decoder, longest, io);
    let mut identity = identity(config, io)?;
    identity.insert("data".into(), data_hash(rollouts.iter()));
    let steps = rollouts.len();
    let mut loader = ShuffledLoader::new(rollouts.iter().map(example).collect::<Result<_, _>>()?, &arguments)?;
    let mut module = SupervisedModule::new(decoder);
    let outcome = trained(&mut module, &mut loader, (&arguments, &identity), io)?;
    write_model(module.into_decoder(), config.train.save_dtype, (io.model.tokenizer_directory(), io.output))?;
    Ok(json!({
        "attempts": tried.attempts(),
        "imitated": counts,
        "examples": steps,
        "global_step": outcome.global_step,
        "num_tokens": outcome.num_tokens,
        "loss": outcome.last("loss"),
    }))
}

fn example(rollout: &Rollout) -> Result<Example, ReinforceError> {
    Ok(Example::new(rollout.id.clone(), rollout.prompt_ids().to_vec(), rollout.response_ids())?)
}
