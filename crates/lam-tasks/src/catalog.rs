//! The families of one application, and the tasks that a query draws from them: families take turns, so that of any
//! number of tasks each family has as many as any other, or one more.

use lam_env::{EnvError, TaskQuery};
use lam_types::{Phrasing, Split, Task};

/// What has a name among its like.
pub trait Named {
    /// The name.
    fn name(&self) -> &'static str;
}

impl<Setup, Own> Named for crate::Family<Setup, Own> {
    fn name(&self) -> &'static str {
        self.name
    }
}

/// The families of an application, in the order in which they take turns.
#[derive(Clone, Debug)]
pub struct Catalog<F: 'static> {
    /// The environment they belong to.
    pub environment: &'static str,
    /// The application in it.
    pub application: String,
    /// What the ids of its tasks begin with.
    pub id_prefix: String,
    /// The families.
    pub families: Vec<&'static F>,
}

/// One family's turn in a query.
#[derive(Clone, Copy, Debug)]
pub struct Turn<F: 'static> {
    /// Whose turn it is.
    pub family: &'static F,
    /// The set that is drawn.
    pub split: Split,
    /// The sentences that may be used.
    pub phrasing: Phrasing,
    /// How many turns the family had before.
    pub round: usize,
}

impl<F: Named> Turn<F> {
    /// What tells this turn from every other with the same seed.
    pub fn names(&self) -> [String; 4] {
        let Self { family, split, phrasing, round } = self;
        [family.name().to_owned(), split.as_str().to_owned(), phrasing.as_str().to_owned(), round.to_string()]
    }
}

impl<F: Named> Catalog<F> {
    /// The family with this name.
    pub fn find(&self, name: &str) -> Option<&'static F> {
        self.families.iter().copied().find(|family| family.name() == name)
    }

    /// The family with this name, for a task or a query.
    ///
    /// # Errors
    /// There is none: the error names the nearest one.
    pub fn get(&self, task_id: &str, name: &str) -> Result<&'static F, EnvError> {
        self.find(name).ok_or_else(|| EnvError::UnknownFamily {
            task_id: task_id.to_owned(),
            family: name.to_owned(),
            environment: self.environment.to_owned(),
            hint: self.nearest(name).map(|family| format!("did you mean `{family}`?")).unwrap_or_default(),
        })
    }

    /// The name that begins most alike, if more than two letters are shared.
    fn nearest(&self, name: &str) -> Option<&'static str> {
        let shared = |family: &str| family.bytes().zip(name.bytes()).take_while(|(a, b)| a == b).count();
        let likeness = |family: &&str| (shared(family), std::cmp::Reverse(family.len().abs_diff(name.len())));
        let names = self.families.iter().map(|family| family.name());
        names.max_by_key(likeness).filter(|family| shared(family) > 2)
    }

    /// The turns of a query.
    ///
    /// # Errors
    /// A family that does not exist; wordings that are kept for the test set, asked for in another.
    pub fn turns(&self, query: &TaskQuery) -> Result<Vec<Turn<F>>, EnvError> {
        let named: Result<Vec<&'static F>, EnvError> =
            query.families.iter().map(|name| self.get("query", name)).collect();
        let families = if query.families.is_empty() { self.families.clone() } else { named? };
        if query.split != Split::Test && query.phrasing == Some(Phrasing::Unseen) {
            return Err(EnvError::Usage(format!(
                "the {} set has no unseen phrasings: they are kept for the test set\nhint: ask for split `test`",
                query.split.as_str()
            )));
        }
        let count = if families.is_empty() { 0 } else { query.count };
        let turn = |index: usize| {
            let (family, round) = (families[index % families.len()], index / families.len());
            // A test set without a wish has both wordings: every other round is asked in new ones.
            let is_new = query.split == Split::Test && round % 2 == 1;
            let own = if is_new { Phrasing::Unseen } else { Phrasing::Seen };
            Turn { family, split: query.split, phrasing: query.phrasing.unwrap_or(own), round }
        };
        Ok((0..count).map(turn).collect())
    }

    /// The task of a turn. `seed` has at most 48 bits: signed columns and JSON numbers hold them without loss.
    pub fn task(&self, turn: &Turn<F>, seed: u64, request: String) -> Task {
        let [family, split, phrasing, _] = turn.names();
        Task {
            task_id: format!("{}-{family}-{split}-{phrasing}-{seed:012x}", self.id_prefix),
            family,
            request,
            environment: self.environment.to_owned(),
            application: self.application.clone(),
            seed,
            phrasing: turn.phrasing,
            split: turn.split,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    struct Plain(&'static str);

    impl Named for Plain {
        fn name(&self) -> &'static str {
            self.0
        }
    }

    static FAMILIES: [Plain; 4] = [Plain("bold"), Plain("bold_italic"), Plain("color"), Plain("font")];

    fn catalog() -> Catalog<Plain> {
        let families = FAMILIES.iter().collect();
        Catalog { environment: "test", application: "none".into(), id_prefix: "test".into(), families }
    }

    fn query(split: Split, phrasing: Option<Phrasing>, count: usize) -> TaskQuery {
        TaskQuery { split, phrasing, families: Vec::new(), count, seed: 1 }
    }

    #[test]
    fn families_have_equal_shares_of_any_number() {
        for count in 0..=40 {
            let mut shares: BTreeMap<&str, usize> = FAMILIES.iter().map(|family| (family.0, 0)).collect();
            for turn in catalog().turns(&query(Split::Train, None, count)).unwrap() {
                *shares.get_mut(turn.family.0).unwrap() += 1;
            }
            let (least, most) = (shares.values().min().unwrap(), shares.values().max().unwrap());
            assert!(most - least <= 1 && shares.values().sum::<usize>() == count, "{shares:?}");
        }
    }

    #[test]
    fn no_two_turns_bear_the_same_names() {
        let turns = catalog().turns(&query(Split::Test, None, 40)).unwrap();
        let names: std::collections::BTreeSet<_> = turns.iter().map(Turn::names).collect();
        assert_eq!(names.len(), 40);
        assert_eq!(turns.iter().filter(|turn| turn.phrasing == Phrasing::Unseen).count(), 20);
    }

    #[test]
    fn what_cannot_be_drawn_is_refused_with_a_hint() {
        let named = |name: &str| TaskQuery { families: vec![name.to_owned()], ..query(Split::Train, None, 1) };
        let said = |query: &TaskQuery| catalog().turns(query).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(said(&named("bolt")).ends_with("hint: did you mean `bold`?"), "{}", said(&named("bolt")));
        assert!(!said(&named("size")).contains("hint"), "{}", said(&named("size")));
        let unseen = said(&query(Split::Validation, Some(Phrasing::Unseen), 1));
        assert!(unseen.contains("validation") && unseen.contains("hint: ask for split `test`"), "{unseen}");
    }
}
