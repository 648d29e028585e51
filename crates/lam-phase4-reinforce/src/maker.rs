//! Rollouts: answers at the stored states of failed trajectories, with the reward model's score of each. Made once,
//! from the LAM3 snapshot, before the first PPO step: the environment is not asked again (paper §4.4.2, offline).

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use lam_inference::{GenerationRequest, Generator, Given, Sampling, normalized_reward, reward_scores};
use lam_model::{Allowed, Decoder, ScalarHead, TokenSet};
use lam_prompt::Renderer;
use lam_signal::{Cancel, Progress};
use lam_store::Journal;
use lam_trainer::{check_tokens, stream_number};
use lam_types::{FunctionSpec, Trajectory};

use crate::balance::call_of;
use crate::choices::{Choice, Choices};
use crate::rollout::Rollout;
use crate::words::Words;
use crate::{PolicyConfig, ReinforceError, Samples};

/// States whose answers are made together; what is complete of them survives a kill.
const CHUNK: usize = 128;
/// What to do with a journal that holds something else.
const HINT: &str = "remove the file; the rollouts are made again";

/// What rollouts are made with.
pub struct RolloutMaker<'a> {
    /// The configuration.
    pub config: &'a PolicyConfig,
    /// LAM3.
    pub policy: &'a Decoder,
    /// The reward model and its head.
    pub reward_model: (&'a Decoder, &'a ScalarHead),
    /// LAM3's words.
    pub renderer: &'a Renderer,
    /// The functions that prompts name.
    pub functions: &'a [FunctionSpec],
    /// Seed of the sampling.
    pub seed: u64,
    /// Progress sink.
    pub progress: &'a dyn Progress,
    /// Asks for a stop.
    pub cancel: &'a Cancel,
}

/// A state's tokens and, for stored samples, the logged answer.
struct Question<'t> {
    id: String,
    prompt_ids: Vec<u32>,
    step: &'t lam_types::Step,
}

impl Question<'_> {
    /// A rollout of this answer, not measured and not scored.
    fn answered(&self, id: String, response_ids: &[u32]) -> Rollout {
        let input_ids = [self.prompt_ids.as_slice(), response_ids].concat();
        Rollout { id, input_ids, prompt_length: self.prompt_ids.len(), ..Rollout::default() }
    }
}

impl RolloutMaker<'_> {
    /// The rollouts, those of earlier tries from the journal at `file`, which is written chunk by chunk.
    ///
    /// # Errors
    /// A model that fails, an unusable file, or a stop.
    pub fn load_or_make(&self, file: &Path, failures: &[Trajectory]) -> Result<Vec<Rollout>, ReinforceError> {
        let mut questions = self.questions(failures)?;
        if self.config.max_states > 0 {
            questions.truncate(self.config.max_states);
        }
        let (mut rollouts, mut complete) = (Vec::new(), 0);
        let mut journal = Journal::open(file, |line| {
            complete += 1;
            rollouts.extend(line.decode::<Vec<Rollout>>(HINT)?);
            Ok::<(), ReinforceError>(())
        })?;
        let chunks = questions.chunks(CHUNK).enumerate().skip(complete);
        if chunks.len() == 0 {
            return Ok(self.completed(rollouts, &questions));
        }
        self.progress.begin("rollouts", Some(questions.len() as u64));
        let mut generator = Generator::new(self.policy, Generator::SLOTS)?;
        for (done, questions) in chunks {
            if self.cancel.is_cancelled() {
                return Err(ReinforceError::Cancelled);
            }
            let answers = match self.config.samples {
                Samples::Generated => self.sampled(&mut generator, questions)?,
                Samples::Stored => self.stored(questions)?,
            };
            let scored = self.scored(answers)?;
            journal.append(&scored)?;
            journal.sync()?;
            rollouts.extend(scored);
            self.progress.advance((done * CHUNK + questions.len()) as u64, "");
        }
        self.progress.end();
        Ok(self.completed(rollouts, &questions))
    }

    fn questions<'t>(&self, failures: &'t [Trajectory]) -> Result<Vec<Question<'t>>, ReinforceError> {
        let rows = self.policy.config().vocab_size;
        let question = |trajectory: &'t Trajectory, step: &'t lam_types::Step| {
            let id = format!("{}/{}", trajectory.trajectory_id, step.step_index);
            let prompt_ids = self.renderer.action_prompt(&step.state, self.functions)?;
            check_tokens([(id.as_str(), prompt_ids.as_slice())], rows)?;
            Ok(Question { id, prompt_ids, step })
        };
        let steps = failures.iter().flat_map(|trajectory| trajectory.steps.iter().map(move |step| (trajectory, step)));
        let questions = steps.map(|(trajectory, step)| question(trajectory, step));
        let questions = questions.collect::<Result<Vec<_>, ReinforceError>>()?.into_iter();
        Ok(match self.config.samples {
            // Several tries pass through one state; its answers are sampled once.
            Samples::Generated => {
                let mut seen = HashSet::new();
                questions.filter(|question| seen.insert(question.prompt_ids.clone())).collect()
            }
            Samples::Stored => questions.collect(),
        })
    }

    fn sampled(
        &self,
        generator: &mut Generator<'_>,
        questions: &[Question<'_>],
    ) -> Result<Vec<Rollout>, ReinforceError> {
        let mut requests = Vec::new();
        let mut ids = Vec::new();
        for question in questions {
            for sample in 0..self.config.samples_per_state {
                let id = format!("{}/{sample}", question.id);
                requests.push(self.request(question, &id));
                ids.push((id, question));
            }
        }
        let completions = generator.run(requests)?;
        let rollout = |((id, question), completion): (&(String, &Question<'_>), lam_inference::Completion)| Rollout {
            call: self
                .renderer
                .parse_action(&completion.tokens)
                .map_or_else(|error| error.to_string(), |action| call_of(&action)),
            reference_logprobs: completion.behavior_logprobs,
            ..question.answered(id.clone(), &completion.tokens)
        };
        let rollouts = ids.iter().zip(completions).map(rollout).collect();
        // The ratio begins at 1, and the KL at 0, only if both are of one distribution: the forward pass of training
        // measures what was drawn where it computes in fewer bits than generation.
        if !self.is_rounded() {
            return Ok(rollouts);
        }
        self.measured(rollouts, ids.iter().map(|(_, question)| *question))
    }

    /// The same with the log-probabilities of the forward pass of training, over what might have stood at each place.
    fn measured<'q>(
        &self,
        mut rollouts: Vec<Rollout>,
        questions: impl Iterator<Item = &'q Question<'q>>,
    ) -> Result<Vec<Rollout>, ReinforceError> {
        let mut choices = self.choices();
        for (rollout, question) in rollouts.iter_mut().zip(questions) {
            rollout.choices = choices.of(&question.step.state.observation, rollout.response_ids());
        }
        let of = |(choice, &token): (&Choice, &u32)| match choice {
            Choice::Forced => Some(Arc::new(TokenSet::new(&[token], self.policy.config().vocab_size))),
            Choice::Of(allowed) => allowed.clone(),
        };
        let allowed = |rollout: &Rollout| rollout.choices.iter().zip(rollout.response_ids()).map(of).collect();
        let allowed: Vec<Vec<Allowed>> = rollouts.iter().map(allowed).collect();
        let given = rollouts.iter().zip(&allowed).map(|(rollout, allowed)| Given {
            prompt: rollout.prompt_ids(),
            answer: rollout.response_ids(),
            allowed,
        });
        let found = lam_inference::score_among(self.policy, &given.collect::<Vec<_>>(), self.config.temperature)?;
        for (rollout, logprobs) in rollouts.iter_mut().zip(found) {
            rollout.reference_logprobs = logprobs;
        }
        Ok(rollouts)
    }

    fn choices(&self) -> Choices<'_> {
        Choices::new(self.renderer, self.functions, self.policy.config().vocab_size)
    }

    /// Whether training computes in fewer bits than generation: as configured, or because the device does.
    fn is_rounded(&self) -> bool {
        self.config.is_rounded() || self.policy.device().computes_in_bf16()
    }

    fn request(&self, question: &Question<'_>, id: &str) -> GenerationRequest {
        let (seed, eos) = (stream_number(self.seed, id), self.renderer.tokenizer().eos());
        GenerationRequest {
            constraint: Some(self.renderer.action_constraint(&question.step.state.observation, self.functions)),
            sampling: Sampling { temperature: self.config.temperature, seed, ..Sampling::default() },
            logprobs: false,
            stop_tokens: self.renderer.stop_tokens().to_vec(),
            ..GenerationRequest::greedy(question.prompt_ids.clone(), eos, self.config.response_length)
        }
    }

    /// The logged answers, with log-probabilities measured under LAM3 at the temperature at which they were sampled.
    fn stored(&self, questions: &[Question<'_>]) -> Result<Vec<Rollout>, ReinforceError> {
        let words = Words { renderer: self.renderer, functions: self.functions };
        let answered = |question: &Question<'_>| {
            let response_ids = words.answer_ids(question.step)?;
            let call = call_of(&question.step.action);
            Ok(Rollout { call, ..question.answered(question.id.clone(), &response_ids) })
        };
        let rollouts = questions.iter().map(answered).collect::<Result<Vec<_>, ReinforceError>>()?;
        self.measured(rollouts, questions.iter())
    }

    /// The same rollouts with the reward model's rewards.
    fn scored(&self, mut rollouts: Vec<Rollout>) -> Result<Vec<Rollout>, ReinforceError> {
        let (decoder, head) = self.reward_model;
        let sequences: Vec<&[u32]> = rollouts.iter().map(|rollout| rollout.input_ids.as_slice()).collect();
        let scores = reward_scores(decoder, head, &sequences)?;
        for (rollout, score) in rollouts.iter_mut().zip(scores) {
            rollout.reward = normalized_reward(score);
        }
        Ok(rollouts)
    }

    /// The rollouts with what is known once all are there. One in which nothing was chosen cannot be learned from.
    fn completed(&self, rollouts: Vec<Rollout>, questions: &[Question<'_>]) -> Vec<Rollout> {
        let per_question = match self.config.samples {
            Samples::Generated => self.config.samples_per_state,
            Samples::Stored => 1,
        };
        let questions = questions.iter().flat_map(|question| std::iter::repeat_n(question, per_question));
        let mut choices = self.choices();
        let known = questions.zip(rollouts).map(|(question, mut rollout)| {
            // Those of a journal, and those that nobody had to measure, do not know yet.
            let choices = match std::mem::take(&mut rollout.choices) {
                unknown if unknown.is_empty() => choices.of(&question.step.state.observation, rollout.response_ids()),
                known => known,
            };
            rollout.with_choices(&choices)
        });
        let mut rollouts: Vec<Rollout> = known.filter(|rollout| rollout.answer().predicted_tokens() > 0).collect();
        set_advantages(&mut rollouts);
        rollouts
    }
}

/// Compares the mean reward of the answers that do what a rollout does with that of all answers to its state.
fn set_advantages(rollouts: &mut [Rollout]) {
    let mut states: HashMap<Vec<u32>, Mean> = HashMap::new();
    let mut calls: HashMap<(Vec<u32>, String), Mean> = HashMap::new();
    let call = |rollout: &Rollout| (rollout.prompt_ids().to_vec(), rollout.call.clone());
    for rollout in rollouts.iter() {
        states.entry(rollout.prompt_ids().to_vec()).or_default().add(rollout.reward);
        calls.entry(call(rollout)).or_default().add(rollout.reward);
    }
    for rollout in rollouts {
        rollout.advantage_of_call = calls[&call(rollout)].value() - states[rollout.prompt_ids()].value();
    }
}

/// A mean that grows.
#[derive(Clone, Copy, Debug, Default)]
struct Mean {
    sum: f32,
    count: f32,
}

impl Mean {
    fn add(&mut self, value: f32) {
        *self = Self { sum: self.sum + value, count: self.count + 1.0 };
    }

    fn value(self) -> f32 {
        self.sum / self.count
    }
}

/// The rollouts of states at which the answers make at least so many different calls, in their order.
pub fn disagreeing(rollouts: Vec<Rollout>, min_distinct_calls: usize) -> Vec<Rollout> {
    let mut calls: HashMap<Vec<u32>, BTreeSet<String>> = HashMap::new();
    for rollout in &rollouts {
        calls.entry(rollout.prompt_ids().to_vec()).or_default().insert(rollout.call.clone());
    }
    rollouts.into_iter().filter(|rollout| calls[rollout.prompt_ids()].len() >= min_distinct_calls).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rollout(state: u32, call: &str, reward: f32) -> Rollout {
        Rollout {
            id: format!("{state}/{call}"),
            input_ids: vec![state, 1],
            prompt_length: 1,
            reward,
            call: call.into(),
            ..Rollout::default()
        }
    }

    #[test]
    fn an_answer_is_held_against_the_mean_of_its_own_state() {
        let mut rollouts = vec![rollout(1, "a", 0.5), rollout(2, "a", -0.5), rollout(1, "b", 0.1)];
        set_advantages(&mut rollouts);
        let advantages: Vec<f32> = rollouts.iter().map(|rollout| rollout.advantage_of_call).collect();
        assert!(
            (advantages[0] - 0.2).abs() < 1e-6 && advantages[1] == 0.0 && (advantages[2] + 0.2).abs() < 1e-6,
            "{advantages:?}"
        );
    }

    #[test]
    fn answers_that_do_the_same_have_one_advantage() {
        let mut rollouts = vec![rollout(1, "a", 0.5), rollout(1, "a", 0.1), rollout(1, "b", 0.0)];
        set_advantages(&mut rollouts);
        let advantages: Vec<f32> = rollouts.iter().map(|rollout| rollout.advantage_of_call).collect();
        assert!(
            (advantages[0] - 0.1).abs() < 1e-6 && advantages[0] == advantages[1] && (advantages[2] + 0.2).abs() < 1e-6,
            "{advantages:?}"
        );
    }

    #[test]
    fn states_whose_answers_do_the_same_are_left_out() {
        let rollouts = vec![rollout(1, "a", 0.5), rollout(2, "a", 0.1), rollout(1, "b", 0.1), rollout(2, "a", 0.3)];
        let kept: Vec<String> = disagreeing(rollouts, 2).into_iter().map(|rollout| rollout.id).collect();
        assert_eq!(kept, ["1/a", "1/b"]);
    }
}
