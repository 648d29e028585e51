//! Removes pairs that repeat another: the same plan for the same, or nearly the same, task.
//!
//! Pairs with different plans are never duplicates: one word in a task may be what makes it another task.

use std::collections::{BTreeSet, HashMap};

use lam_types::TaskPlan;

use super::filter::words;
use super::{Rejected, Rejection};

/// Parts the pairs into the first of each kind and their repetitions.
pub(crate) fn remove(pairs: Vec<TaskPlan>, near: f64) -> (Vec<TaskPlan>, Vec<Rejected>) {
    let mut by_plan: HashMap<Vec<String>, Vec<(usize, Vec<String>)>> = HashMap::new();
    let (mut kept, mut rejected): (Vec<TaskPlan>, Vec<Rejected>) = (Vec::new(), Vec::new());
    for pair in pairs {
        let task = words(&pair.task);
        let plan: Vec<String> = pair.plan.iter().map(|step| words(step).join(" ")).collect();
        let same_plan = by_plan.entry(plan).or_default();
        let original = same_plan.iter().find_map(|(index, other)| Some((*index, repetition(other, &task, near)?)));
        match original {
            Some((index, reason)) => {
                let detail = kept[index].task_id.clone();
                rejected.push(Rejected { reason, detail, pair });
            }
            None => {
                same_plan.push((kept.len(), task));
                kept.push(pair);
            }
        }
    }
    (kept, rejected)
}

fn repetition(left: &[String], right: &[String], near: f64) -> Option<Rejection> {
    if left == right {
        return Some(Rejection::ExactDuplicate);
    }
    (near < 1.0 && similarity(left, right) >= near).then_some(Rejection::NearDuplicate)
}

/// Shared words over all words.
fn similarity(left: &[String], right: &[String]) -> f64 {
    let (left, right): (BTreeSet<_>, BTreeSet<_>) = (left.iter().collect(), right.iter().collect());
    let shared = left.intersection(&right).count() as f64;
    shared / (left.union(&right).count() as f64).max(1.0)
}
