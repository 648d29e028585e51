//! Task families as data: what is asked, in which words, with which parameters, and how it is done.
//!
//! A family is one struct. How its parameters are drawn stands in `instance.rs`, how its moves become calls
//! in `procedure.rs`. Does not know the expert: what the expert understands stands in `expert/`.

mod combined;
mod document;
mod editing;
mod format;
mod insert;
mod page;
mod review;
mod wording;

use crate::procedure::Move;

pub use wording::Wording;

/// Numbers that a family's request names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbers {
    /// None.
    None,
    /// One, in this closed range.
    One(i64, i64),
    /// Two, both in this closed range.
    Two(i64, i64),
    /// The first and the last of some paragraphs.
    Paragraphs,
    /// The number of a table, picture or comment that is there.
    Present(&'static str),
}

/// What a family needs to be found at the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setup {
    /// Nothing.
    Plain,
    /// The text it names is formatted.
    Formatted,
    /// A change that can be taken back.
    Edited,
}

/// A family of tasks.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    /// Its name.
    pub name: &'static str,
    /// What its subject is called in requests: `{s}` of the wording.
    pub words: &'static [&'static str],
    /// Templates of its requests.
    pub wording: &'static Wording,
    /// Whether it names a text of the document: `{x}`.
    pub text: bool,
    /// Whether it names a new text: `{y}`.
    pub new_text: bool,
    /// The options it chooses from: `{o}`.
    pub options: &'static [&'static str],
    /// The numbers it names: `{a}`, `{b}`.
    pub numbers: Numbers,
    /// What is found at the start.
    pub setup: Setup,
    /// How it is done.
    pub moves: &'static [Move],
    /// For a task of several parts: the families that each part is drawn from.
    pub parts: &'static [&'static [&'static str]],
}

impl Family {
    /// A family without parameters.
    const fn new(
        name: &'static str,
        words: &'static [&'static str],
        wording: &'static Wording,
        moves: &'static [Move],
    ) -> Self {
        Self {
            name,
            words,
            wording,
            text: false,
            new_text: false,
            options: &[],
            numbers: Numbers::None,
            setup: Setup::Plain,
            moves,
            parts: &[],
        }
    }

    const fn text(self) -> Self {
        Self { text: true, ..self }
    }

    const fn new_text(self) -> Self {
        Self { new_text: true, ..self }
    }

    const fn options(self, options: &'static [&'static str]) -> Self {
        Self { options, ..self }
    }

    const fn numbers(self, numbers: Numbers) -> Self {
        Self { numbers, ..self }
    }

    const fn setup(self, setup: Setup) -> Self {
        Self { setup, ..self }
    }
}

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

/// Every family.
pub fn all() -> impl Iterator<Item = &'static Family> {
    topics().into_iter().flat_map(|(_, families)| families)
}

/// The family with this name.
pub fn find(name: &str) -> Option<&'static Family> {
    all().find(|family| family.name == name)
}
