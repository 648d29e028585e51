//! Trajectories, one row a step. A trajectory without a step keeps one row with an empty `step_index`.

use std::ops::ControlFlow;
use std::path::Path;

use lam_types::Trajectory;

use crate::{StoreError, hash_bytes};

use self::rows::{TrajectoryRow, columns_of};
use self::steps::Assembly;
use super::{Schema, read_table, write_table};

mod rows;
mod steps;

const SCHEMA: Schema = Schema {
    name: "trajectory",
    nullable: &[
        "environment_error",
        "state_request",
        "reward",
        "prompt_ids",
        "action_ids",
        "logprobs",
        "tokenizer_hash",
    ],
};

/// Write trajectories to a Parquet file, one row a step.
pub fn write_trajectories(path: &Path, rows: &[Trajectory]) -> Result<(), StoreError> {
    let rows: Vec<TrajectoryRow<'_>> = rows.iter().flat_map(rows_of).collect();
    write_table(path, &SCHEMA, &rows, columns_of)
}

/// Read trajectories from a Parquet file, in file order.
///
/// Whether functions exist and labels are on their screens is not checked here.
pub fn read_trajectories(path: &Path) -> Result<Vec<Trajectory>, StoreError> {
    let mut trajectories = Vec::new();
    visit_trajectories(path, |trajectory| {
        trajectories.push(trajectory);
        ControlFlow::Continue(())
    })?;
    Ok(trajectories)
}

/// Give each trajectory of a file to `take`, in file order, until it has enough; a few are in memory at a time.
pub fn visit_trajectories(path: &Path, mut take: impl FnMut(Trajectory) -> ControlFlow<()>) -> Result<(), StoreError> {
    let mut assembly = Assembly::default();
    let mut stopped = false;
    read_table(path, &SCHEMA, |batch| {
        assembly.add(batch)?;
        let flow = assembly.take_complete().try_for_each(&mut take);
        stopped = flow.is_break();
        Ok(flow)
    })?;
    if !stopped {
        // The file is over: there is nothing left to stop.
        let _ = assembly.finish().into_iter().try_for_each(take);
    }
    Ok(())
}

/// SHA-256 of the trajectory's content, hex: its own id and the timings left out.
pub fn trajectory_id(trajectory: &Trajectory) -> String {
    let mut content = trajectory.clone();
    content.trajectory_id.clear();
    for step in &mut content.steps {
        step.policy_seconds = 0.0;
        step.environment_seconds = 0.0;
    }
    hash_bytes(&serde_json::to_vec(&content).expect("our records have text keys only"))
}

fn rows_of(trajectory: &Trajectory) -> Vec<TrajectoryRow<'_>> {
    let steps = trajectory.steps.iter().map(|step| TrajectoryRow { trajectory, step: Some(step) });
    let stepless = trajectory.steps.is_empty().then_some(TrajectoryRow { trajectory, step: None });
    steps.chain(stepless).collect()
}
