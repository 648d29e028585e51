//! What happened: states, steps, trajectories and what was said of them.

use serde::{Deserialize, Serialize};

use crate::{Action, Args, Observation, Task};

/// How one step went. An error is data in the trajectory, never a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// The action was carried out.
    Ok,
    /// The answer could not be read, or named what does not exist.
    InvalidAction,
    /// The application refused or failed.
    AppError,
    /// It did not answer in time.
    Timeout,
    /// The judge failed.
    JudgeError,
}

impl StepStatus {
    /// The word used in files.
    pub fn as_str(self) -> &'static str {
        match self {
            StepStatus::Ok => "ok",
            StepStatus::InvalidAction => "invalid_action",
            StepStatus::AppError => "app_error",
            StepStatus::Timeout => "timeout",
            StepStatus::JudgeError => "judge_error",
        }
    }
}

/// The judge's answer to "is the task complete?" (paper §3.2.3); only `Yes` is a success.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the paper's own words")]
pub enum Complete {
    Yes,
    No,
    Unsure,
}

impl Complete {
    /// The word used in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Complete::Yes => "yes",
            Complete::No => "no",
            Complete::Unsure => "unsure",
        }
    }
}

/// What a judge says of a trajectory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Whether the task is complete.
    pub complete: Complete,
    /// Why, in a sentence.
    pub reason: String,
    /// Who judged: `state` for a predicate over the final state, else a model's name.
    pub judge: String,
    /// Named partial verdicts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sub_scores: Vec<(String, Complete)>,
}

/// An action of the past, as a state remembers it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of `Action`, with the outcome")]
pub struct PastAction {
    pub control_name: String,
    pub function: String,
    pub args: Args,
    pub outcome: StepStatus,
}

impl PastAction {
    /// What a state remembers of `action`.
    pub fn of(action: &Action, outcome: StepStatus) -> Self {
        Self {
            control_name: action.control_name.clone(),
            function: action.function.clone(),
            args: action.args.clone(),
            outcome,
        }
    }
}

/// The state s_t (paper App. C): all that a policy is told before it answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// What the user asks.
    pub request: String,
    /// What is on the screen.
    pub observation: Observation,
    /// What was done so far, oldest first.
    pub previous_actions: Vec<PastAction>,
    /// The plan of the previous answer, `[]` at the first step.
    pub previous_plan: Vec<String>,
}

/// What our own model read and wrote, so that training never has to tokenise again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tokens {
    /// The prompt's tokens.
    pub prompt_ids: Vec<u32>,
    /// The answer's tokens, end of sequence included.
    pub action_ids: Vec<u32>,
    /// log p of each answer token under the policy, unconstrained and at temperature 1, in nats.
    pub logprobs: Vec<f32>,
    /// Hash of the tokenizer that made them.
    pub tokenizer_hash: String,
}

/// One step: a state, the answer to it, and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Position in the trajectory, from 0.
    pub step_index: u32,
    /// What the policy was told.
    pub state: State,
    /// What it answered; for an unreadable answer the empty action with the text in `message`.
    pub action: Action,
    /// Labels of the controls that reach the same state with this call; empty when not known.
    pub acceptable_labels: Vec<String>,
    /// How it went.
    pub status: StepStatus,
    /// What the environment or the parser said.
    pub message: String,
    /// Reward and who gave it, if any.
    pub reward: Option<f32>,
    /// Source of the reward: `outcome`, or a reward model's hash.
    pub reward_source: String,
    /// The tokens, when our own model acted.
    pub tokens: Option<Tokens>,
    /// Time the policy took, in seconds.
    pub policy_seconds: f64,
    /// Time the environment took, in seconds.
    pub environment_seconds: f64,
}

impl Step {
    /// A step that went well, without anything else known of it.
    pub fn new(step_index: u32, state: State, action: Action) -> Self {
        Self {
            step_index,
            state,
            action,
            acceptable_labels: Vec::new(),
            status: StepStatus::Ok,
            message: String::new(),
            reward: None,
            reward_source: String::new(),
            tokens: None,
            policy_seconds: 0.0,
            environment_seconds: 0.0,
        }
    }
}

/// Who acted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyId {
    /// `expert`, `LAM2`, or an endpoint's model name.
    pub name: String,
    /// Content hash of the model's files that decide its answers, or version of the expert.
    pub hash: String,
}

/// One episode from reset to verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trajectory {
    /// SHA-256 of the trajectory's canonical content (timings excluded), hex.
    pub trajectory_id: String,
    /// The task.
    pub task: Task,
    /// Version of the environment.
    pub environment_version: String,
    /// Which try at this task, from 0.
    pub attempt: u32,
    /// Who acted.
    pub policy: PolicyId,
    /// What was done.
    pub steps: Vec<Step>,
    /// What the judge said.
    pub verdict: Verdict,
    /// Error of the environment that ended the episode, apart from the policy's own failures.
    pub environment_error: Option<String>,
}

impl Trajectory {
    /// Whether the judge said yes.
    pub fn succeeded(&self) -> bool {
        self.verdict.complete == Complete::Yes
    }

    /// Whether it is a success that can be imitated as it stands: no step went wrong on the way (§3.2.2 discards those).
    /// Of a teacher's trajectories all others are its failures, which exploration is about.
    pub fn is_exemplary(&self) -> bool {
        self.succeeded() && self.steps.iter().all(|step| step.status == StepStatus::Ok)
    }
}
