//! Trajectories that repeat another: the same screens and actions are an exact repetition, the same request and actions
//! on other screens a near one.

use std::collections::HashMap;

use lam_data::normalize;
use lam_store::{hash_bytes, trajectory_id};
use lam_types::{PlanSource, Trajectory};
use serde_json::json;

use crate::aside::{Rejected, Rejection};
use crate::pair::Origin;

/// Separates the trajectories into the first of each kind and their repetitions.
pub(super) fn remove(trajectories: Vec<Trajectory>, format: &str) -> (Vec<Trajectory>, Vec<Rejected>) {
    let (mut kept, mut rejected) = (Vec::new(), Vec::new());
    let mut known: HashMap<String, (String, String)> = HashMap::new();
    for trajectory in trajectories {
        let content = content(&trajectory);
        match known.get(&done(&trajectory)) {
            None => {
                known.insert(done(&trajectory), (content, trajectory.task.task_id.clone()));
                kept.push(trajectory);
            }
            Some((first, name)) => {
                let reason = if *first == content { Rejection::ExactDuplicate } else { Rejection::NearDuplicate };
                rejected.push(Rejected { reason, detail: name.clone(), pair: as_pair(&trajectory, format) });
            }
        }
    }
    (kept, rejected)
}

/// What is the same in exact repetitions: everything but the record's own name.
fn content(trajectory: &Trajectory) -> String {
    let mut content = trajectory.clone();
    content.task.task_id.clear();
    trajectory_id(&content)
}

/// What is the same in near repetitions: the request's words, what was done to which controls, and the verdict.
fn done(trajectory: &Trajectory) -> String {
    let action = |step: &lam_types::Step| json!([step.action.function, step.action.control_name, step.action.args]);
    let actions: Vec<_> = trajectory.steps.iter().map(action).collect();
    let task = &trajectory.task;
    let all = json!([task.application, normalize(&task.request), trajectory.verdict.complete, actions]);
    hash_bytes(all.to_string().as_bytes())
}

/// The trajectory as the request and steps that it is kept aside with.
fn as_pair(trajectory: &Trajectory, format: &str) -> lam_types::TaskPlan {
    let origin = Origin {
        application: trajectory.task.application.clone(),
        source: PlanSource::Other,
        document: format!("{format}/{}", trajectory.task.task_id),
        document_hash: String::new(),
        producer: format!("import:{format}-2"),
    };
    let step = |step: &lam_types::Step| format!("{} {}", step.action.function, step.action.control_name);
    let steps = trajectory.steps.iter().map(|one| step(one).trim_end().to_owned()).collect();
    origin.pair(trajectory.task.request.clone(), steps)
}
