//! From a task's family, seed and split to what it stands for: parameters, request, start and goal.
//!
//! The goal is the state that the family's own procedure reaches from the start; a task never starts there.

mod start;

use lam_env::random::{pick, stream};
use lam_env::words;
use lam_tasks::{Parameters, phrase};
use lam_types::{Phrasing, Split, Task};
use rand::Rng;
use rand::seq::{SliceRandom, index};
use rand_chacha::ChaCha8Rng;

use crate::document::{Document, Note, Object, Paragraph, Table};
use crate::drive::drive;
use crate::editor::Editor;
use crate::family::{CATALOG, Family, Numbers, Quote};
use crate::procedure::{Planned, planned};

/// One part of a task.
#[derive(Clone, Debug)]
pub struct Part {
    /// Its family.
    pub family: &'static Family,
    /// Its parameters.
    pub parameters: Parameters,
}

/// Everything that a task stands for.
#[derive(Clone, Debug)]
pub struct Instance {
    /// Its parts: one, unless the family combines others.
    pub parts: Vec<Part>,
    /// What the user asks.
    pub request: String,
    /// The editor as it is found.
    pub start: Editor,
    /// The editor as it should be left.
    pub goal: Editor,
}

impl Instance {
    /// The calls that carry the task out.
    pub fn calls(&self) -> Vec<Planned> {
        calls(&self.parts)
    }
}

/// The calls of some parts, one after the other.
pub fn calls(parts: &[Part]) -> Vec<Planned> {
    parts.iter().flat_map(|part| planned(part.family, &part.parameters)).collect()
}

/// Where a drawn document's words come from and what has been used of them.
struct Draft {
    paragraphs: Vec<Vec<&'static str>>,
    spare: Vec<&'static str>,
    split: Split,
}

/// What a task stands for; `None` for a family that does not exist.
pub fn of(task: &Task) -> Option<Instance> {
    Some(draw(CATALOG.find(&task.family)?, task.seed, task.split, task.phrasing))
}

/// What a task of a family, drawn from a seed, stands for.
pub fn draw(family: &'static Family, seed: u64, split: Split, phrasing: Phrasing) -> Instance {
    let names = ["instance", family.name, split.as_str(), phrasing.as_str()];
    let mut random = stream(&names, seed);
    let mut draft = draw_text(split, &mut random);
    let mut document = document_of(&draft);
    let families = draw_families(family, &mut random);
    draw_objects(&mut document, &families, &draft, &mut random);
    let parts: Vec<Part> = families
        .into_iter()
        .map(|family| Part { family, parameters: draw_parameters(family, &document, &mut draft, &mut random) })
        .collect();
    let asides = if split == Split::Train { words::of(split) } else { &[] };
    let request = draw_request(family, &parts, (split, phrasing), asides, &mut random);
    let start = start::draw_start(document, &parts, &mut random);
    let mut goal = start.clone();
    drive(&mut goal, &calls(&parts)).expect("every family's procedure works from its own start");
    Instance { parts, request, start, goal }
}

fn draw_text(split: Split, random: &mut ChaCha8Rng) -> Draft {
    let words = words::of(split);
    let lengths: Vec<usize> = (0..random.random_range(3..=6)).map(|_| random.random_range(6..=12)).collect();
    let spare = 12;
    let chosen = index::sample(random, words.len(), lengths.iter().sum::<usize>() + spare);
    let mut drawn = chosen.into_iter().map(|place| words[place]);
    let paragraphs = lengths.into_iter().map(|length| drawn.by_ref().take(length).collect()).collect();
    Draft { paragraphs, spare: drawn.collect(), split }
}

fn document_of(draft: &Draft) -> Document {
    let paragraphs = draft.paragraphs.iter().map(|words| Paragraph::plain(&words.join(" "))).collect();
    let defaults = [
        ("Margins", "Normal"),
        ("Orientation", "Portrait"),
        ("Size", "Letter"),
        ("Columns", "One"),
        ("Hyphenation", "None"),
        ("Line Numbers", "None"),
        ("View", "Print Layout"),
    ];
    let settings = defaults.into_iter().map(|(key, value)| (key, value.to_owned())).collect();
    Document { paragraphs, settings, ..Document::default() }
}

fn draw_families(family: &'static Family, random: &mut ChaCha8Rng) -> Vec<&'static Family> {
    if family.own.is_empty() {
        return vec![family];
    }
    let mut chosen: Vec<&'static Family> = Vec::new();
    for names in family.own {
        let free: Vec<&str> =
            names.iter().copied().filter(|name| chosen.iter().all(|taken| taken.name != *name)).collect();
        chosen.push(CATALOG.find(pick(random, &free)).expect("parts name families that exist"));
    }
    chosen.shuffle(random);
    chosen
}

/// Tables, pictures and comments that stand in the document: those that the task needs, and others.
fn draw_objects(document: &mut Document, families: &[&Family], draft: &Draft, random: &mut ChaCha8Rng) {
    for (kind, chance) in [("Table", 0.2), ("Picture", 0.2), ("Comment", 0.15)] {
        let needed = families.iter().any(|family| family.numbers == Numbers::Present(kind));
        let count = if needed { random.random_range(1..=3) } else { u32::from(random.random_bool(chance)) };
        for _ in 0..count {
            match kind {
                "Table" => document.tables.push(Table {
                    rows: random.random_range(2..=12),
                    columns: random.random_range(2..=12),
                    style: String::new(),
                    grown: Vec::new(),
                }),
                "Picture" => {
                    document.objects.push(Object { kind: "Picture", detail: pick(random, &draft.spare).to_owned() })
                }
                _ => document.notes.push(Note {
                    kind: "Comment",
                    text: pick(random, &draft.spare).to_owned(),
                    anchor: draft.paragraphs[0][document.notes.len()].to_owned(),
                }),
            }
        }
    }
}

fn draw_parameters(family: &Family, document: &Document, draft: &mut Draft, random: &mut ChaCha8Rng) -> Parameters {
    let text = if family.quote == Quote::None { String::new() } else { take_text(draft, random) };
    let (least, most) = family.new_words;
    let count = if most == 0 { 0 } else { random.random_range(least..=most) };
    let new_text = draft.spare.split_off(draft.spare.len() - count).join(" ");
    let choice = family.choices.draw(random);
    let count = |kind: &str| match kind {
        "Table" => document.tables.len(),
        "Picture" => document.pictures().count(),
        "Comment" => document.comments().count(),
        _ => document.paragraphs.len(),
    };
    let fits = |numbers| is_held_out(numbers) == (draft.split != Split::Train);
    Parameters { text, new_text, choice, numbers: family.numbers.draw(&count, &fits, random) }
}

/// Whether a pair of numbers is kept for the validation and test sets.
fn is_held_out([first, second]: [i64; 2]) -> bool {
    (3 * first + 7 * second).rem_euclid(5) == 0
}

/// One to three neighbouring words, taken so that no other part names them.
fn take_text(draft: &mut Draft, random: &mut ChaCha8Rng) -> String {
    let place = random.random_range(0..draft.paragraphs.len());
    let words = draft.paragraphs.swap_remove(place);
    let count = random.random_range(1..=3);
    let start = random.random_range(0..=words.len() - count);
    words[start..start + count].join(" ")
}

fn draw_request(
    family: &Family,
    parts: &[Part],
    (split, phrasing): (Split, Phrasing),
    asides: &[&'static str],
    random: &mut ChaCha8Rng,
) -> String {
    let mut request = String::new();
    for (index, Part { family: own, parameters }) in parts.iter().enumerate() {
        if index > 0 {
            request.push_str(pick(random, family.wording.of(split, phrasing)));
        }
        let sentences = own.wording.of(split, phrasing);
        request.push_str(&phrase(sentences, own.words, &parameters.slots(""), asides, random));
    }
    request
}
