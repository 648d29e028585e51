//! What is asked of the generator, and what it answers.

use std::fmt;

use lam_model::AdapterId;
use lam_prompt::TokenConstraint;

use crate::{InferenceError, Sampling};

/// One answer to be generated.
pub struct GenerationRequest {
    /// The prompt's tokens, at least one.
    pub prompt: Vec<u32>,
    /// What may come next, if that is limited.
    pub constraint: Option<Box<dyn TokenConstraint>>,
    /// How a token is chosen.
    pub sampling: Sampling,
    /// Longest answer, in tokens.
    pub max_new_tokens: usize,
    /// Tokens that end the answer; they are part of it.
    pub stop_tokens: Vec<u32>,
    /// Whether the model's log-probabilities of the tokens are wanted, of those too that the constraint left no choice
    /// about. Without them scores are summed only over what may be chosen.
    pub logprobs: bool,
    /// Scores are divided by it in these log-probabilities; 1 for those of the model itself.
    pub logprob_temperature: f32,
    /// How many of the most probable tokens are told beside each log-probability; needs `logprobs`.
    pub top_logprobs: usize,
    /// The adapter that this answer is generated with, if any; see [`crate::CachedDecoder::add_adapter`].
    pub adapter: Option<AdapterId>,
}

impl GenerationRequest {
    /// A greedy, free answer that ends with `eos`.
    pub fn greedy(prompt: Vec<u32>, eos: u32, max_new_tokens: usize) -> Self {
        Self {
            prompt,
            constraint: None,
            sampling: Sampling::default(),
            max_new_tokens,
            stop_tokens: vec![eos],
            logprobs: true,
            logprob_temperature: 1.0,
            top_logprobs: 0,
            adapter: None,
        }
    }

    pub(crate) fn check(&self) -> Result<(), InferenceError> {
        let refuse = |field, reason: &str| Err(InferenceError::Request { field, reason: reason.into() });
        if self.prompt.is_empty() {
            return refuse("prompt", "is empty");
        }
        if self.max_new_tokens == 0 {
            return refuse("max_new_tokens", "is 0");
        }
        if !(self.logprob_temperature.is_finite() && self.logprob_temperature > 0.0) {
            return refuse("logprob_temperature", "is not above 0");
        }
        self.sampling.check()
    }
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// A stop token was written.
    StopToken,
    /// The constraint is complete.
    ConstraintComplete,
    /// The answer is as long as it may be.
    MaxNewTokens,
    /// Somebody asked to stop; the answer is unfinished.
    Cancelled,
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            StopReason::StopToken => "the answer ended with a stop token",
            StopReason::ConstraintComplete => "the constraint was complete",
            StopReason::MaxNewTokens => "the answer reached `max_new_tokens` before its end",
            StopReason::Cancelled => "generation was stopped before the answer's end",
        })
    }
}

/// A generated answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Completion {
    /// The answer's tokens, the stop token included.
    pub tokens: Vec<u32>,
    /// log p of each token under the model, unconstrained and at the request's `logprob_temperature`, in nats: what the
    /// training forward gives. NaN where they were not asked for.
    pub logprobs: Vec<f32>,
    /// The most probable tokens at each place with their log p, the best first: as many as were asked for, or none.
    pub top_logprobs: Vec<Vec<(u32, f32)>>,
    /// log p of each token under the distribution it was drawn from: masked, tempered, cut; 0 without a choice.
    pub behavior_logprobs: Vec<f32>,
    /// Why it ended.
    pub stop: StopReason,
}

impl Completion {
    /// The whole answer as it was seen in the making.
    pub fn as_partial(&self) -> PartialAnswer<'_> {
        PartialAnswer { tokens: &self.tokens, logprobs: &self.logprobs, top_logprobs: &self.top_logprobs }
    }
}

/// An answer in the making, as far as it came. Where log-probabilities were asked for, there may be fewer of them than
/// tokens: those that a constraint left no choice about are scored at the next reading.
#[derive(Clone, Copy, Debug)]
pub struct PartialAnswer<'a> {
    /// As [`Completion::tokens`].
    pub tokens: &'a [u32],
    /// As [`Completion::logprobs`].
    pub logprobs: &'a [f32],
    /// As [`Completion::top_logprobs`].
    pub top_logprobs: &'a [Vec<(u32, f32)>],
}
