//! Task families as tables: what is asked, how it is done, how it is judged. The same shapes serve every application;
//! each has its own table. Knows no screen.

mod choice;
mod draw;
mod expert;
mod galculator;
mod goal;
mod instance;
mod mousepad;
mod procedure;
mod request;
mod steps;
#[cfg(test)]
mod tests;
mod wording;
mod writer;

pub use choice::Choice;
pub use draw::{draw, unknown_family};
pub use expert::{TableExpert, follow};
pub use goal::{Found, Goal, judge};
pub use instance::{Instance, fill, instance};
pub use procedure::{Call, Move, Parameters, Slot};
pub use steps::step_text;
pub use wording::Wording;

/// The word a parameter's numbers are drawn for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbers {
    /// None.
    None,
    /// One, from a closed range.
    One(i64, i64),
    /// Two, each from a closed range.
    Two(i64, i64),
    /// Two numbers of paragraphs that stand in the document, the first before the second.
    Paragraphs,
}

/// How the document starts, beyond its plain text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setup {
    /// Plain text.
    Plain,
    /// The task's text has these formats.
    Formatted(&'static [(&'static str, &'static str)]),
    /// The paragraph of the task's text has these formats.
    Paragraph(&'static [(&'static str, &'static str)]),
    /// All paragraphs have these formats.
    Everywhere(&'static [(&'static str, &'static str)]),
    /// There is a table; the task's text stands in it.
    Table,
    /// The document has these facts, such as `track changes` → `on`.
    Facts(&'static [(&'static str, &'static str)]),
}

/// What a task's quoted text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quote {
    /// There is none.
    None,
    /// Two or three words of the document.
    Words,
    /// One word of the document.
    Word,
    /// A whole paragraph.
    Paragraph,
}

/// A family of tasks.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    /// Its name.
    pub name: &'static str,
    /// What it is called in requests; the expert does not know the last one where there are several.
    pub words: &'static [&'static str],
    /// The templates of its requests.
    pub wording: &'static Wording,
    /// How it is done.
    pub moves: &'static [Move],
    /// What has to be true afterwards; nothing else may have changed.
    pub goals: &'static [Goal],
    /// Text of the document that is named.
    pub quote: Quote,
    /// How many new words are named.
    pub new_words: usize,
    /// Values to choose from.
    pub choices: &'static [Choice],
    /// Numbers that are named.
    pub numbers: Numbers,
    /// How the document starts.
    pub setup: Setup,
}

impl Family {
    const fn new(
        name: &'static str,
        words: &'static [&'static str],
        wording: &'static Wording,
        moves: &'static [Move],
        goals: &'static [Goal],
    ) -> Self {
        let (quote, numbers, setup) = (Quote::None, Numbers::None, Setup::Plain);
        Self { name, words, wording, moves, goals, quote, new_words: 0, choices: &[], numbers, setup }
    }

    const fn quote(self, quote: Quote) -> Self {
        Self { quote, ..self }
    }

    const fn new_words(self, new_words: usize) -> Self {
        Self { new_words, ..self }
    }

    const fn choices(self, choices: &'static [Choice]) -> Self {
        Self { choices, ..self }
    }

    const fn numbers(self, numbers: Numbers) -> Self {
        Self { numbers, ..self }
    }

    const fn setup(self, setup: Setup) -> Self {
        Self { setup, ..self }
    }
}

/// The families of an application by topic, in the order in which they take turns; none for applications without
/// tasks.
pub fn topics(application: &str) -> Vec<(&'static str, &'static [Family])> {
    match application {
        "writer" => writer::topics(),
        "mousepad" => vec![("Editing a note", &mousepad::FAMILIES)],
        "galculator" => vec![("Calculating", &galculator::FAMILIES)],
        _ => Vec::new(),
    }
}

/// Every family of an application.
pub fn families(application: &str) -> Vec<&'static Family> {
    topics(application).into_iter().flat_map(|(_, families)| families).collect()
}

/// The family of an application with this name.
pub fn family(application: &str, name: &str) -> Option<&'static Family> {
    families(application).into_iter().find(|family| family.name == name)
}
