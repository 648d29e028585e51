//! An application's documentation, made from its families: help pages, a log of queries, and the words of it all.
//! Knows no screen.

use lam_env::Document;
use lam_env::random::hash;
use lam_tasks::documentation::{self, document, function_texts, kept_words, labels, query_log, word_lists};
use lam_tasks::{step_text, steps};
use lam_types::{FunctionSpec, Phrasing, PlanSource, Split};

use crate::application::ApplicationFile;
use crate::tasks::{self, Family, Instance};

/// Labels that a screen may show.
const LABELS: usize = 256;

/// The documents: one page a topic, and one log of `entries` queries.
pub fn documents(application: &str, entries: usize, seed: u64) -> Vec<Document> {
    let mut documents = Vec::new();
    for (topic, families) in tasks::topics(application) {
        let mut page = format!("# {topic}\n");
        for family in families {
            let instance = example(family, "help", seed);
            page.push_str(&procedure(&family.imperative(&instance.parameters), &instance));
        }
        let name = format!("help/{}", topic.to_lowercase().replace(' ', "-"));
        documents.push(document(&name, PlanSource::Documentation, page));
    }
    let entry = |family: &&'static Family, round: usize| {
        let instance = example(family, &format!("query {round}"), seed);
        procedure(&instance.request, &instance)
    };
    documents.push(query_log("", &tasks::catalog(application).families, entries, entry));
    documents
}

/// An instance from the training words, apart from every task's.
fn example(family: &'static Family, what: &str, seed: u64) -> Instance {
    tasks::instance(family, hash(&["documentation", what, family.name], seed), Split::Train, Phrasing::Seen)
}

fn procedure(heading: &str, instance: &Instance) -> String {
    let steps: Vec<String> = instance.calls().iter().map(step_text).collect();
    documentation::procedure(heading, instance.family.name, &steps)
}

/// Texts that show the words of the application, of its tasks and of its documents.
pub fn vocabulary(file: &ApplicationFile, functions: &[FunctionSpec]) -> Vec<String> {
    let mut texts = vec![labels(LABELS)];
    texts.extend(function_texts(functions));
    texts.extend(file.menus.iter().cloned());
    texts.extend(file.vocabulary.iter().cloned());
    for family in tasks::catalog(&file.name).families {
        texts.extend(family.words.iter().map(|word| (*word).to_owned()));
        texts.extend(family.choices.iter().flat_map(|choice| [choice.word.to_owned(), choice.control.to_owned()]));
        let instance = example(family, "vocabulary", 0);
        texts.extend(steps(family.steps, &instance.parameters.slots("")));
        texts.extend(family.wording.train.iter().map(|sentence| sentence.replace(['{', '}'], " ")));
    }
    let families = tasks::catalog(&file.name).families.into_iter();
    texts.push(kept_words(families.flat_map(|family| family.wording.held_out())));
    texts.extend(word_lists());
    texts
}
