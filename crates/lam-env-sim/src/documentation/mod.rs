//! The application's documentation: help pages, how-to articles, a log of search queries, and the words of it all.
//!
//! Written from the same data as the ribbon and the families, so it is right where the expert is wrong. It
//! uses training words and seen wordings only.

mod prose;

use std::collections::BTreeSet;

use lam_env::Document;
use lam_env::random::hash;
use lam_types::{Phrasing, PlanSource, Split};

use crate::family::{self, Family};
use crate::instance::{self, Instance};
use crate::phrasing;
use crate::procedure::plan_steps;
use crate::ribbon::{Effect, QUICK_ACCESS, Tab, commands};
use crate::words;

/// The documents: one page a topic, one article a topic, and one log of `entries` queries.
pub fn documents(entries: usize, seed: u64) -> Vec<Document> {
    let mut documents = Vec::new();
    for (topic, families) in family::topics() {
        let name = topic.to_lowercase().replace(' ', "-");
        documents.push(document(&format!("help/{name}"), PlanSource::Documentation, help_page(topic, families, seed)));
        documents.push(document(&format!("how-to/{name}"), PlanSource::Wikihow, article(topic, families, seed)));
    }
    documents.push(document("queries", PlanSource::SearchQuery, query_log(entries, seed)));
    documents
}

fn document(name: &str, source: PlanSource, text: String) -> Document {
    Document { name: format!("{name}.md"), source, text }
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

fn query_log(entries: usize, seed: u64) -> String {
    let families: Vec<&'static Family> = family::all().collect();
    let mut log = "# Questions and answers\n\nWhat people asked for, and the steps that did it.\n".to_owned();
    for entry in 0..entries {
        let family = families[entry % families.len()];
        let instance = example(family, &format!("query {}", entry / families.len()), seed);
        log.push_str(&procedure(&instance.request, family, &instance));
    }
    log
}

/// An instance from the training words, apart from every task's.
fn example(family: &'static Family, what: &str, seed: u64) -> Instance {
    instance::draw(family, hash(&["documentation", what, family.name], seed), Split::Train, Phrasing::Seen)
}

/// The request as an imperative: the first template of each part.
fn imperative(family: &Family, instance: &Instance) -> String {
    let part =
        |part: &instance::Part| phrasing::fill(part.family.wording.seen[0], part.family.words[0], &part.parameters);
    let parts: Vec<String> = instance.parts.iter().map(part).collect();
    match parts.as_slice() {
        [one] => one.clone(),
        _ => parts.join(family.wording.seen[0]),
    }
}

fn procedure(heading: &str, family: &Family, instance: &Instance) -> String {
    let mut text = format!("\n## {heading}\n\n<!-- family: {} -->\n\n", family.name);
    for (index, step) in plan_steps(&instance.calls()).iter().enumerate() {
        text.push_str(&format!("{}. {step}\n", index + 1));
    }
    text
}

/// Texts that show every word of the application, of its tasks and of plain English about it.
pub fn vocabulary() -> Vec<String> {
    let mut texts = prose::paragraphs();
    texts.push((1..=128).map(|label| label.to_string()).collect::<Vec<_>>().join(" "));
    for tab in Tab::all() {
        texts.push(prose::tab(tab));
        texts.extend(commands(tab).iter().map(|command| command.name.to_owned()));
    }
    texts.extend(QUICK_ACCESS.iter().map(|command| command.name.to_owned()));
    texts.extend(dialog_texts());
    for spec in crate::functions::specs() {
        let args: Vec<&str> = spec.args.iter().map(|arg| arg.name.as_str()).collect();
        texts.push(format!("{} {}", spec.name, args.join(" ")));
        texts.push(spec.doc);
    }
    texts.push("Document Table Picture Comment".to_owned());
    texts.push("press {DELETE} {ENTER} {ESC} {VK_CONTROL}".to_owned());
    for split in [Split::Train, Split::Test] {
        texts.extend(words::of(split).chunks(12).map(|words| words.join(" ")));
    }
    for family in family::all() {
        texts.extend(family.words.iter().map(|word| (*word).to_owned()));
        texts.extend(family.options.iter().map(|option| (*option).to_owned()));
        texts.extend(family.wording.seen.iter().map(|template| prose::bare(template)));
    }
    texts.push(unseen_words());
    texts
}

/// The words of the wordings kept for the test set, in alphabetical order: a tokenizer has to know them, and nothing
/// that is read shows how they are put together.
fn unseen_words() -> String {
    let templates = family::all().flat_map(|family| family.wording.unseen);
    let bare: Vec<String> = templates.map(|template| prose::bare(template)).collect();
    let words: BTreeSet<&str> = bare.iter().flat_map(|template| template.split_whitespace()).collect();
    words.into_iter().collect::<Vec<_>>().join(" ")
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
