//! What might have stood at each place of an answer: the constraint is followed once more along its tokens. Does not know
//! what becomes of it.

use std::collections::HashSet;
use std::sync::Arc;

use lam_model::{Allowed, TokenSet};
use lam_prompt::Renderer;
use lam_types::{FunctionSpec, Observation};

/// What might have stood at a place of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// What stands there alone: it is written whatever the policy thinks of it.
    Forced,
    /// These tokens, or any.
    Of(Allowed),
}

/// Follows constraints along answers; places at which the same tokens might have stood share them.
pub struct Choices<'a> {
    renderer: &'a Renderer,
    functions: &'a [FunctionSpec],
    vocab_size: usize,
    sets: HashSet<Arc<TokenSet>>,
}

impl<'a> Choices<'a> {
    /// For answers to prompts that name these functions, of a model with so many tokens.
    pub fn new(renderer: &'a Renderer, functions: &'a [FunctionSpec], vocab_size: usize) -> Self {
        Self { renderer, functions, vocab_size, sets: HashSet::new() }
    }

    /// What might have stood at each place of an answer on a screen. An answer that the constraint would not allow was
    /// given without it: from there on any token might have stood.
    pub fn of(&mut self, observation: &Observation, answer: &[u32]) -> Vec<Choice> {
        let mut constraint = self.renderer.action_constraint(observation, self.functions);
        let mut choices = Vec::with_capacity(answer.len());
        for &token in answer {
            let choice = match constraint.forced() {
                Some(only) if only == token => Choice::Forced,
                Some(_) => break,
                None if constraint.allowed().binary_search(&token).is_err() => break,
                None => Choice::Of(self.shared(constraint.allowed())),
            };
            choices.push(choice);
            constraint.advance(token);
        }
        choices.resize(answer.len(), Choice::Of(None));
        choices
    }

    fn shared(&mut self, tokens: &[u32]) -> Allowed {
        if tokens.len() >= self.vocab_size {
            return None;
        }
        let set = TokenSet::new(tokens, self.vocab_size);
        if let Some(known) = self.sets.get(&set) {
            return Some(known.clone());
        }
        let set = Arc::new(set);
        self.sets.insert(set.clone());
        Some(set)
    }
}
