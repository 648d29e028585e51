//! The constraint on one JSON answer.

use std::sync::Arc;

use lam_types::{FunctionSpec, Observation};

use super::document::Words;
use super::lists::Lists;
use super::state::{Escape, Rules, State};
use super::vocabulary::Vocabulary;
use crate::Tokenizer;
use crate::constraint::{AnswerLimits, TokenConstraint};

/// Where one answer stands.
pub(crate) struct JsonConstraint {
    tokenizer: Arc<Tokenizer>,
    vocabulary: Arc<Vocabulary>,
    rules: Rules,
    /// `None` once the answer is done.
    state: Option<State>,
    buffer: Vec<u32>,
}

impl JsonConstraint {
    /// A constraint at the beginning of an answer.
    pub(crate) fn new(
        tokenizer: Arc<Tokenizer>,
        vocabulary: Arc<Vocabulary>,
        observation: &Observation,
        functions: &[FunctionSpec],
        limits: AnswerLimits,
    ) -> Self {
        let ranges = |spec: &FunctionSpec| spec.args.iter().map(|arg| arg.kind.range(observation)).collect();
        let rules = Rules {
            lists: Lists::new(&vocabulary.lead, observation, functions, limits.plan_steps),
            words: Words::new(&observation.document),
            ranges: functions.iter().map(ranges).collect(),
            limits,
        };
        let state = Some(rules.begin());
        Self { tokenizer, vocabulary, rules, state, buffer: Vec::new() }
    }

    /// Whether every plain token fits here, so that only the others must be tried.
    fn is_open_string(&self, state: State) -> bool {
        match state {
            State::Free { field, escape: Escape::None, used } => {
                used + self.vocabulary.longest <= self.rules.limit(field)
            }
            _ => false,
        }
    }
}

impl TokenConstraint for JsonConstraint {
    fn allowed(&mut self) -> &[u32] {
        self.buffer.clear();
        let Some(state) = self.state else { return &self.buffer };
        let step = |state, byte| self.rules.step(state, byte);
        if state == State::End {
            self.buffer.push(self.tokenizer.eos());
        } else if self.is_open_string(state) {
            let mut marked = Vec::new();
            self.vocabulary.marked.collect(state, &step, &mut marked);
            marked.sort_unstable();
            self.buffer.extend_from_slice(&self.vocabulary.plain);
            self.buffer.append(&mut marked);
        } else {
            self.vocabulary.all.collect(state, &step, &mut self.buffer);
        }
        // The stable sort merges two ascending runs in one pass.
        self.buffer.sort();
        &self.buffer
    }

    fn advance(&mut self, token: u32) {
        if self.tokenizer.is_special(token) {
            self.state = None;
            return;
        }
        let bytes = self.tokenizer.token_bytes(token);
        self.state =
            self.state.and_then(|state| bytes.iter().try_fold(state, |state, byte| self.rules.step(state, *byte)));
    }

    fn is_done(&self) -> bool {
        self.state.is_none()
    }
}
