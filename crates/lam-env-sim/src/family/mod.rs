//! Task families as data: what is asked, in which words, with which parameters, and how it is done.
//!
//! How a family's parameters are drawn stands in `instance/`. Does not know the expert: what the expert understands
//! stands in `expert/`.

mod combined;
mod document;
mod editing;
mod format;
mod insert;
mod page;
mod review;
mod wording;

use std::sync::LazyLock;

use lam_tasks::{Catalog, Wording};

pub use lam_tasks::{Choice, Numbers, Quote};

/// Name of this environment.
pub const ENVIRONMENT: &str = "sim";
/// Name of the application in it.
pub const APPLICATION: &str = "word";

/// What has to be found at the start of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setup {
    /// Nothing.
    Plain,
    /// The text it names is formatted.
    Formatted,
    /// A change that can be taken back.
    Edited,
}

/// For a task of several parts: the names of the families that each part is drawn from.
pub type Parts = &'static [&'static [&'static str]];

/// A family of tasks.
pub type Family = lam_tasks::Family<Setup, Parts>;

/// A family without parameters, of one part.
const fn family(
    name: &'static str,
    words: &'static [&'static str],
    wording: &'static Wording,
    steps: &'static [&'static str],
) -> Family {
    Family::new(name, words, wording, steps, Setup::Plain, &[])
}

/// The same, naming some words of the document.
const fn quoting(
    name: &'static str,
    words: &'static [&'static str],
    wording: &'static Wording,
    steps: &'static [&'static str],
) -> Family {
    family(name, words, wording, steps).quote(Quote::Words)
}

/// Every family.
pub static CATALOG: LazyLock<Catalog<Family>> = LazyLock::new(|| Catalog {
    environment: ENVIRONMENT,
    application: APPLICATION.to_owned(),
    id_prefix: ENVIRONMENT.to_owned(),
    families: topics().into_iter().flat_map(|(_, families)| families).collect(),
});

/// The families by topic, in the order in which they take turns.
pub fn topics() -> [(&'static str, &'static [Family]); 8] {
    [
        ("Formatting text", &format::FAMILIES),
        ("Formatting paragraphs", &document::FAMILIES),
        ("Editing text", &editing::FAMILIES),
        ("Inserting things", &insert::FAMILIES),
        ("Pages and design", &page::FAMILIES),
        ("References", &review::REFERENCES),
        ("Reviewing and viewing", &review::FAMILIES),
        ("Tasks of several parts", &combined::FAMILIES),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_sentence_belongs_to_two_sets() {
        assert_eq!(lam_tasks::check_sets(CATALOG.families.iter().map(|family| family.wording)), Ok(()));
    }
}
