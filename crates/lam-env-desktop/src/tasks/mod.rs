//! Task families as tables: what is asked, how it is done, how it is judged. The same shapes serve every application;
//! each has its own table. Knows no screen.

mod draw;
mod expert;
mod galculator;
mod goal;
mod instance;
mod mousepad;
mod request;
#[cfg(test)]
mod tests;
mod wording;
mod writer;

use lam_tasks::{Catalog, Wording};

pub use draw::draw;
pub use expert::{TableExpert, follow};
pub use goal::{Found, Goal, judge};
pub use instance::{Instance, instance};
pub use lam_tasks::{Choice, Numbers, Quote};

/// Name of this environment.
pub const ENVIRONMENT: &str = "desktop";

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

/// A family of tasks: its own part are the goals, which have to be true afterwards; nothing else may have changed. The
/// expert does not know the last of its words where there are several.
pub type Family = lam_tasks::Family<Setup, &'static [Goal]>;

/// A family without parameters that starts with plain text.
const fn family(
    name: &'static str,
    words: &'static [&'static str],
    wording: &'static Wording,
    steps: &'static [&'static str],
    goals: &'static [Goal],
) -> Family {
    Family::new(name, words, wording, steps, Setup::Plain, goals)
}

/// The same, naming some words of the document.
const fn quoting(
    name: &'static str,
    words: &'static [&'static str],
    wording: &'static Wording,
    steps: &'static [&'static str],
    goals: &'static [Goal],
) -> Family {
    family(name, words, wording, steps, goals).quote(Quote::Words)
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
pub fn catalog(application: &str) -> Catalog<Family> {
    Catalog {
        environment: ENVIRONMENT,
        application: application.to_owned(),
        id_prefix: format!("{ENVIRONMENT}-{application}"),
        families: topics(application).into_iter().flat_map(|(_, families)| families).collect(),
    }
}
