//! The pages' documentation: help, how-to articles, a log of what was asked, and the words of it all.
//!
//! Written from the families' own data, so that it is right where the expert is wrong. It uses seen wordings only.

use lam_env::Document;
use lam_tasks::documentation::{document, function_texts, kept_words, labels, query_log};
use lam_tasks::template::{bare, fill};
use lam_tasks::{documentation, steps};
use lam_types::PlanSource;

use crate::family::{Asking, CATALOG, Family, values};
use crate::functions::SPECS;
use crate::random::stream;
use crate::words;

/// Examples of each wording on a help page.
const EXAMPLES: usize = 2;

/// One help page and one article for each family, and one log of `entries` requests.
pub fn documents(entries: usize, seed: u64) -> Vec<Document> {
    let mut documents = Vec::new();
    for family in &CATALOG.families {
        documents.push(document(&format!("help/{}", family.name), PlanSource::Documentation, help(family, seed)));
        documents.push(document(&format!("how-to/{}", family.name), PlanSource::Wikihow, article(family, seed)));
    }
    let introduction = "\nWhat people asked for, and the steps that did it.\n";
    let entry = |family: &&Family, round: usize| logged(family, round, seed);
    documents.push(query_log(introduction, &CATALOG.families, entries, entry));
    documents
}

fn help(family: &Family, seed: u64) -> String {
    let mut page = format!("# The page {}\n\nWhat it may ask for, and how it is done.\n", family.name);
    for asking in family.askings {
        for example in 0..EXAMPLES {
            page.push_str(&procedure("", asking.wording.train[0], family, asking, &format!("help {example}"), seed));
        }
    }
    page
}

fn article(family: &Family, seed: u64) -> String {
    let mut page = format!(
        "# How to work with the page {}\n\nLook at the names of the controls, and choose the one that fits.\n",
        family.name
    );
    for asking in family.askings {
        for sentence in &asking.wording.train[1..] {
            page.push_str(&procedure("How to: ", sentence, family, asking, "how-to", seed));
        }
    }
    page
}

/// The log's entry of a family in a round: everything that it may ask for in turn, in each of its sentences.
fn logged(family: &Family, round: usize, seed: u64) -> String {
    let asking = &family.askings[round % family.askings.len()];
    let sentences = asking.wording.train;
    let sentence = sentences[round / family.askings.len() % sentences.len()];
    procedure("", sentence, family, asking, &format!("query {round}"), seed)
}

/// A heading that asks, and the list that answers.
fn procedure(lead: &str, sentence: &str, family: &Family, asking: &Asking, what: &str, seed: u64) -> String {
    let slots = values::draw(sentence, &mut stream(seed, &["documentation", what, family.name, sentence]));
    let heading = format!("{lead}{}", fill(sentence, &slots));
    documentation::procedure(&heading, family.name, &steps(asking.steps, &slots))
}

/// Texts that show the words of the pages, of what they ask for, and of plain English about them.
pub fn vocabulary() -> Vec<String> {
    let mut texts: Vec<String> = PROSE.iter().chain(CONTROLS).map(|text| (*text).to_owned()).collect();
    texts.push(labels(128));
    for list in [words::NAMES, words::LATIN, words::COUNTRIES, words::BUTTONS, words::ORDINALS] {
        texts.extend(list.chunks(12).map(|words| words.join(" ")));
        texts.extend(list.chunks(12).map(|words| words.join(" ").to_lowercase()));
    }
    texts.extend(function_texts(&SPECS));
    for asking in CATALOG.families.iter().flat_map(|family| family.askings) {
        texts.extend(asking.wording.train.iter().map(|sentence| bare(sentence)));
        texts.extend(asking.steps.iter().map(|step| bare(step)));
    }
    let askings = CATALOG.families.iter().flat_map(|family| family.askings);
    texts.push(kept_words(askings.flat_map(|asking| asking.wording.held_out())));
    texts
}

/// Plain English about pages.
const PROSE: &[&str] = &[
    "A page shows buttons, links, fields, boxes and lists. Each has a name, and a label that counts them from the top.",
    "Some pages want one click. Others want a field filled in first, and then the button that submits it.",
    "A box is checked by a click. Several boxes are checked one after the other before the form is submitted.",
    "What is not on the screen may stand behind a tab, in a section that is closed, in a folder, or on the next page.",
    "A dialog is closed by its Close button. A menu opens by a click and shows its items.",
    "The text of a field is replaced by what is typed. A date is written as month, day and year; a time with AM or PM.",
    "Rows of one kind have buttons of the same name; the name of the row stands before the name of the button.",
    "Fields without a name are counted: text field 1, text field 2, text field 3.",
    "When a step has been done, look again: the page may have changed. The last step finishes the task.",
];

/// Names that controls of these pages bear.
const CONTROLS: &[&str] = &[
    "Click Me! Submit Cancel OK Close Login Search Menu Generate Prev Next Save",
    "text field 1 text field 2 text field 3 password field number field date field time field text area checkbox radio button list",
    "Username Password Verify password Date Tags Genre Director Year Select a value slider item",
    "Tab #1 Tab #2 Tab #3 Section #1 Section #2 Section #3 Section #40",
    "Primary open search trash star close email Reply Forward send reply send forward to subject reply retweet like more share",
    "expandable hitarea collapsable hitarea last Expandable hitarea Odd Even Phone: Email: Address:",
    "Religion Gender Language First name Last name Country Year of Birth Male Female Movie Search",
    "The number is higher than The number is lower than Waiting for your guess... Book for $ Duration:",
    "January February March April May June July August September October November December Su Mo Tu We Th Fr Sa",
];
