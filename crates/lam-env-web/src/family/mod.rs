//! The tasks: each is a page with what it may ask for, the steps that do it, and the expert's procedure. Knows no
//! browser.

mod catalog;
pub mod values;

use std::sync::LazyLock;

use lam_tasks::template::{self, Holds};
use lam_tasks::{Catalog, Named, Slots, Wording};

use crate::procedures::Procedure;

/// Name of this environment.
pub const ENVIRONMENT: &str = "web";
/// Name of the application in it.
pub const APPLICATION: &str = "miniwob";

/// One thing that a page may ask for.
#[derive(Debug)]
pub struct Asking {
    /// The sentences in which it can be asked; the first is the page's own.
    pub wording: Wording,
    /// What to do, as documentation says it.
    pub steps: &'static [&'static str],
}

/// A family of tasks: one page of MiniWoB++.
#[derive(Debug)]
pub struct Family {
    /// The page's name.
    pub name: &'static str,
    /// What the page may ask for.
    pub askings: &'static [Asking],
    /// How the expert does it.
    pub procedure: Procedure,
}

impl Named for Family {
    fn name(&self) -> &'static str {
        self.name
    }
}

/// Every family.
pub static CATALOG: LazyLock<Catalog<Family>> = LazyLock::new(|| Catalog {
    environment: ENVIRONMENT,
    application: APPLICATION.to_owned(),
    id_prefix: ENVIRONMENT.to_owned(),
    families: catalog::FAMILIES.iter().collect(),
});

/// The slots of a request, if it is this sentence: a slot holds anything, up to where the sentence goes on.
pub fn read(sentence: &str, request: &str) -> Option<Slots> {
    template::read(sentence, request, &|_| Holds::Anything)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use lam_tasks::{parse_step, step_text};

    use super::*;
    use template::{fill, slots_of};

    #[test]
    fn names_are_unique_and_fifty_at_least() {
        let names: BTreeSet<_> = CATALOG.families.iter().map(|family| family.name).collect();
        assert_eq!(names.len(), CATALOG.families.len());
        assert!(names.len() >= 50, "{}", names.len());
    }

    #[test]
    fn every_wording_says_the_same_and_can_be_read_back() {
        for family in &CATALOG.families {
            for Asking { wording, .. } in family.askings {
                let own = wording.train[0];
                assert!(wording.train.len() > 1, "{}", family.name);
                let slots = values::draw(own, &mut crate::random::stream(7, &["test"]));
                for sentence in wording.all() {
                    assert_eq!(slots_of(sentence), slots_of(own), "{}: {sentence}", family.name);
                    let said = fill(sentence, &slots);
                    assert_eq!(read(sentence, &said).as_ref(), Some(&slots), "{}: {said}", family.name);
                }
            }
        }
    }

    #[test]
    fn no_sentence_belongs_to_two_sets() {
        let wordings = CATALOG.families.iter().flat_map(|family| family.askings).map(|asking| &asking.wording);
        assert_eq!(lam_tasks::check_sets(wordings), Ok(()));
    }

    #[test]
    fn steps_are_of_the_language_of_plans() {
        for asking in CATALOG.families.iter().flat_map(|family| family.askings) {
            let slots = values::draw(asking.wording.train[0], &mut crate::random::stream(7, &["steps"]));
            for call in lam_tasks::calls(asking.steps, &slots) {
                assert_eq!(parse_step(&step_text(&call)), Some(call));
            }
        }
    }
}
