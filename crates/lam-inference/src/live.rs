//! One answer in the making. Between two readings it holds the tokens that the model has yet to read.

use lam_model::Read;

use crate::sampling::Logprobs;
use crate::{Completion, GenerationRequest, InferenceError, PartialAnswer, Sampler, StopReason};

/// One answer in the making.
pub(crate) struct Live {
    request: GenerationRequest,
    sampler: Sampler,
    pub(crate) slot: usize,
    tokens: Vec<u32>,
    logprobs: Vec<f32>,
    top_logprobs: Vec<Vec<(u32, f32)>>,
    behavior_logprobs: Vec<f32>,
    /// What the model reads next: the rest of the prompt, or a chosen token, then tokens without choice.
    unread: Vec<u32>,
    stop: Option<StopReason>,
    /// Why it cannot go on.
    failure: Option<InferenceError>,
}

impl Live {
    /// An answer whose slot already holds the first `held` tokens of the prompt.
    pub(crate) fn start(request: GenerationRequest, slot: usize, held: usize) -> Self {
        let unread = request.prompt[held..].to_vec();
        let sampler = Sampler::new(request.sampling);
        let mut live = Self {
            request,
            sampler,
            slot,
            tokens: Vec::new(),
            logprobs: Vec::new(),
            top_logprobs: Vec::new(),
            behavior_logprobs: Vec::new(),
            unread,
            stop: None,
            failure: None,
        };
        live.failure = live.follow_without_choice().err();
        live
    }

    /// Takes out what the model is to read next.
    pub(crate) fn take_unread(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.unread)
    }

    /// How the model is to read these tokens.
    pub(crate) fn read<'t>(&self, tokens: &'t [u32]) -> Read<'t> {
        let scored = if self.request.logprobs { self.unscored() + 1 } else { 1 };
        Read { slot: self.slot, tokens, scored }
    }

    /// Lets the constraint compute what may come next, which needs no scores.
    pub(crate) fn prepare(&mut self) {
        if let Some(constraint) = &mut self.request.constraint {
            constraint.allowed();
        }
    }

    /// Whether [`Live::prepare`] takes long, and its result is kept.
    pub(crate) fn is_worth_preparing(&self) -> bool {
        self.stop.is_none() && self.request.constraint.as_ref().is_some_and(|constraint| constraint.is_costly())
    }

    /// Whether nothing has to be read any more.
    pub(crate) fn is_done(&self) -> bool {
        self.failure.is_some() || self.stop.is_some() && (self.unscored() == 0 || !self.request.logprobs)
    }

    /// What there is of the answer.
    pub(crate) fn partial(&self) -> PartialAnswer<'_> {
        PartialAnswer { tokens: &self.tokens, logprobs: &self.logprobs, top_logprobs: &self.top_logprobs }
    }

    /// Takes the scores after the last tokens read: scores the tokens without choice, then chooses the next one. An answer
    /// that cannot go on is done, and says why when it is finished.
    pub(crate) fn take(&mut self, scores: &[&[f32]]) {
        self.failure = self.try_take(scores).err();
    }

    fn try_take(&mut self, scores: &[&[f32]]) -> Result<(), InferenceError> {
        let position = self.tokens.len();
        let (last, before) = scores.split_last().expect("scores after at least one token are asked for");
        for scores in before {
            let place = self.logprobs.len();
            self.score(scores, self.tokens[place]).ok_or(InferenceError::NotFinite { position: place })?;
        }
        // Without scores asked for, tokens without choice stay unscored.
        self.logprobs.resize(position, f32::NAN);
        if self.stop.is_some() {
            return Ok(());
        }
        let allowed = self.request.constraint.as_mut().map(|constraint| constraint.allowed());
        if allowed.is_some_and(<[u32]>::is_empty) {
            return Err(self.dead_end());
        }
        let seen = self.request.prompt.iter().chain(&self.tokens).copied();
        let choice = self.sampler.choose(last, allowed, seen).ok_or(InferenceError::NotFinite { position })?;
        // Summing over the whole vocabulary would cost more than choosing among the few tokens that a constraint allows.
        if self.request.logprobs {
            self.score(last, choice.token).ok_or(InferenceError::NotFinite { position })?;
        }
        self.emit(choice.token, choice.behavior_logprob)?;
        self.follow_without_choice()
    }

    /// Records log p of the next unscored token, and of the most probable ones; `None` for scores that are not finite.
    fn score(&mut self, scores: &[f32], token: u32) -> Option<()> {
        let logprobs = Logprobs::of(scores, self.request.logprob_temperature)?;
        self.logprobs.push(logprobs.token(token)?);
        if self.request.top_logprobs > 0 {
            self.top_logprobs.push(logprobs.top(self.request.top_logprobs));
        }
        Some(())
    }

    /// The whole answer, or why there is none.
    pub(crate) fn finish(mut self) -> Result<Completion, InferenceError> {
        match self.failure.take() {
            Some(failure) => Err(failure),
            None => {
                let stop = self.stop.unwrap_or(StopReason::Cancelled);
                Ok(self.stopped(stop))
            }
        }
    }

    /// The answer, as far as it came.
    pub(crate) fn stopped(mut self, stop: StopReason) -> Completion {
        self.logprobs.resize(self.tokens.len(), f32::NAN);
        Completion {
            tokens: self.tokens,
            logprobs: self.logprobs,
            top_logprobs: self.top_logprobs,
            behavior_logprobs: self.behavior_logprobs,
            stop,
        }
    }

    /// Tokens without choice that have no log-probability yet.
    fn unscored(&self) -> usize {
        self.tokens.len() - self.logprobs.len()
    }

    /// Writes tokens as long as the constraint leaves only one.
    ///
    /// # Errors
    /// As [`Live::emit`].
    fn follow_without_choice(&mut self) -> Result<(), InferenceError> {
        while self.stop.is_none() {
            let forced = self.request.constraint.as_mut().and_then(|constraint| constraint.forced());
            let Some(forced) = forced else { break };
            self.emit(forced, 0.0)?;
        }
        Ok(())
    }

    /// Writes a token.
    ///
    /// # Errors
    /// A constraint that fails with it: what there is then is no answer, whatever the token is.
    fn emit(&mut self, token: u32, behavior_logprob: f32) -> Result<(), InferenceError> {
        self.tokens.push(token);
        self.behavior_logprobs.push(behavior_logprob);
        self.unread.push(token);
        let mut complete = false;
        if let Some(constraint) = &mut self.request.constraint {
            constraint.advance(token);
            complete = constraint.is_done();
            if constraint.failure().is_some() {
                return Err(self.dead_end());
            }
        }
        self.stop = if self.request.stop_tokens.contains(&token) {
            Some(StopReason::StopToken)
        } else if complete {
            Some(StopReason::ConstraintComplete)
        } else if self.tokens.len() >= self.request.max_new_tokens {
            Some(StopReason::MaxNewTokens)
        } else {
            None
        };
        Ok(())
    }

    /// The constraint leaves nothing to be written behind what there is.
    fn dead_end(&self) -> InferenceError {
        let reason = self.request.constraint.as_ref().and_then(|constraint| constraint.failure()).unwrap_or_default();
        InferenceError::DeadEnd { position: self.tokens.len(), reason: reason.to_owned() }
    }
}
