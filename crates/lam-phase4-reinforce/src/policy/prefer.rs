//! Direct preference optimisation over LAM3's tries: the reference is LAM3, measured once, before the first step.

use lam_trainer::{Sample, ShuffledLoader};
use serde_json::{Value, json};

use super::dev::DevTasks;
use super::training::{Trained, Training};
use super::tried::Tried;
use super::{PolicyIo, arguments, data_hash, identity, policy_at_start, policy_to_train};
use crate::preference::PreferenceExample;
use crate::{DpoModule, PolicyConfig, ReinforceError};

/// Pairs that are measured together; also how far apart the points are at which it can be stopped.
const CHUNK: usize = 64;

/// Trains LAM4 and returns the stage's metrics.
///
/// # Errors
/// As [`super::run`].
pub fn run(config: &PolicyConfig, io: &PolicyIo<'_>) -> Result<Value, ReinforceError> {
    let tried = Tried::read(config, io)?;
    let (mut examples, forks) = tried.preferences()?;
    let dev = DevTasks::draw(&config.dev, (io.app, io.seed), io.monitor(), tried.task_ids())?;
    let imitated = match config.imitates() {
        true => Some(tried.imitable()?),
        false => None,
    };
    let (anchors, counts) = imitated.unzip();
    if anchors.as_ref().is_some_and(Vec::is_empty) {
        io.progress.note(
            "no task was solved by some tries and by no more than `max_solved_share` of them: the better answers of \
             the pairs alone are imitated",
        );
    }
    measure(config, io, &mut examples)?;
    examples.extend(anchors.into_iter().flatten().map(|chosen| PreferenceExample { chosen, rejected: None }));
    let decoder = policy_to_train(config, io)?;
    let longest = examples.iter().map(Sample::longest_text).max().unwrap_or(0);
    let arguments = arguments(config, &decoder, longest, io);
    let mut identity = identity(config, io)?;
    identity.insert("data".into(), data_hash(examples.iter().flat_map(PreferenceExample::texts)));
    let count = examples.len();
    let mut loader = ShuffledLoader::new(examples, &arguments)?;
    let module = DpoModule::new(decoder, config.beta, config.anchor_weight());
    let training = Training { config, io, arguments, identity, dev };
    let Trained { outcome, dev } = training.run(module, &mut loader, DpoModule::into_decoder)?;
    Ok(json!({
        "attempts": tried.attempts(),
        "preferences": forks,
        "imitated": counts,
        "examples": count,
        "global_step": outcome.global_step,
        "num_tokens": outcome.num_tokens,
        "loss": outcome.last("loss"),
        "preferred": outcome.last("rewards/accuracies"),
        "margin": outcome.last("rewards/margins"),
        "dev": dev,
    }))
}

/// Fills in log p of the answers under LAM3, by the forward pass of training: the ratio begins at 1.
fn measure(config: &PolicyConfig, io: &PolicyIo<'_>, pairs: &mut [PreferenceExample]) -> Result<(), ReinforceError> {
    let policy = policy_at_start(config, io)?;
    io.progress.begin("reference", Some(pairs.len() as u64));
    let mut done = 0;
    for chunk in pairs.chunks_mut(CHUNK) {
        if io.cancel.is_cancelled() {
            return Err(ReinforceError::Cancelled);
        }
        let texts: Vec<_> = chunk.iter().flat_map(PreferenceExample::texts).collect();
        let asked: Vec<_> = texts.iter().map(|text| (text.prompt_ids(), text.response_ids())).collect();
        let mut found = lam_inference::score(&policy, &asked)?.into_iter();
        for rollout in chunk.iter_mut().flat_map(PreferenceExample::texts_mut) {
            rollout.reference_logprobs = found.next().expect("one for each answer");
        }
        done += chunk.len() as u64;
        io.progress.advance(done, "");
    }
    io.progress.end();
    Ok(())
}
