//! Draws of tasks: for every number of tasks, families and wordings have their shares.

use std::collections::{BTreeMap, BTreeSet};

use lam_env::TaskQuery;
use lam_tasks::{Catalog, Named, Turn};
use lam_types::{Phrasing, Split};

struct Plain(&'static str);

impl Named for Plain {
    fn name(&self) -> &'static str {
        self.0
    }
}

fn catalog(names: impl IntoIterator<Item = String>) -> Catalog<Plain> {
    let family = |name: String| -> &'static Plain { Box::leak(Box::new(Plain(name.leak()))) };
    let families = names.into_iter().map(family).collect();
    Catalog { environment: "test", application: "none".into(), id_prefix: "test".into(), families }
}

/// A catalog of so many families, `f0` the first.
fn of(families: usize) -> Catalog<Plain> {
    catalog((0..families).map(|number| format!("f{number}")))
}

fn query(split: Split, phrasing: Option<Phrasing>, count: usize, seed: u64) -> TaskQuery {
    TaskQuery { split, phrasing, families: Vec::new(), count, seed }
}

fn names(turns: &[Turn<Plain>]) -> Vec<&'static str> {
    turns.iter().map(|turn| turn.family.0).collect()
}

const SPLITS: [Split; 3] = [Split::Train, Split::Validation, Split::Test];
const FAMILIES: [usize; 8] = [1, 2, 3, 4, 7, 43, 70, 91];

#[test]
fn families_have_equal_shares_of_any_number() {
    for (families, split) in FAMILIES.into_iter().flat_map(|families| SPLITS.map(|split| (families, split))) {
        let catalog = of(families);
        for count in 1..=300 {
            let turns = catalog.turns(&query(split, None, count, 5)).unwrap();
            let mut shares: BTreeMap<&str, usize> = catalog.families.iter().map(|family| (family.0, 0)).collect();
            names(&turns).into_iter().for_each(|name| *shares.get_mut(name).unwrap() += 1);
            let (least, most) = (shares.values().min().unwrap(), shares.values().max().unwrap());
            assert!(most - least <= 1 && turns.len() == count, "{count} of {families}: {shares:?}");
        }
    }
}

#[test]
fn half_of_any_number_of_tests_is_asked_in_new_wordings() {
    for families in FAMILIES {
        let catalog = of(families);
        for (count, seed) in (1..=300).flat_map(|count| [(count, 5), (count, 6)]) {
            let turns = catalog.turns(&query(Split::Test, None, count, seed)).unwrap();
            let new = turns.iter().filter(|turn| turn.phrasing == Phrasing::Unseen).count();
            assert!(new.abs_diff(count - new) <= 1, "{count} of {families}: {new} new");
            let mut by_family: BTreeMap<&str, i64> = BTreeMap::new();
            for turn in &turns {
                *by_family.entry(turn.family.0).or_default() += if turn.phrasing == Phrasing::Unseen { 1 } else { -1 };
            }
            assert!(by_family.values().all(|balance| balance.abs() <= 1), "{count} of {families}: {by_family:?}");
        }
    }
}

#[test]
fn no_two_turns_bear_the_same_names() {
    for (families, split) in FAMILIES.into_iter().flat_map(|families| SPLITS.map(|split| (families, split))) {
        for count in [1, 2, families, families + 1, 2 * families, 2 * families + 3, 300] {
            let turns = of(families).turns(&query(split, None, count, 1)).unwrap();
            assert_eq!(turns.iter().map(Turn::names).collect::<BTreeSet<_>>().len(), count);
        }
    }
}

#[test]
fn a_small_draw_is_spread_over_all_families() {
    let catalog = of(70);
    let drawn = |count, seed, phrasing| names(&catalog.turns(&query(Split::Test, phrasing, count, seed)).unwrap());
    let mut drawn_once: BTreeMap<&str, usize> = BTreeMap::new();
    let mut new = 0;
    for seed in 0..1400 {
        let turns = catalog.turns(&query(Split::Test, None, 1, seed)).unwrap();
        *drawn_once.entry(turns[0].family.0).or_default() += 1;
        new += usize::from(turns[0].phrasing == Phrasing::Unseen);
    }
    // 20 are expected of each, and 700 of all; five standard deviations are 22 and 94.
    assert_eq!(drawn_once.len(), 70);
    assert!(drawn_once.values().all(|times| *times < 43), "{drawn_once:?}");
    assert!(new.abs_diff(700) < 94, "{new} in new wordings");
    assert_ne!(drawn(20, 1, None), drawn(20, 2, None));
    assert_eq!(drawn(20, 1, Some(Phrasing::Seen)), drawn(20, 1, Some(Phrasing::Unseen)), "the same families in both");
}

#[test]
fn each_set_asks_in_the_wordings_that_are_its_own() {
    let asked = |split, wish| -> BTreeSet<&str> {
        of(7).turns(&query(split, wish, 20, 1)).unwrap().iter().map(|turn| turn.phrasing.as_str()).collect()
    };
    assert_eq!(asked(Split::Train, None), ["seen"].into());
    assert_eq!(asked(Split::Validation, None), ["unseen"].into());
    assert_eq!(asked(Split::Test, None), ["seen", "unseen"].into());
    for split in [Split::Validation, Split::Test] {
        for wish in [Phrasing::Seen, Phrasing::Unseen] {
            assert_eq!(asked(split, Some(wish)), [wish.as_str()].into());
        }
    }
}

#[test]
fn a_family_that_is_named_twice_is_drawn_from_once() {
    let twice =
        TaskQuery { families: ["f3", "f1", "f3"].map(str::to_owned).to_vec(), ..query(Split::Train, None, 4, 1) };
    assert_eq!(names(&of(7).turns(&twice).unwrap()), ["f3", "f1", "f3", "f1"]);
}

#[test]
fn what_cannot_be_drawn_is_refused_with_a_hint() {
    let catalog = catalog(["bold", "bold_italic", "color", "font"].map(str::to_owned));
    let named = |name: &str| TaskQuery { families: vec![name.to_owned()], ..query(Split::Train, None, 1, 1) };
    let said = |query: &TaskQuery| catalog.turns(query).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(said(&named("bolt")).ends_with("hint: did you mean `bold`?"), "{}", said(&named("bolt")));
    assert!(!said(&named("size")).contains("hint"), "{}", said(&named("size")));
    let unseen = said(&query(Split::Train, Some(Phrasing::Unseen), 1, 1));
    assert!(unseen.contains("train") && unseen.contains("hint: ask for split `validation` or `test`"), "{unseen}");
    assert!(of(0).turns(&query(Split::Test, None, 5, 1)).unwrap().is_empty());
}
