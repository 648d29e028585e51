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
    let mut known = Known::new(near);
    for pair in pairs {
        let signature = Signature::of(&pair);
        match known.repeated(&signature, &kept) {
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
struct Known {
    near: f64,
    /// Numbers of the plans.
    plans: HashMap<Vec<String>, u32>,
    /// Which pair has this plan and these words.
    exact: HashMap<(u32, Vec<String>), usize>,
    /// Tasks, those of one plan together.
    by_plan: NearIndex,
    places: Vec<usize>,
    /// Tasks of foreign documents, and which pairs they are.
    foreign: NearIndex,
    foreign_places: Vec<usize>,
}

impl Known {
    fn new(near: f64) -> Self {
        let (by_plan, foreign) = (NearIndex::new(near), NearIndex::new(near));
        let (plans, exact) = (HashMap::new(), HashMap::new());
        Self { near, plans, exact, by_plan, places: Vec::new(), foreign, foreign_places: Vec::new() }
    }

    fn add(&mut self, signature: Signature, index: usize) {
        let task = signature.task.join(" ");
        let next = u32::try_from(self.plans.len()).expect("fewer than 4 billion plans");
        let plan = *self.plans.entry(signature.plan).or_insert(next);
        if self.near < 1.0 {
            self.by_plan.insert_among(plan, &task);
            self.places.push(index);
        }
        if self.near < 1.0 && signature.is_foreign {
            self.foreign.insert(&task);
            self.foreign_places.push(index);
        }
        self.exact.entry((plan, signature.task)).or_insert(index);
    }

    fn repeated(&self, signature: &Signature, kept: &[TaskPlan]) -> Option<(usize, Rejection)> {
        let task = signature.task.join(" ");
        let is_near = |index| (index, Rejection::NearDuplicate);
        self.of_same_plan(signature, &task).or_else(|| {
            let (number, _) = self.foreign.nearest(&task).filter(|_| signature.is_foreign)?;
            let index = self.foreign_places[number];
            let plan = |steps: &[String]| words(&steps.join(" "));
            let alike = similarity(&plan(&kept[index].plan), &plan(&signature.plan)) >= self.near;
            alike.then_some(is_near(index))
        })
    }

    fn of_same_plan(&self, signature: &Signature, task: &str) -> Option<(usize, Rejection)> {
        let plan = *self.plans.get(&signature.plan)?;
        if let Some(index) = self.exact.get(&(plan, signature.task.clone())) {
            return Some((*index, Rejection::ExactDuplicate));
        }
        let (number, _) = self.by_plan.nearest_among(plan, task)?;
        Some((self.places[number], Rejection::NearDuplicate))
    }
}

/// Shared words over all words.
fn similarity(left: &[String], right: &[String]) -> f64 {
    let (left, right): (BTreeSet<_>, BTreeSet<_>) = (left.iter().collect(), right.iter().collect());
    let shared = left.intersection(&right).count() as f64;
    shared / (left.union(&right).count() as f64).max(1.0)
}

#[cfg(test)]
mod tests {
    use lam_types::PlanSource;

    use super::*;
    use crate::pair::Origin;

    fn pairs(tasks: impl Iterator<Item = String>) -> Vec<TaskPlan> {
        let origin = Origin {
            application: String::new(),
            source: PlanSource::Other,
            document: "d".into(),
            document_hash: String::new(),
            producer: "p".into(),
        };
        tasks.map(|task| origin.pair(task, vec!["Open File.".into(), "Click Print.".into()])).collect()
    }

    #[test]
    fn pairs_of_one_plan_are_told_apart_in_linear_time() {
        let tasks = ["Print it", "print it!", "Print the page", "Print it"].map(str::to_owned);
        let (kept, rejected) = remove(pairs(tasks.into_iter()), 0.9);
        assert_eq!((kept.len(), rejected.len()), (2, 2));
        assert!(rejected.iter().all(|one| one.reason == Rejection::ExactDuplicate && one.detail == kept[0].task_id));
        let long = |end: &str| format!("Print all of the pages that stand in this document on paper {end}");
        let (kept, rejected) = remove(pairs([long("today"), long("today please")].into_iter()), 0.9);
        assert_eq!((kept.len(), rejected[0].reason), (1, Rejection::NearDuplicate));
        let started = std::time::Instant::now();
        for pattern in ["Print page N", "Open the file number N in a big application window of today now"] {
            let many = pairs((0..30_000).map(|number: u32| pattern.replace('N', &number.to_string())));
            assert_eq!(remove(many, 0.9).0.len(), 30_000);
        }
        assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    }
}
