//! Removes pairs that repeat another: the same plan for the same, or nearly the same, task; and, in foreign documents,
//! nearly the same plan for nearly the same task.
//!
//! Pairs of known families with different plans are never duplicates: one word may be what makes it another task.

use std::collections::{BTreeSet, HashMap};

use lam_data::NearIndex;
use lam_types::TaskPlan;

use crate::aside::{Rejected, Rejection};
use crate::english::words;

/// Separates the pairs into the first of each kind and their repetitions.
pub(crate) fn remove(pairs: Vec<TaskPlan>, near: f64) -> (Vec<TaskPlan>, Vec<Rejected>) {
    let (mut kept, mut rejected): (Vec<TaskPlan>, Vec<Rejected>) = (Vec::new(), Vec::new());
    let mut known = Known::default();
    for pair in pairs {
        let signature = Signature::of(&pair);
        match known.repeated(&signature, &kept, near) {
            Some((index, reason)) => {
                let detail = kept[index].task_id.clone();
                rejected.push(Rejected { reason, detail, pair });
            }
            None => {
                known.add(signature, kept.len());
                kept.push(pair);
            }
        }
    }
    (kept, rejected)
}

/// The words of a pair.
struct Signature {
    task: Vec<String>,
    plan: Vec<String>,
    /// Whether it comes from a document that names no families.
    is_foreign: bool,
}

impl Signature {
    fn of(pair: &TaskPlan) -> Self {
        let plan = pair.plan.iter().map(|step| words(step).join(" ")).collect();
        Self { task: words(&pair.task), plan, is_foreign: pair.family.is_empty() }
    }
}

/// The pairs that are kept.
#[derive(Default)]
struct Known {
    by_plan: HashMap<Vec<String>, Vec<(usize, Vec<String>)>>,
    /// Tasks of foreign documents, and which pairs they are.
    foreign: NearIndex,
    places: Vec<usize>,
}

impl Known {
    fn add(&mut self, signature: Signature, index: usize) {
        if signature.is_foreign {
            self.foreign.insert(&signature.task.join(" "));
            self.places.push(index);
        }
        self.by_plan.entry(signature.plan).or_default().push((index, signature.task));
    }

    fn repeated(&self, signature: &Signature, kept: &[TaskPlan], near: f64) -> Option<(usize, Rejection)> {
        let mut same_plan = self.by_plan.get(&signature.plan).into_iter().flatten();
        let repeats = |(index, task): &(usize, Vec<String>)| Some((*index, repetition(task, &signature.task, near)?));
        same_plan.find_map(repeats).or_else(|| {
            let is_asked = signature.is_foreign && near < 1.0;
            let (number, _) = self.foreign.nearest(&signature.task.join(" "), near).filter(|_| is_asked)?;
            let index = self.places[number];
            let plan = |steps: &[String]| words(&steps.join(" "));
            let alike = similarity(&plan(&kept[index].plan), &plan(&signature.plan)) >= near;
            alike.then_some((index, Rejection::NearDuplicate))
        })
    }
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
