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
    /// log p of each answer token under LAM3 at the sampling temperature, in nats; of those that were chosen alone, where
    /// others were forced.
    pub reference_logprobs: Vec<f32>,
    /// Places in the answer whose token the constraint forced, ascending: whatever the policy thinks of them, they are
    /// written, so that nothing is to be learned there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forced: Vec<usize>,
    /// Which tokens of the whole text were chosen; empty where all of the answer's were. [`Rollout::marked`] makes it.
    #[serde(skip)]
    pub chosen: Vec<bool>,
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

    /// The same with its forced places known, as they are when it is read from a file.
    #[must_use]
    pub fn marked(self) -> Self {
        if self.forced.is_empty() {
            return self;
        }
        let mut chosen: Vec<bool> = (0..self.input_ids.len()).map(|place| place >= self.prompt_length).collect();
        for place in &self.forced {
            chosen[self.prompt_length + place] = false;
        }
        Self { chosen, ..self }
    }

    /// The tokens that were chosen of the answer at the end of its prompt.
    pub fn answer(&self) -> Answer<'_> {
        match self.chosen.as_slice() {
            [] => Answer::after_prompt(&self.input_ids, self.prompt_length),
            chosen => Answer::marked(&self.input_ids, chosen),
        }
    }
}
