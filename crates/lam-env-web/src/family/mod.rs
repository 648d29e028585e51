//! The tasks: each is a page with the wordings in which it can be asked for, the steps that do it, and the expert's
//! procedure. Knows no browser.

mod catalog;
pub mod template;

use lam_env::EnvError;

use crate::environment::ENVIRONMENT;
use crate::expert::Procedure;

/// One way in which a page asks, and how else the same could be asked for.
///
/// Slots in braces stand for the parameters; `template.rs` says what each may hold.
#[derive(Debug)]
pub struct Wording {
    /// The page's own words.
    pub own: &'static str,
    /// Other words that training sets use.
    pub seen: &'static [&'static str],
    /// Other words that are kept for the test set.
    pub unseen: &'static [&'static str],
    /// What to do, as documentation says it.
    pub steps: &'static [&'static str],
}

/// A family of tasks: one page of MiniWoB++.
#[derive(Debug)]
pub struct Family {
    /// The page's name.
    pub name: &'static str,
    /// What the page may ask.
    pub wordings: &'static [Wording],
    /// How the expert does it.
    pub procedure: Procedure,
}

/// Every family, in the order in which they take turns.
pub fn all() -> &'static [Family] {
    catalog::FAMILIES
}

/// The family called `name`.
pub fn find(name: &str) -> Option<&'static Family> {
    all().iter().find(|family| family.name == name)
}

/// The error for a family that does not exist, with the nearest one that does.
pub fn unknown(task_id: &str, name: &str) -> EnvError {
    let shared = |family: &Family| family.name.bytes().zip(name.bytes()).take_while(|(a, b)| a == b).count();
    let likeness = |family: &&Family| (shared(family), std::cmp::Reverse(family.name.len().abs_diff(name.len())));
    let nearest = all().iter().max_by_key(likeness).filter(|family| shared(family) > 2);
    EnvError::UnknownFamily {
        task_id: task_id.to_owned(),
        family: name.to_owned(),
        environment: ENVIRONMENT.to_owned(),
        hint: nearest.map(|family| format!("\nhint: did you mean `{}`?", family.name)).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use template::{fill, read, slots_of};

    #[test]
    fn names_are_unique_and_fifty_at_least() {
        let names: BTreeSet<_> = all().iter().map(|family| family.name).collect();
        assert_eq!(names.len(), all().len());
        assert!(names.len() >= 50, "{}", names.len());
    }

    #[test]
    fn every_wording_says_the_same_and_can_be_read_back() {
        for family in all() {
            for wording in family.wordings {
                assert!(!wording.seen.is_empty() && !wording.unseen.is_empty(), "{}", family.name);
                let slots = template::draw(wording.own, &mut crate::tasks::random(7, &["test"]));
                for text in wording.seen.iter().chain(wording.unseen).chain([&wording.own]) {
                    assert_eq!(slots_of(text), slots_of(wording.own), "{}: {text}", family.name);
                    let said = fill(text, &slots);
                    assert_eq!(read(text, &said).as_ref(), Some(&slots), "{}: {said}", family.name);
                }
            }
        }
    }

    #[test]
    fn unseen_wordings_are_no_seen_ones() {
        let seen: BTreeSet<_> =
            all().iter().flat_map(|f| f.wordings).flat_map(|w| w.seen.iter().chain([&w.own])).collect();
        for wording in all().iter().flat_map(|family| family.wordings) {
            assert!(wording.unseen.iter().all(|text| !seen.contains(text)), "{:?}", wording.unseen);
        }
    }
}
