//! How many tasks of each family each model solved online. Knows no file and no HTML.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

/// Tasks of a family that a model attempted, over all repetitions; those that their environment ended do not count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Of these, tasks that it solved.
    pub solved: u64,
    /// Tasks.
    pub tasks: u64,
}

impl Count {
    /// In percent; `None` without tasks.
    pub fn percent(self) -> Option<f64> {
        (self.tasks > 0).then(|| 100.0 * self.solved as f64 / self.tasks as f64)
    }
}

/// The counts of each family, by the model's row in the online table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Families(BTreeMap<String, BTreeMap<String, Count>>);

impl Families {
    /// Counts one task more.
    pub fn add(&mut self, family: &str, model: &str, is_solved: bool) {
        let count = self.0.entry(family.to_owned()).or_default().entry(model.to_owned()).or_default();
        count.tasks += 1;
        count.solved += u64::from(is_solved);
    }

    /// Every model that attempted a task.
    pub fn models(&self) -> BTreeSet<&str> {
        self.0.values().flat_map(|models| models.keys().map(String::as_str)).collect()
    }

    /// A model's count in a family.
    pub fn count(&self, family: &str, model: &str) -> Count {
        self.0.get(family).and_then(|models| models.get(model)).copied().unwrap_or_default()
    }

    /// The families, those first of which this model solved the smallest share; it did not attempt the last ones.
    pub fn hardest_first(&self, model: &str) -> Vec<&str> {
        let mut families: Vec<&str> = self.0.keys().map(String::as_str).collect();
        let share = |family: &str| self.count(family, model).percent().unwrap_or(f64::INFINITY);
        families.sort_by(|one, other| share(one).total_cmp(&share(other)));
        families
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hardest_family_of_a_model_comes_first() {
        let mut families = Families::default();
        for (family, model, is_solved) in [
            ("bold", "LAM2", true),
            ("bold", "LAM2", false),
            ("italic", "LAM2", false),
            ("table", "LAM2", true),
            ("zoom", "base", false),
        ] {
            families.add(family, model, is_solved);
        }
        assert_eq!(families.hardest_first("LAM2"), ["italic", "bold", "table", "zoom"]);
        assert_eq!(families.count("bold", "LAM2"), Count { solved: 1, tasks: 2 });
        assert_eq!(families.count("zoom", "LAM2").percent(), None);
        assert_eq!(families.models().into_iter().collect::<Vec<_>>(), ["LAM2", "base"]);
    }
}
