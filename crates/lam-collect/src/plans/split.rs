//! Which pairs are kept for the test set: within each family, by a hash of the plan.
//!
//! Two wordings of the same plan fall on the same side, and a pair's side does not change when others are added, while
//! their family has ten plans or more. A family with fewer is split by wording instead: cut by plan it would fall on
//! one side as a whole, or nearly, and a model would never be told how it is done. Wordings that are nearly the same
//! stay together, and at least one stays in the training set: there, a pair that is added may move others. In documents
//! that name no families, everything that is alike falls on one side: the procedures of a document, and those whose
//! tasks or plans are nearly the same.
//!
//! At last, whatever its family, a request of the test set that is worded as one of the training set goes there, and
//! all that fell on its side with it: a pair that is added may move these, too.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use lam_data::{NearIndex, normalize};
use lam_store::hash_bytes;
use lam_types::{Split, TaskPlan};

/// Share of common words from which two tasks belong on the same side, where only their wordings tell them apart.
const ALIKE: f64 = 0.8;
/// Share of common words from which `data check` takes one request for another, whatever their plans.
const SAME: f64 = 0.9;
/// Plans below which a family is split by wording. Of so many a fifth is two, and one of those may be the plan of most
/// of its pairs.
const FEW_PLANS: usize = 10;

/// Puts about `test_fraction` of the pairs into the test set.
pub(crate) fn assign(pairs: &mut [TaskPlan], test_fraction: f64) {
    let by_wording = families_with_few_plans(pairs);
    let groups = groups(pairs, &by_wording);
    let keys: Vec<String> = groups.iter().map(|&group| key(pairs, group, &by_wording)).collect();
    let places: Vec<f64> = keys.iter().map(|key| place(key)).collect();
    for (pair, place) in pairs.iter_mut().zip(&places) {
        pair.split = if *place < test_fraction { Split::Test } else { Split::Train };
    }
    keep_training_pairs(pairs, &places, &by_wording);
    keep_test_requests_apart(pairs, &keys);
}

/// Where a key lies between 0 and 1.
fn place(key: &str) -> f64 {
    let hash = hash_bytes(key.as_bytes());
    f64::from(u32::from_str_radix(&hash[..8], 16).expect("a hash is hex")) / f64::from(u32::MAX)
}

fn key(pairs: &[TaskPlan], group: usize, by_wording: &BTreeSet<String>) -> String {
    let first = &pairs[group];
    match first.family.as_str() {
        "" => first.document.clone(),
        family if by_wording.contains(family) => format!("{family}\n{}", normalize(&first.task)),
        family => format!("{family}\n{}", first.plan.join("\n")),
    }
}

/// The named families of which there are so few plans that their wordings are split.
fn families_with_few_plans(pairs: &[TaskPlan]) -> BTreeSet<String> {
    let mut plans: BTreeMap<&str, BTreeSet<&[String]>> = BTreeMap::new();
    for pair in pairs.iter().filter(|pair| !pair.family.is_empty()) {
        plans.entry(&pair.family).or_default().insert(&pair.plan);
    }
    let few = plans.into_iter().filter(|(_, plans)| plans.len() < FEW_PLANS);
    few.map(|(family, _)| family.to_owned()).collect()
}

/// Gives each family that is split by wording at least one wording to learn from: the one that was farthest from the
/// test set.
fn keep_training_pairs(pairs: &mut [TaskPlan], places: &[f64], by_wording: &BTreeSet<String>) {
    for family in by_wording {
        let own: Vec<usize> = (0..pairs.len()).filter(|&index| pairs[index].family == *family).collect();
        if own.iter().any(|&index| pairs[index].split == Split::Train) {
            continue;
        }
        let farthest = own.iter().map(|&index| places[index]).fold(f64::MIN, f64::max);
        for index in own.into_iter().filter(|&index| places[index] >= farthest) {
            pairs[index].split = Split::Train;
        }
    }
}

/// Gives the training set every pair of a key of which one is worded as a training pair is: `5 rows by 7 columns` has the
/// words of `7 rows by 5 columns`, but not its plan. Those that this brings near the test set follow.
fn keep_test_requests_apart(pairs: &mut [TaskPlan], keys: &[String]) {
    let mut trained = NearIndex::new(SAME);
    pairs.iter().filter(|pair| pair.split == Split::Train).for_each(|pair| _ = trained.insert(&pair.task));
    loop {
        let is_leak = |pair: &TaskPlan| pair.split == Split::Test && trained.nearest(&pair.task).is_some();
        let leaks = pairs.iter().zip(keys).filter(|(pair, _)| is_leak(pair));
        let leaking: BTreeSet<&String> = leaks.map(|(_, key)| key).collect();
        if leaking.is_empty() {
            return;
        }
        for (pair, _) in pairs.iter_mut().zip(keys).filter(|(_, key)| leaking.contains(key)) {
            if pair.split == Split::Test {
                pair.split = Split::Train;
                trained.insert(&pair.task);
            }
        }
    }
}

/// For each pair, the first of its group. A pair of a known family is its own, unless the family is split by wording:
/// then those that are worded nearly alike go together.
fn groups(pairs: &[TaskPlan], by_wording: &BTreeSet<String>) -> Vec<usize> {
    let mut first: Vec<usize> = (0..pairs.len()).collect();
    let (mut documents, mut plans, mut families) = (HashMap::new(), HashMap::new(), HashMap::new());
    let (mut tasks, mut places) = (NearIndex::new(ALIKE), Vec::new());
    for (index, pair) in pairs.iter().enumerate() {
        let is_named = !pair.family.is_empty();
        if is_named && !by_wording.contains(&pair.family) {
            continue;
        }
        // Wordings are held against those of their own family, and in documents without families against all.
        let next = u32::try_from(families.len()).expect("fewer than 4 billion families");
        let among = *families.entry(&pair.family).or_insert(next);
        let near = tasks.nearest_among(among, &pair.task).map_or(index, |(number, _)| places[number]);
        unite(&mut first, index, near);
        tasks.insert_among(among, &pair.task);
        places.push(index);
        if !is_named {
            unite(&mut first, index, *documents.entry(&pair.document).or_insert(index));
            unite(&mut first, index, *plans.entry(&pair.plan).or_insert(index));
        }
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

#[cfg(test)]
mod tests {
    use lam_types::PlanSource;

    use super::*;

    fn pair(family: &str, task: &str, plan: &str) -> TaskPlan {
        TaskPlan {
            task_id: String::new(),
            application: "word".into(),
            source: PlanSource::SearchQuery,
            task: task.into(),
            plan: vec![plan.into()],
            parent_id: None,
            document: "queries".into(),
            document_hash: String::new(),
            producer: String::new(),
            family: family.into(),
            split: Split::Train,
        }
    }

    /// Requests of which no two share a word.
    fn wordings(family: &str, count: usize) -> Vec<TaskPlan> {
        (0..count).map(|n| pair(family, &format!("{family}{n} please{n} now{n}"), "click Ruler")).collect()
    }

    fn count(pairs: &[TaskPlan], family: &str, split: Split) -> usize {
        pairs.iter().filter(|pair| pair.family == family && pair.split == split).count()
    }

    #[test]
    fn a_family_with_one_plan_has_wordings_on_both_sides() {
        let mut pairs = [wordings("ruler", 200), wordings("word_count", 200)].concat();
        assign(&mut pairs, 0.2);
        for family in ["ruler", "word_count"] {
            assert!((20..60).contains(&count(&pairs, family, Split::Test)), "{family}");
        }
    }

    #[test]
    fn however_few_its_wordings_a_family_can_be_learned() {
        for number in 0..40 {
            let family = format!("family{number}");
            for wordings_count in 1..4 {
                let mut pairs = wordings(&family, wordings_count);
                assign(&mut pairs, 0.9);
                assert!(count(&pairs, &family, Split::Train) > 0, "{family} of {wordings_count}");
            }
        }
    }

    #[test]
    fn wordings_that_are_nearly_the_same_stay_together() {
        let mut pairs = wordings("ruler", 60);
        let twins: Vec<TaskPlan> =
            pairs.iter().map(|one| pair("ruler", &format!("{}!", one.task.to_uppercase()), "click Ruler")).collect();
        pairs.extend(twins);
        assign(&mut pairs, 0.5);
        for index in 0..60 {
            assert_eq!(pairs[index].split, pairs[index + 60].split, "{}", pairs[index].task);
        }
        assert!(count(&pairs, "ruler", Split::Test) > 20);
    }

    #[test]
    fn requests_of_the_same_words_stay_together_though_their_plans_differ() {
        let tables = (2..10).flat_map(|rows| (2..10).map(move |columns| (rows, columns)));
        let mut pairs = Vec::new();
        for (rows, columns) in tables.filter(|(rows, columns)| rows != columns) {
            let plan = format!("insert_table(rows={rows}, columns={columns})");
            let worded = |words: String| pair("insert_table", &words, &plan);
            pairs.push(worded(format!("have a grid of cells of {rows} rows by {columns} columns")));
            pairs.push(worded(format!("table please {rows}x{columns}")));
        }
        assign(&mut pairs, 0.5);
        for (index, one) in pairs.iter().enumerate() {
            let is_other = |other: &&TaskPlan| other.split != one.split;
            let words = |pair: &TaskPlan| normalize(&pair.task).split(' ').map(str::to_owned).collect::<BTreeSet<_>>();
            let near = pairs[index..].iter().filter(is_other).find(|other| words(other) == words(one));
            assert!(near.is_none(), "{} and {near:?}", one.task);
            assert!(pairs.iter().filter(is_other).all(|other| other.plan != one.plan), "{}", one.task);
        }
        assert!(count(&pairs, "insert_table", Split::Test) > 10);
    }

    #[test]
    fn a_family_with_many_plans_is_split_by_plan() {
        let words = |n: usize| [format!("make line{n} bold"), format!("put bold on line{n}")];
        let mut pairs: Vec<TaskPlan> =
            (0..100).flat_map(|n| words(n).map(|task| pair("bold", &task, &format!("select {n}")))).collect();
        assign(&mut pairs, 0.2);
        assert!(pairs.chunks(2).all(|both| both[0].split == both[1].split));
        assert!((20..70).contains(&count(&pairs, "bold", Split::Test)));
    }
}
