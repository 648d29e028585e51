//! From a task's family, seed and split to what it stands for: parameters, request, and the document it starts with.

use lam_env::random::{pick, stream};
use lam_env::words;
use lam_tasks::{Parameters, calls, phrase};
use lam_types::{Call, Phrasing, Split};
use rand::Rng;
use rand::seq::index;
use rand_chacha::ChaCha8Rng;

use super::{Family, Quote, Setup, goal};
use crate::document::{Document, Paragraph, Table};

/// Fewest and most paragraphs of a drawn document.
const PARAGRAPHS: std::ops::RangeInclusive<usize> = 3..=5;
/// Fewest and most words of a paragraph: it stands on one line.
const WORDS: std::ops::RangeInclusive<usize> = 5..=8;
/// Words that are drawn beyond those of the document.
const SPARE: usize = 16;
/// Cells of the table in a document that has one; they are the first spare words.
const CELLS: usize = 8;

/// Everything that a task stands for.
#[derive(Clone, Debug)]
pub struct Instance {
    /// Its family.
    pub family: &'static Family,
    /// Its parameters.
    pub parameters: Parameters,
    /// What the user asks.
    pub request: String,
    /// The document it starts with.
    pub start: Document,
}

impl Instance {
    /// The calls that carry it out.
    pub fn calls(&self) -> Vec<Call> {
        calls(self.family.steps, &self.parameters.slots(""))
    }
}

/// The instance of a task: the same names and seed give the same one.
pub fn instance(family: &'static Family, seed: u64, split: Split, phrasing: Phrasing) -> Instance {
    let mut random = stream(&["desktop instance", family.name, split.as_str(), phrasing.as_str()], seed);
    let lengths: Vec<usize> = (0..random.random_range(PARAGRAPHS)).map(|_| random.random_range(WORDS)).collect();
    let list = words::of(split);
    let chosen = index::sample(&mut random, list.len(), lengths.iter().sum::<usize>() + SPARE);
    let mut drawn = chosen.into_iter().map(|place| list[place]);
    let paragraphs: Vec<Vec<&str>> = lengths.into_iter().map(|length| drawn.by_ref().take(length).collect()).collect();
    let spare: Vec<&str> = drawn.collect();
    let mut start = Document {
        paragraphs: paragraphs.iter().map(|words| Paragraph::plain(&words.join(" "))).collect(),
        facts: goal::page_facts(),
        ..Document::default()
    };
    let parameters = draw_parameters(family, &paragraphs, &spare, &mut random);
    set_up(family.setup, &parameters, &spare, &mut start);
    let sentences = family.wording.of(split, phrasing);
    let request = phrase(sentences, family.words, &parameters.slots(""), &[], &mut random);
    Instance { family, parameters, request, start }
}

fn draw_parameters(family: &Family, paragraphs: &[Vec<&str>], spare: &[&str], random: &mut ChaCha8Rng) -> Parameters {
    let paragraph = &paragraphs[random.random_range(0..paragraphs.len())];
    let text = match family.quote {
        Quote::None => String::new(),
        Quote::Paragraph => paragraph.join(" "),
        Quote::Word if family.setup == Setup::Table => cell(paragraphs, spare, random.random_range(0..4)).to_owned(),
        Quote::Word => pick(random, paragraph).to_owned(),
        Quote::Words => {
            let count = random.random_range(2..=3);
            let first = random.random_range(0..=paragraph.len() - count);
            paragraph[first..first + count].join(" ")
        }
    };
    let new_text = spare[SPARE - family.new_words.1..].join(" ");
    let choice = family.choices.draw(random);
    let numbers = family.numbers.draw(&|_| paragraphs.len(), &|_| true, random);
    Parameters { text, new_text, choice, numbers }
}

/// The cell of the first two rows, from the drawn one on, that is not part of another word: a quoted text means its
/// first occurrence in the document, which has to be in the table.
fn cell<'a>(paragraphs: &[Vec<&str>], spare: &[&'a str], drawn: usize) -> &'a str {
    let all = || paragraphs.iter().flatten().chain(&spare[..CELLS]);
    let stands_once = |word: &&str| all().filter(|other| other.contains(*word)).count() == 1;
    (0..4).map(|step| spare[(drawn + step) % 4]).find(stands_once).unwrap_or(spare[drawn])
}

fn set_up(setup: Setup, parameters: &Parameters, spare: &[&str], start: &mut Document) {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    match setup {
        Setup::Plain => {}
        Setup::Formatted(formats) => {
            let paragraph = start.paragraph_with(&parameters.text).expect("the quoted text is drawn from the document");
            let place = paragraph.find(&parameters.text).expect("it stands in this paragraph");
            formats.iter().for_each(|(name, value)| paragraph.format_characters(place, name, value));
        }
        Setup::Paragraph(formats) => {
            let paragraph = start.paragraph_with(&parameters.text).expect("the quoted text is drawn from the document");
            paragraph.formats.extend(formats.iter().map(owned));
        }
        Setup::Everywhere(formats) => {
            start.paragraphs.iter_mut().for_each(|paragraph| paragraph.formats.extend(formats.iter().map(owned)));
        }
        Setup::Table => {
            let cells: Vec<String> = spare[..CELLS].iter().map(|word| (*word).to_owned()).collect();
            let after = start.paragraphs.len() - 1;
            start.tables.push(Table { rows: cells.chunks(2).map(<[String]>::to_vec).collect(), after });
        }
        Setup::Facts(facts) => start.facts.extend(facts.iter().map(owned)),
    }
}
