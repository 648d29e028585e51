//! An answer to a state, as every method sees it. Does not know who gave it.

use lam_model::{Allowed, Answer};
use serde::{Deserialize, Serialize};

use crate::choices::Choice;

/// One answer to one state.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rollout {
    /// Trajectory, step and sample it comes from.
    pub id: String,
    /// The tokens of the state, and of the answer with its end of sequence.
    pub input_ids: Vec<u32>,
    /// How many of them are the state's.
    pub prompt_length: usize,
    /// log p of each answer token under LAM3 at the sampling temperature, in nats, over what might have stood there; 0 of
    /// a forced one. Once [`Rollout::with_choices`] has said which these are, of the others alone.
    pub reference_logprobs: Vec<f32>,
    /// What might have stood at each place of the answer, between its measurement and [`Rollout::with_choices`].
    #[serde(skip)]
    pub choices: Vec<Choice>,
    /// Which tokens of the whole text were chosen; empty where all of the answer's were.
    #[serde(skip)]
    pub chosen: Vec<bool>,
    /// What might have stood at each chosen token; empty where any might at all of them.
    #[serde(skip)]
    pub allowed: Vec<Allowed>,
    /// sigmoid(score) − 0.5 under the reward model, in [−0.5, 0.5] (paper §5.1.3).
    pub reward: f32,
    /// What the answer does, without the words around it.
    pub call: String,
    /// How much better than the mean of its state's answers the reward model finds those that do what this one does.
    /// The words around a call do nothing in the application: what it thinks of them is noise, and averaged away.
    /// Known once all answers of the state are.
    #[serde(skip)]
    pub advantage_of_call: f32,
}

impl Rollout {
    /// The state's tokens.
    pub fn prompt_ids(&self) -> &[u32] {
        &self.input_ids[..self.prompt_length]
    }

    /// The answer's tokens.
    pub fn response_ids(&self) -> &[u32] {
        &self.input_ids[self.prompt_length..]
    }

    /// The same with what might have stood at each place of the answer known: forced tokens are no longer a part of it,
    /// since whatever the policy thinks of them, they are written. Of a rollout that has all of its log-probabilities.
    #[must_use]
    pub fn with_choices(mut self, choices: &[Choice]) -> Self {
        self.chosen = vec![false; self.prompt_length];
        self.allowed.clear();
        let mut logprobs = std::mem::take(&mut self.reference_logprobs).into_iter();
        for choice in choices {
            let logprob = logprobs.next();
            self.chosen.push(*choice != Choice::Forced);
            if let Choice::Of(allowed) = choice {
                self.allowed.push(allowed.clone());
                self.reference_logprobs.extend(logprob);
            }
        }
        self
    }

    /// What might have stood at each chosen token of the answer.
    pub fn allowed(&self) -> impl Iterator<Item = Allowed> {
        let any = if self.chosen.is_empty() { self.response_ids().len() } else { 0 };
        self.allowed.iter().cloned().chain(std::iter::repeat_n(None, any))
    }

    /// The tokens that were chosen of the answer at the end of its prompt.
    pub fn answer(&self) -> Answer<'_> {
        match self.chosen.as_slice() {
            [] => Answer::after_prompt(&self.input_ids, self.prompt_length),
            chosen => Answer::marked(&self.input_ids, chosen),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use lam_model::TokenSet;

    use super::*;

    #[test]
    fn forced_tokens_are_neither_measured_nor_trained() {
        let rollout = Rollout {
            input_ids: vec![9, 9, 1, 2, 3, 4],
            prompt_length: 2,
            reference_logprobs: vec![-1.0, 0.0, -3.0, 0.0],
            ..Rollout::default()
        };
        assert_eq!((rollout.answer().predicted_tokens(), rollout.allowed().collect::<Vec<_>>()), (4, vec![None; 4]));
        let some = Some(Arc::new(TokenSet::new(&[3, 5], 10)));
        let choices = [Choice::Of(None), Choice::Forced, Choice::Of(some.clone()), Choice::Forced];
        let known = rollout.clone().with_choices(&choices);
        assert_eq!((known.reference_logprobs.as_slice(), known.answer().predicted_tokens()), (&[-1.0, -3.0][..], 2));
        assert_eq!(known.allowed().collect::<Vec<_>>(), [None, some]);
        assert_eq!(rollout.with_choices(&[const { Choice::Forced }; 4]).answer().predicted_tokens(), 0);
    }
}
