//! One example: a prompt that is read and an answer that is learned.

use lam_prompt::{PromptError, Renderer};
use lam_types::{FunctionSpec, Step, TaskPlan, Trajectory};

use crate::DataError;

/// Tokens and which of them the loss counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// The row it comes from.
    pub sample_id: String,
    /// Prompt and answer. Shape: `[T]`
    pub input_ids: Vec<u32>,
    /// Whether the loss counts the token. Shape: `[T]`
    pub loss_mask: Vec<bool>,
}

impl Example {
    /// A prompt that is read and an answer that is learned.
    ///
    /// # Errors
    /// An answer without tokens.
    pub fn new(sample_id: String, prompt: Vec<u32>, answer: &[u32]) -> Result<Self, DataError> {
        if answer.is_empty() {
            return Err(DataError::NothingToTrain { sample_id, reason: "the answer is empty".to_owned() });
        }
        let loss_mask = (0..prompt.len() + answer.len()).map(|position| position >= prompt.len()).collect();
        let mut input_ids = prompt;
        input_ids.extend_from_slice(answer);
        Ok(Self { sample_id, input_ids, loss_mask })
    }

    /// How many tokens the loss counts.
    pub fn trained(&self) -> usize {
        self.loss_mask.iter().filter(|trained| **trained).count()
    }
}

/// Phase 1: the task is read, the plan is learned.
///
/// # Errors
/// A plan without steps.
pub fn plan_example(renderer: &Renderer, pair: &TaskPlan) -> Result<Example, DataError> {
    if pair.plan.iter().all(|step| step.trim().is_empty()) {
        let reason = format!("plan of `{}` has no step", pair.task);
        return Err(DataError::NothingToTrain { sample_id: pair.task_id.clone(), reason });
    }
    let refused = |error: PromptError| words(&pair.task_id, &error);
    let prompt = renderer.plan_prompt(&pair.task).map_err(refused)?;
    Example::new(pair.task_id.clone(), prompt, &renderer.plan_answer(&pair.plan).map_err(refused)?)
}

/// Phases 2 and 3: the state is read, the action is learned.
///
/// # Errors
/// An action without function and without plan: an answer that could not be read.
pub fn step_example(
    renderer: &Renderer,
    trajectory: &Trajectory,
    step: &Step,
    functions: &[FunctionSpec],
) -> Result<Example, DataError> {
    let sample_id = sample_id(trajectory, step);
    let action = &step.action;
    if action.function.is_empty() && action.thought.is_empty() && action.plan.is_empty() && !step.message.is_empty() {
        let reason = format!("the answer could not be read: {}", step.message);
        return Err(DataError::NothingToTrain { sample_id, reason });
    }
    let refused = |error: PromptError| words(&sample_id, &error);
    let prompt = renderer.action_prompt(&step.state, functions).map_err(refused)?;
    let answer = renderer.action_answer(action).map_err(refused)?;
    Example::new(sample_id, prompt, &answer)
}

/// All steps of a trajectory.
///
/// # Errors
/// As for [`step_example`].
pub fn step_examples(
    renderer: &Renderer,
    trajectory: &Trajectory,
    functions: &[FunctionSpec],
) -> Result<Vec<Example>, DataError> {
    trajectory.steps.iter().map(|step| step_example(renderer, trajectory, step, functions)).collect()
}

/// The base stage: every token but the first is learned.
///
/// # Errors
/// A text without tokens.
pub fn text_example(renderer: &Renderer, sample_id: String, text: &str) -> Result<Example, DataError> {
    if text.trim().is_empty() {
        return Err(DataError::NothingToTrain { sample_id, reason: "the text is empty".to_owned() });
    }
    let mut ids = renderer.text(text);
    let rest = ids.split_off(1);
    Example::new(sample_id, ids, &rest)
}

/// Refuses examples that are longer than `max_length`: nothing is cut silently.
///
/// # Errors
/// The first that is too long.
pub fn limit_length(examples: &[Example], max_length: usize) -> Result<(), DataError> {
    match examples.iter().find(|example| example.input_ids.len() > max_length) {
        Some(example) => Err(DataError::TooLong {
            sample_id: example.sample_id.clone(),
            length: example.input_ids.len(),
            max_length,
        }),
        None => Ok(()),
    }
}

fn words(sample_id: &str, error: &PromptError) -> DataError {
    DataError::Words { sample_id: sample_id.to_owned(), reason: error.to_string() }
}

/// `<trajectory>/<step>`
fn sample_id(trajectory: &Trajectory, step: &Step) -> String {
    format!("{}/{}", trajectory.trajectory_id, step.step_index)
}
