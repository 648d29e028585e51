//! The columns of trajectory rows on their way to disk.

use arrow::datatypes::{Float32Type, Float64Type, UInt32Type, UInt64Type};
use lam_types::{Args, Control, PastAction, Step, Tokens, Trajectory};

use crate::table::columns::Columns;

/// One row: a step in its trajectory, or a trajectory that has none.
pub(super) struct TrajectoryRow<'a> {
    pub trajectory: &'a Trajectory,
    pub step: Option<&'a Step>,
}

impl<'a> TrajectoryRow<'a> {
    fn tokens(&self) -> Option<&'a Tokens> {
        self.step.and_then(|step| step.tokens.as_ref())
    }

    fn text(&self, of_step: impl FnOnce(&'a Step) -> &'a str) -> &'a str {
        self.step.map_or("", of_step)
    }

    fn list<T>(&self, of_step: impl FnOnce(&'a Step) -> &'a Vec<T>) -> &'a [T] {
        self.step.map_or(&[], |step| of_step(step).as_slice())
    }
}

pub(super) fn columns_of(rows: &[TrajectoryRow<'_>]) -> Columns {
    let mut columns = Columns::default();
    add_episode(&mut columns, rows);
    add_state(&mut columns, rows);
    add_action(&mut columns, rows);
    add_outcome(&mut columns, rows);
    add_tokens(&mut columns, rows);
    columns
}

fn add_episode(columns: &mut Columns, rows: &[TrajectoryRow<'_>]) {
    let episodes = || rows.iter().map(|row| row.trajectory);
    columns.text("trajectory_id", episodes().map(|episode| episode.trajectory_id.as_str()));
    columns.text("task_id", episodes().map(|episode| episode.task.task_id.as_str()));
    columns.optional_numbers::<UInt32Type>("step_index", rows.iter().map(|row| row.step.map(|step| step.step_index)));
    columns.text("family", episodes().map(|episode| episode.task.family.as_str()));
    columns.text("request", episodes().map(|episode| episode.task.request.as_str()));
    columns.text("environment", episodes().map(|episode| episode.task.environment.as_str()));
    columns.text("environment_version", episodes().map(|episode| episode.environment_version.as_str()));
    columns.text("application", episodes().map(|episode| episode.task.application.as_str()));
    columns.numbers::<UInt64Type>("seed", episodes().map(|episode| episode.task.seed));
    columns.text("phrasing", episodes().map(|episode| episode.task.phrasing.as_str()));
    columns.text("split", episodes().map(|episode| episode.task.split.as_str()));
    columns.numbers::<UInt32Type>("attempt", episodes().map(|episode| episode.attempt));
    columns.text("policy_name", episodes().map(|episode| episode.policy.name.as_str()));
    columns.text("policy_hash", episodes().map(|episode| episode.policy.hash.as_str()));
    columns.text("complete", episodes().map(|episode| episode.verdict.complete.as_str()));
    columns.text("verdict_reason", episodes().map(|episode| episode.verdict.reason.as_str()));
    columns.text("judge", episodes().map(|episode| episode.verdict.judge.as_str()));
    columns.json("sub_scores", episodes().map(|episode| &episode.verdict.sub_scores));
    columns.optional_text("environment_error", episodes().map(|episode| episode.environment_error.as_deref()));
}

fn add_state(columns: &mut Columns, rows: &[TrajectoryRow<'_>]) {
    let states = || rows.iter().map(|row| row.step.map(|step| &step.state));
    columns.optional_text("state_request", states().map(|state| state.map(|state| state.request.as_str())));
    columns.json::<[Control]>("controls", rows.iter().map(|row| row.list(|step| &step.state.observation.controls)));
    columns.text("document", rows.iter().map(|row| row.text(|step| &step.state.observation.document)));
    columns.text("selection", rows.iter().map(|row| row.text(|step| &step.state.observation.selection)));
    let actions = rows.iter().map(|row| row.list(|step| &step.state.previous_actions));
    columns.json::<[PastAction]>("previous_actions", actions);
    columns.texts("previous_plan", rows.iter().map(|row| row.list(|step| &step.state.previous_plan)));
}

fn add_action(columns: &mut Columns, rows: &[TrajectoryRow<'_>]) {
    let no_args = Args::new();
    columns.text("thought", rows.iter().map(|row| row.text(|step| &step.action.thought)));
    columns.text("control_label", rows.iter().map(|row| row.text(|step| &step.action.control_label)));
    columns.text("control_name", rows.iter().map(|row| row.text(|step| &step.action.control_name)));
    columns.text("function", rows.iter().map(|row| row.text(|step| &step.action.function)));
    columns.json("args", rows.iter().map(|row| row.step.map_or(&no_args, |step| &step.action.args)));
    columns.text("status", rows.iter().map(|row| row.text(|step| step.action.status.as_str())));
    columns.texts("plan", rows.iter().map(|row| row.list(|step| &step.action.plan)));
    columns.texts("acceptable_labels", rows.iter().map(|row| row.list(|step| &step.acceptable_labels)));
}

fn add_outcome(columns: &mut Columns, rows: &[TrajectoryRow<'_>]) {
    let seconds = |of_step: fn(&Step) -> f64| rows.iter().map(move |row| row.step.map_or(0.0, of_step));
    columns.text("step_status", rows.iter().map(|row| row.text(|step| step.status.as_str())));
    columns.text("message", rows.iter().map(|row| row.text(|step| &step.message)));
    let rewards = rows.iter().map(|row| row.step.and_then(|step| step.reward));
    columns.optional_numbers::<Float32Type>("reward", rewards);
    columns.text("reward_source", rows.iter().map(|row| row.text(|step| &step.reward_source)));
    columns.numbers::<Float64Type>("policy_seconds", seconds(|step| step.policy_seconds));
    columns.numbers::<Float64Type>("environment_seconds", seconds(|step| step.environment_seconds));
}

fn add_tokens(columns: &mut Columns, rows: &[TrajectoryRow<'_>]) {
    let tokens = || rows.iter().map(TrajectoryRow::tokens);
    let list = |ids: fn(&Tokens) -> &[u32]| tokens().map(move |tokens| tokens.map(ids));
    columns.number_lists::<UInt32Type>("prompt_ids", list(|tokens| &tokens.prompt_ids));
    columns.number_lists::<UInt32Type>("action_ids", list(|tokens| &tokens.action_ids));
    let logprobs = tokens().map(|tokens| tokens.map(|tokens| tokens.logprobs.as_slice()));
    columns.number_lists::<Float32Type>("logprobs", logprobs);
    columns.optional_text("tokenizer_hash", tokens().map(|tokens| tokens.map(|tokens| tokens.tokenizer_hash.as_str())));
}
