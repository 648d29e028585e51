//! An application's documentation, made from its families: help pages, a log of queries, and the words of it all.
//! Knows no screen.

use lam_env::random::hash;
use lam_env::{Document, words};
use lam_types::{FunctionSpec, Phrasing, PlanSource, Split};

use crate::application::ApplicationFile;
use crate::tasks::{self, Family, Instance, fill, step_text};

/// Labels that a screen may show.
const LABELS: usize = 256;

/// The documents: one page a topic, and one log of `entries` queries.
pub fn documents(application: &str, entries: usize, seed: u64) -> Vec<Document> {
    let mut documents = Vec::new();
    for (topic, families) in tasks::topics(application) {
        let mut page = format!("# {topic}\n");
        for family in families {
            let instance = example(family, "help", seed);
            let heading = fill(family.wording.seen[0], family.words[0], &instance.parameters);
            page.push_str(&procedure(&heading, &instance));
        }
        let name = format!("help/{}.md", topic.to_lowercase().replace(' ', "-"));
        documents.push(Document { name, source: PlanSource::Documentation, text: page });
    }
    let families = tasks::families(application);
    let mut log = "# Questions and answers\n".to_owned();
    for entry in 0..if families.is_empty() { 0 } else { entries } {
        let instance = example(families[entry % families.len()], &format!("query {}", entry / families.len()), seed);
        log.push_str(&procedure(&instance.request, &instance));
    }
    documents.push(Document { name: "queries.md".into(), source: PlanSource::SearchQuery, text: log });
    documents
}

/// An instance from the training words, apart from every task's.
fn example(family: &'static Family, what: &str, seed: u64) -> Instance {
    tasks::instance(family, hash(&["documentation", what, family.name], seed), Split::Train, Phrasing::Seen)
}

fn procedure(heading: &str, instance: &Instance) -> String {
    let mut text = format!("\n## {heading}\n\n<!-- family: {} -->\n\n", instance.family.name);
    for (index, call) in instance.calls().iter().enumerate() {
        text.push_str(&format!("{}. {}\n", index + 1, step_text(&call.function, &call.control, &call.args)));
    }
    text
}

/// Texts that show the words of the application, of its tasks and of its documents.
pub fn vocabulary(file: &ApplicationFile, functions: &[FunctionSpec]) -> Vec<String> {
    let mut texts = vec![(1..=LABELS).map(|label| label.to_string()).collect::<Vec<_>>().join(" ")];
    for spec in functions {
        let args: Vec<&str> = spec.args.iter().map(|arg| arg.name.as_str()).collect();
        texts.push(format!("{} {}", spec.name, args.join(" ")));
        texts.push(spec.doc.clone());
    }
    texts.extend(file.menus.iter().cloned());
    texts.extend(file.vocabulary.iter().cloned());
    for family in tasks::families(&file.name) {
        texts.extend(family.words.iter().map(|word| (*word).to_owned()));
        texts.extend(family.choices.iter().flat_map(|choice| [choice.word.to_owned(), choice.control.to_owned()]));
        let instance = example(family, "vocabulary", 0);
        texts.extend(instance.calls().iter().map(|call| step_text(&call.function, &call.control, &call.args)));
        for template in family.wording.seen.iter().chain(family.wording.unseen) {
            texts.push(template.replace(['{', '}'], " "));
        }
    }
    for split in [Split::Train, Split::Test] {
        texts.extend(words::of(split).chunks(12).map(|words| words.join(" ")));
    }
    texts
}
