//! Trajectory rows read back and put together: consecutive rows of one id are one trajectory.

use arrow::array::{ListArray, PrimitiveArray, StringArray};
use arrow::datatypes::{Float32Type, Float64Type, UInt32Type};
use lam_types::{Action, Observation, PolicyId, State, Step, Task, Tokens, Trajectory, Verdict};

use crate::StoreError;
use crate::table::reading::{Batch, Column};
use crate::table::task::tasks_of;

/// The trajectories put together so far.
#[derive(Default)]
pub(super) struct Assembly {
    trajectories: Vec<Trajectory>,
}

impl Assembly {
    pub fn add(&mut self, batch: &Batch<'_>) -> Result<(), StoreError> {
        let episodes = EpisodeColumns::of(batch)?;
        let steps = StepColumns::of(batch)?;
        for (row, task) in tasks_of(batch)?.into_iter().enumerate() {
            let id = episodes.trajectory_id.get(row)?;
            let Some(index) = episodes.step_index.optional(row) else {
                self.trajectories.push(episodes.episode(row, task)?);
                continue;
            };
            if index == 0 {
                self.trajectories.push(episodes.episode(row, task)?);
            }
            let current = self.trajectories.last_mut().filter(|current| current.trajectory_id == id);
            match current {
                Some(current) if current.steps.len() == index as usize => current.steps.push(steps.step(row, index)?),
                _ => {
                    let (reason, hint) = (out_of_order(id, index, current.as_deref()), TOGETHER);
                    return Err(episodes.step_index.refused_with_hint(row, reason, hint));
                }
            }
        }
        Ok(())
    }

    /// Those that no further row can belong to.
    pub fn take_complete(&mut self) -> impl Iterator<Item = Trajectory> + '_ {
        let complete = self.trajectories.len().saturating_sub(1);
        self.trajectories.drain(..complete)
    }

    pub fn finish(self) -> Vec<Trajectory> {
        self.trajectories
    }
}

/// What rows that are out of order should be.
const TOGETHER: &str = "the rows of a trajectory stand together, from step 0 on";

fn out_of_order(id: &str, index: u32, current: Option<&Trajectory>) -> String {
    let before = match current {
        Some(current) => format!("follows {} steps", current.steps.len()),
        None => "is the first of its trajectory here".to_string(),
    };
    format!("step {index} of trajectory {id} {before}")
}

struct EpisodeColumns<'a> {
    trajectory_id: Column<'a, StringArray>,
    step_index: Column<'a, PrimitiveArray<UInt32Type>>,
    environment_version: Column<'a, StringArray>,
    attempt: Column<'a, PrimitiveArray<UInt32Type>>,
    policy_name: Column<'a, StringArray>,
    policy_hash: Column<'a, StringArray>,
    complete: Column<'a, StringArray>,
    verdict_reason: Column<'a, StringArray>,
    judge: Column<'a, StringArray>,
    sub_scores: Column<'a, StringArray>,
    environment_error: Column<'a, StringArray>,
}

impl<'a> EpisodeColumns<'a> {
    fn of(batch: &Batch<'a>) -> Result<Self, StoreError> {
        Ok(Self {
            trajectory_id: batch.text("trajectory_id")?,
            step_index: batch.numbers("step_index")?,
            environment_version: batch.text("environment_version")?,
            attempt: batch.numbers("attempt")?,
            policy_name: batch.text("policy_name")?,
            policy_hash: batch.text("policy_hash")?,
            complete: batch.text("complete")?,
            verdict_reason: batch.text("verdict_reason")?,
            judge: batch.text("judge")?,
            sub_scores: batch.text("sub_scores")?,
            environment_error: batch.text("environment_error")?,
        })
    }

    fn episode(&self, row: usize, task: Task) -> Result<Trajectory, StoreError> {
        Ok(Trajectory {
            trajectory_id: self.trajectory_id.owned(row)?,
            task,
            environment_version: self.environment_version.owned(row)?,
            attempt: self.attempt.get(row)?,
            policy: PolicyId { name: self.policy_name.owned(row)?, hash: self.policy_hash.owned(row)? },
            steps: Vec::new(),
            verdict: Verdict {
                complete: self.complete.word(row)?,
                reason: self.verdict_reason.owned(row)?,
                judge: self.judge.owned(row)?,
                sub_scores: self.sub_scores.json(row)?,
            },
            environment_error: self.environment_error.optional(row).map(str::to_string),
        })
    }
}

struct StepColumns<'a> {
    request: Column<'a, StringArray>,
    state_request: Column<'a, StringArray>,
    controls: Column<'a, StringArray>,
    document: Column<'a, StringArray>,
    selection: Column<'a, StringArray>,
    previous_actions: Column<'a, StringArray>,
    previous_plan: Column<'a, ListArray>,
    thought: Column<'a, StringArray>,
    control_label: Column<'a, StringArray>,
    control_name: Column<'a, StringArray>,
    function: Column<'a, StringArray>,
    args: Column<'a, StringArray>,
    status: Column<'a, StringArray>,
    plan: Column<'a, ListArray>,
    acceptable_labels: Column<'a, ListArray>,
    step_status: Column<'a, StringArray>,
    message: Column<'a, StringArray>,
    reward: Column<'a, PrimitiveArray<Float32Type>>,
    reward_source: Column<'a, StringArray>,
    policy_seconds: Column<'a, PrimitiveArray<Float64Type>>,
    environment_seconds: Column<'a, PrimitiveArray<Float64Type>>,
    prompt_ids: Column<'a, ListArray>,
    action_ids: Column<'a, ListArray>,
    logprobs: Column<'a, ListArray>,
    tokenizer_hash: Column<'a, StringArray>,
}

impl<'a> StepColumns<'a> {
    fn of(batch: &Batch<'a>) -> Result<Self, StoreError> {
        Ok(Self {
            request: batch.text("request")?,
            state_request: batch.text("state_request")?,
            controls: batch.text("controls")?,
            document: batch.text("document")?,
            selection: batch.text("selection")?,
            previous_actions: batch.text("previous_actions")?,
            previous_plan: batch.texts("previous_plan")?,
            thought: batch.text("thought")?,
            control_label: batch.text("control_label")?,
            control_name: batch.text("control_name")?,
            function: batch.text("function")?,
            args: batch.text("args")?,
            status: batch.text("status")?,
            plan: batch.texts("plan")?,
            acceptable_labels: batch.texts("acceptable_labels")?,
            step_status: batch.text("step_status")?,
            message: batch.text("message")?,
            reward: batch.numbers("reward")?,
            reward_source: batch.text("reward_source")?,
            policy_seconds: batch.numbers("policy_seconds")?,
            environment_seconds: batch.numbers("environment_seconds")?,
            prompt_ids: batch.number_lists::<UInt32Type>("prompt_ids")?,
            action_ids: batch.number_lists::<UInt32Type>("action_ids")?,
            logprobs: batch.number_lists::<Float32Type>("logprobs")?,
            tokenizer_hash: batch.text("tokenizer_hash")?,
        })
    }

    fn step(&self, row: usize, step_index: u32) -> Result<Step, StoreError> {
        Ok(Step {
            step_index,
            state: self.state(row)?,
            action: self.action(row)?,
            acceptable_labels: self.acceptable_labels.texts(row)?,
            status: self.step_status.word(row)?,
            message: self.message.owned(row)?,
            reward: self.reward.optional(row),
            reward_source: self.reward_source.owned(row)?,
            tokens: self.tokens(row)?,
            policy_seconds: self.policy_seconds.get(row)?,
            environment_seconds: self.environment_seconds.get(row)?,
        })
    }

    fn state(&self, row: usize) -> Result<State, StoreError> {
        Ok(State {
            request: self
                .state_request
                .optional(row)
                .map_or_else(|| self.request.owned(row), |text| Ok(text.into()))?,
            observation: Observation {
                controls: self.controls.json(row)?,
                document: self.document.owned(row)?,
                selection: self.selection.owned(row)?,
            },
            previous_actions: self.previous_actions.json(row)?,
            previous_plan: self.previous_plan.texts(row)?,
        })
    }

    fn action(&self, row: usize) -> Result<Action, StoreError> {
        Ok(Action {
            thought: self.thought.owned(row)?,
            control_label: self.control_label.owned(row)?,
            control_name: self.control_name.owned(row)?,
            function: self.function.owned(row)?,
            args: self.args.json(row)?,
            status: self.status.word(row)?,
            plan: self.plan.texts(row)?,
        })
    }

    fn tokens(&self, row: usize) -> Result<Option<Tokens>, StoreError> {
        let Some(prompt_ids) = self.prompt_ids.numbers::<UInt32Type>(row)? else { return Ok(None) };
        Ok(Some(Tokens {
            prompt_ids,
            action_ids: self.action_ids.numbers::<UInt32Type>(row)?.unwrap_or_default(),
            logprobs: self.logprobs.numbers::<Float32Type>(row)?.unwrap_or_default(),
            tokenizer_hash: self.tokenizer_hash.or_empty(row),
        }))
    }
}
