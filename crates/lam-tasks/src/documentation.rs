//! What documentation is made of: procedures under headings, logs of what was asked, and the words of it all.

use std::collections::BTreeSet;

use lam_env::{Document, words};
use lam_types::{FunctionSpec, PlanSource, Split};

use crate::template::bare;

/// A document.
pub fn document(name: &str, source: PlanSource, text: String) -> Document {
    Document { name: format!("{name}.md"), source, text }
}

/// A heading that asks, and the numbered list that answers.
pub fn procedure(heading: &str, family: &str, steps: &[String]) -> String {
    let list: String = steps.iter().enumerate().map(|(index, step)| format!("{}. {step}\n", index + 1)).collect();
    format!("\n## {heading}\n\n<!-- family: {family} -->\n\n{list}")
}

/// A log of `entries` requests with their answers: families take turns, and `entry` writes the one of a family in a
/// round.
pub fn query_log<F>(
    introduction: &str,
    families: &[F],
    entries: usize,
    entry: impl Fn(&F, usize) -> String,
) -> Document {
    let mut log = format!("# Questions and answers\n{introduction}");
    for index in 0..if families.is_empty() { 0 } else { entries } {
        log.push_str(&entry(&families[index % families.len()], index / families.len()));
    }
    document("queries", PlanSource::SearchQuery, log)
}

/// The labels that a screen of `most` controls shows.
pub fn labels(most: usize) -> String {
    (1..=most).map(|label| label.to_string()).collect::<Vec<_>>().join(" ")
}

/// The names of functions and of their arguments, and what is said of them.
pub fn function_texts(functions: &[FunctionSpec]) -> impl Iterator<Item = String> {
    functions.iter().flat_map(|spec| {
        let args: Vec<&str> = spec.args.iter().map(|arg| arg.name.as_str()).collect();
        [format!("{} {}", spec.name, args.join(" ")), spec.doc.clone()]
    })
}

/// The words that tasks of every set draw from, a dozen a text.
pub fn word_lists() -> impl Iterator<Item = String> {
    let dozens = |split| words::of(split).chunks(12).map(|words| words.join(" "));
    [Split::Train, Split::Test].into_iter().flat_map(dozens)
}

/// The words of sentences that are kept from training, in alphabetical order: a tokenizer has to know them, and nothing
/// that is read shows how they are put together.
pub fn kept_words(sentences: impl IntoIterator<Item = &'static str>) -> String {
    let sentences: Vec<String> = sentences.into_iter().map(bare).collect();
    let words: BTreeSet<&str> = sentences.iter().flat_map(|sentence| sentence.split_whitespace()).collect();
    words.into_iter().collect::<Vec<_>>().join(" ")
}
