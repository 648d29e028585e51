//! Steps of tries as tokens.

use lam_prompt::{PromptError, Renderer};
use lam_types::{FunctionSpec, Step, StepStatus, Trajectory};

use crate::balance::call_of;
use crate::rollout::Rollout;

/// Whether the step's answer could be read and carried out.
pub fn is_readable(step: &Step) -> bool {
    step.status != StepStatus::InvalidAction
}

/// Words as the model reads and writes them.
#[derive(Clone, Copy)]
pub struct Words<'a> {
    /// LAM3's words.
    pub renderer: &'a Renderer,
    /// The functions that prompts name.
    pub functions: &'a [FunctionSpec],
}

impl Words<'_> {
    /// The answer's tokens: those that the policy wrote, where its tokenizer was this one.
    ///
    /// # Errors
    /// A word that cannot be rendered.
    pub fn answer_ids(&self, step: &Step) -> Result<Vec<u32>, PromptError> {
        match &step.tokens {
            Some(tokens) if tokens.tokenizer_hash == self.renderer.tokenizer().hash() => Ok(tokens.action_ids.clone()),
            _ => self.renderer.action_answer(&step.action),
        }
    }

    /// A step as an answer to its state, not measured and not scored.
    ///
    /// # Errors
    /// As [`Words::answer_ids`].
    pub fn rollout(&self, trajectory: &Trajectory, step: &Step) -> Result<Rollout, PromptError> {
        let prompt_ids = self.renderer.action_prompt(&step.state, self.functions)?;
        Ok(Rollout {
            id: format!("{}/{}", trajectory.trajectory_id, step.step_index),
            input_ids: [prompt_ids.as_slice(), &self.answer_ids(step)?].concat(),
            prompt_length: prompt_ids.len(),
            call: call_of(&step.action),
            ..Rollout::default()
        })
    }
}
