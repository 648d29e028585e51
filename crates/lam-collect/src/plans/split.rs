//! Which pairs are kept for the test set: within each family, by a hash of the plan.
//!
//! Two wordings of the same plan fall on the same side, and a pair's side does not change when others are added. In
//! documents that name no families, everything that is alike falls on one side: the procedures of a document, and
//! those whose tasks or plans are nearly the same.

use std::collections::HashMap;

use lam_data::NearIndex;
use lam_store::hash_bytes;
use lam_types::{Split, TaskPlan};

/// Share of common words from which two tasks belong on the same side; `data check` tells them from 0.9 on.
const ALIKE: f64 = 0.8;

/// Puts about `test_fraction` of the pairs into the test set.
pub(crate) fn assign(pairs: &mut [TaskPlan], test_fraction: f64) {
    let groups = groups(pairs);
    let keys: Vec<String> = (0..pairs.len()).map(|index| key(pairs, groups[index])).collect();
    for (pair, key) in pairs.iter_mut().zip(keys) {
        let hash = hash_bytes(key.as_bytes());
        let place = u32::from_str_radix(&hash[..8], 16).expect("a hash is hex");
        let test = f64::from(place) / f64::from(u32::MAX) < test_fraction;
        pair.split = if test { Split::Test } else { Split::Train };
    }
}

fn key(pairs: &[TaskPlan], group: usize) -> String {
    let first = &pairs[group];
    match first.family.as_str() {
        "" => first.document.clone(),
        family => format!("{family}\n{}", first.plan.join("\n")),
    }
}

/// For each pair, the first of its group; a pair of a known family is its own.
fn groups(pairs: &[TaskPlan]) -> Vec<usize> {
    let mut first: Vec<usize> = (0..pairs.len()).collect();
    let (mut documents, mut plans) = (HashMap::new(), HashMap::new());
    let (mut tasks, mut places) = (NearIndex::new(ALIKE), Vec::new());
    for (index, pair) in pairs.iter().enumerate().filter(|(_, pair)| pair.family.is_empty()) {
        let document = *documents.entry(&pair.document).or_insert(index);
        let plan = *plans.entry(&pair.plan).or_insert(index);
        let near = tasks.nearest(&pair.task).map_or(index, |(number, _)| places[number]);
        for other in [document, plan, near] {
            unite(&mut first, index, other);
        }
        tasks.insert(&pair.task);
        places.push(index);
    }
    (0..pairs.len()).map(|index| root(&first, index)).collect()
}

fn root(first: &[usize], mut index: usize) -> usize {
    while first[index] != index {
        index = first[index];
    }
    index
}

/// Makes one group of two, named after its earliest pair.
fn unite(first: &mut [usize], one: usize, other: usize) {
    let (one, other) = (root(first, one), root(first, other));
    first[one.max(other)] = one.min(other);
}
