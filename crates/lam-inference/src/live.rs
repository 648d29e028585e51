//! One answer in the making. Between two readings it holds the tokens that the model has yet to read.

use crate::sampling::logprob;
use crate::{Completion, GenerationRequest, InferenceError, Input, Sampler, StopReason};

/// One answer in the making.
pub(crate) struct Live {
    request: GenerationRequest,
    sampler: Sampler,
    pub(crate) slot: usize,
    tokens: Vec<u32>,
    logprobs: Vec<f32>,
    behavior_logprobs: Vec<f32>,
    /// What the model reads next: the rest of the prompt, or a chosen token, then tokens without choice.
    unread: Vec<u32>,
    stop: Option<StopReason>,
}

impl Live {
    /// An answer whose slot already holds the first `held` tokens of the prompt.
    pub(crate) fn start(request: GenerationRequest, slot: usize, held: usize) -> Self {
        let unread = request.prompt[held..].to_vec();
        let sampler = Sampler::new(request.sampling);
        let (tokens, logprobs, behavior_logprobs) = (Vec::new(), Vec::new(), Vec::new());
        let mut live = Self { request, sampler, slot, tokens, logprobs, behavior_logprobs, unread, stop: None };
        live.follow_without_choice();
        live
    }

    /// What the model is to read.
    pub(crate) fn input(&self) -> Input<'_> {
        let scored = if self.request.logprobs { self.unscored() + 1 } else { 1 };
        Input { slot: self.slot, tokens: &self.unread, scored }
    }

    /// Whether nothing has to be read any more.
    pub(crate) fn is_done(&self) -> bool {
        self.stop.is_some() && (self.unscored() == 0 || !self.request.logprobs)
    }

    /// Takes the scores after the last tokens read: scores the tokens without choice, then chooses the next one.
    pub(crate) fn take(&mut self, scores: &[&[f32]]) -> Result<(), InferenceError> {
        self.unread.clear();
        let position = self.tokens.len();
        let (last, before) = scores.split_last().expect("scores after at least one token are asked for");
        for scores in before {
            let place = self.logprobs.len();
            let value = logprob(scores, self.tokens[place]).ok_or(InferenceError::NotFinite { position: place })?;
            self.logprobs.push(value);
        }
        // Without scores asked for, tokens without choice stay unscored.
        self.logprobs.resize(position, f32::NAN);
        if self.stop.is_some() {
            return Ok(());
        }
        let allowed = self.request.constraint.as_mut().map(|constraint| constraint.allowed());
        if allowed.is_some_and(<[u32]>::is_empty) {
            return Err(InferenceError::DeadEnd { position });
        }
        let seen = self.request.prompt.iter().chain(&self.tokens).copied();
        let choice = self.sampler.choose(last, allowed, seen).ok_or(InferenceError::NotFinite { position })?;
        self.logprobs.push(choice.logprob);
        self.emit(choice.token, choice.behavior_logprob);
        self.follow_without_choice();
        Ok(())
    }

    /// The answer, as far as it came.
    pub(crate) fn finish(mut self, cancelled: bool) -> Completion {
        self.logprobs.resize(self.tokens.len(), f32::NAN);
        let stop = if cancelled { StopReason::Cancelled } else { self.stop.unwrap_or(StopReason::Cancelled) };
        Completion { tokens: self.tokens, logprobs: self.logprobs, behavior_logprobs: self.behavior_logprobs, stop }
    }

    /// Tokens without choice that have no log-probability yet.
    fn unscored(&self) -> usize {
        self.tokens.len() - self.logprobs.len()
    }

    /// Writes tokens as long as the constraint leaves only one.
    fn follow_without_choice(&mut self) {
        while self.stop.is_none() {
            let Some([only]) = self.request.constraint.as_mut().map(|constraint| constraint.allowed()) else { return };
            let only = *only;
            self.emit(only, 0.0);
        }
    }

    fn emit(&mut self, token: u32, behavior_logprob: f32) {
        self.tokens.push(token);
        self.behavior_logprobs.push(behavior_logprob);
        self.unread.push(token);
        let constraint = self.request.constraint.as_mut();
        let complete = constraint.is_some_and(|constraint| {
            constraint.advance(token);
            constraint.is_done()
        });
        self.stop = if self.request.stop_tokens.contains(&token) {
            Some(StopReason::StopToken)
        } else if complete {
            Some(StopReason::ConstraintComplete)
        } else if self.tokens.len() >= self.request.max_new_tokens {
            Some(StopReason::MaxNewTokens)
        } else {
            None
        };
    }
}
