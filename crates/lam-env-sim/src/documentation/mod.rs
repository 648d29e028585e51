//! The application's documentation: help pages, how-to articles, a log of search queries, and the words of it all.
//!
//! Written from the same data as the ribbon and the families, so it is right where the expert is wrong. It
//! uses training words and seen wordings only.

mod prose;

use lam_env::Document;
use lam_env::random::hash;
use lam_tasks::documentation::{document, function_texts, kept_words, labels, query_log, word_lists};
use lam_tasks::template::bare;
use lam_types::{Phrasing, PlanSource, Split};

use crate::family::{CATALOG, Family, topics};
use crate::instance::{self, Instance};
use crate::procedure::plan_steps;
use crate::ribbon::{Effect, QUICK_ACCESS, Tab, commands};

/// The documents: one page a topic, one article a topic, and one log of `entries` queries.
pub fn documents(entries: usize, seed: u64) -> Vec<Document> {
    let mut documents = Vec::new();
    for (topic, families) in topics() {
        let name = topic.to_lowercase().replace(' ', "-");
        documents.push(document(&format!("help/{name}"), PlanSource::Documentation, help_page(topic, families, seed)));
        documents.push(document(&format!("how-to/{name}"), PlanSource::Wikihow, article(topic, families, seed)));
    }
    let entry = |family: &&'static Family, round: usize| {
        let instance = example(family, &format!("query {round}"), seed);
        procedure(&instance.request, family, &instance)
    };
    let introduction = "\nWhat people asked for, and the steps that did it.\n";
    documents.push(query_log(introduction, &CATALOG.families, entries, entry));
    documents
}

fn help_page(topic: &str, families: &'static [Family], seed: u64) -> String {
    let mut page = format!("# {topic}\n\n{}\n", prose::introduction(topic));
    for family in families {
        let instance = example(family, "help", seed);
        page.push_str(&procedure(&imperative(family, &instance), family, &instance));
    }
    page
}

fn article(topic: &str, families: &'static [Family], seed: u64) -> String {
    let mut page = format!("# How to work with a document: {}\n\n{}\n", topic.to_lowercase(), prose::advice(topic));
    for family in families {
        let instance = example(family, "how-to", seed);
        let heading = format!("How to {}", imperative(family, &instance));
        page.push_str(&procedure(&heading, family, &instance));
    }
    page
}

/// An instance from the training words, apart from every task's.
fn example(family: &'static Family, what: &str, seed: u64) -> Instance {
    instance::draw(family, hash(&["documentation", what, family.name], seed), Split::Train, Phrasing::Seen)
}

/// The request as an imperative: the first template of each part.
fn imperative(family: &Family, instance: &Instance) -> String {
    let parts: Vec<String> = instance.parts.iter().map(|part| part.family.imperative(&part.parameters)).collect();
    match parts.as_slice() {
        [one] => one.clone(),
        _ => parts.join(family.wording.train[0]),
    }
}

fn procedure(heading: &str, family: &Family, instance: &Instance) -> String {
    lam_tasks::documentation::procedure(heading, family.name, &plan_steps(&instance.calls()))
}

/// Texts that show every word of the application, of its tasks and of plain English about it.
pub fn vocabulary() -> Vec<String> {
    let mut texts = prose::paragraphs();
    texts.push(labels(128));
    for tab in Tab::all() {
        texts.push(prose::tab(tab));
        texts.extend(commands(tab).iter().map(|command| command.name.to_owned()));
    }
    texts.extend(QUICK_ACCESS.iter().map(|command| command.name.to_owned()));
    texts.extend(dialog_texts());
    texts.extend(function_texts(&crate::functions::specs()));
    texts.push("Document Table Picture Comment".to_owned());
    texts.push("press {DELETE} {ENTER} {ESC} {VK_CONTROL}".to_owned());
    texts.extend(word_lists());
    for family in &CATALOG.families {
        texts.extend(family.words.iter().map(|word| (*word).to_owned()));
        texts.extend(family.choices.iter().map(|choice| choice.word.to_owned()));
        texts.extend(family.wording.train.iter().map(|sentence| bare(sentence)));
    }
    // The validation set's sentences are made of words that stand above or below.
    texts.push(kept_words(CATALOG.families.iter().flat_map(|family| family.wording.test).copied()));
    texts
}

/// The names in each dialog.
fn dialog_texts() -> Vec<String> {
    let mut texts = Vec::new();
    for command in Tab::all().flat_map(commands) {
        let dialog = match command.effect {
            Effect::Ask(dialog) => Some(dialog),
            Effect::Open(menu) => menu.more,
            _ => None,
        };
        if let Some(dialog) = dialog {
            let fields: Vec<&str> = dialog.fields.iter().map(|field| field.name).collect();
            texts.push(format!("{} {} {} Cancel", dialog.name, fields.join(" "), dialog.confirm));
        }
        if let Effect::Open(menu) = command.effect {
            texts.push(format!("{} {}", menu.name, menu.items.join(" ")));
        }
    }
    texts
}
