//! An answer to a state, as every method sees it. Does not know who gave it.

use lam_model::Answer;
use serde::{Deserialize, Serialize};

/// One answer to one state.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rollout {
    /// Trajectory, step and sample it comes from.
    pub id: String,
    /// The tokens of the state, and of the answer with its end of sequence.
    pub input_ids: Vec<u32>,
    /// How many of them are the state's.
    pub prompt_length: usize,
    /// log p of each answer token under LAM3 at the sampling temperature, in nats.
    pub reference_logprobs: Vec<f32>,
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

    /// The answer at the end of its prompt.
    pub fn answer(&self) -> Answer<'_> {
        Answer::after_prompt(&self.input_ids, self.prompt_length)
    }
}
