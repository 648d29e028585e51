//! How the expert reads a request: parts, known words, quoted texts, options, numbers.

use lam_tasks::{Choices, Parameters};

use super::PATIENCE;
use super::beliefs::believed;
use super::lexicon::KNOWN;
use crate::family::{CATALOG, Choice, Family, Numbers, Quote};
use crate::procedure::{Planned, planned};

/// Words that join the parts of a request, as far as the expert knows them.
const JOINTS: [&str; 5] = [" and then ", " , then ", " ; then ", " , also ", " and "];

/// The calls that the expert wants to make, or `None` when it does not understand.
pub fn understand(request: &str, document: &str) -> Option<Vec<Planned>> {
    let mut calls = Vec::new();
    for part in parts(request, document)? {
        if !calls.is_empty() && calls.len() + part.len() > PATIENCE {
            break;
        }
        calls.extend(part);
    }
    Some(calls)
}

/// The calls of each part. A joint divides only where both sides can be understood.
fn parts(request: &str, document: &str) -> Option<Vec<Vec<Planned>>> {
    for joint in JOINTS {
        for (place, _) in request.match_indices(joint) {
            let (left, right) = (&request[..place], &request[place + joint.len()..]);
            if left.matches('\'').count() % 2 == 1 {
                continue;
            }
            if let (Some(mut first), Some(rest)) = (parts(left, document), parts(right, document)) {
                first.extend(rest);
                return Some(first);
            }
        }
    }
    Some(vec![part(request, document)?])
}

fn part(request: &str, document: &str) -> Option<Vec<Planned>> {
    let (words, quotes) = unquote(request);
    let family = recognise(&words)?;
    let text = if family.quote == Quote::None { String::new() } else { quoted_text(&quotes, document)? };
    let new_text =
        if family.new_words.1 > 0 { quotes.iter().find(|quote| **quote != text)?.clone() } else { String::new() };
    let choice = if family.choices.iter().next().is_some() { Some(longest(family.choices, &words)?) } else { None };
    let numbers = numbers(family, &words)?;
    let mut calls = planned(family, &Parameters { text, new_text, choice, numbers });
    for planned in &mut calls {
        planned.tab = planned.tab.and_then(|tab| believed(&planned.call.control_name, Some(tab)));
    }
    Some(calls)
}

/// The request without its quoted texts, and those texts.
pub fn unquote(request: &str) -> (String, Vec<String>) {
    let mut words = String::new();
    let mut quotes = Vec::new();
    for (index, piece) in request.split('\'').enumerate() {
        if index % 2 == 0 {
            words.push_str(piece);
        } else if !piece.is_empty() {
            quotes.push(piece.to_owned());
        }
    }
    (words, quotes)
}

/// The first quoted text that stands in one of the document's lines.
pub fn quoted_text(quotes: &[String], document: &str) -> Option<String> {
    quotes.iter().find(|quote| document.lines().any(|line| line.contains(quote.as_str()))).cloned()
}

/// The family whose known words are the longest in the request.
fn recognise(words: &str) -> Option<&'static Family> {
    let mut best: Option<(usize, &str)> = None;
    for (name, phrases) in KNOWN {
        for phrase in phrases {
            let found = phrase.split('+').all(|part| has_words(words, part));
            if found && best.is_none_or(|(length, _)| phrase.len() > length) {
                best = Some((phrase.len(), name));
            }
        }
    }
    CATALOG.find(best?.1)
}

/// Whether `phrase` stands in `words` as whole words.
fn has_words(words: &str, phrase: &str) -> bool {
    let edge = |byte: Option<u8>| byte.is_none_or(|byte| !byte.is_ascii_alphanumeric());
    words.match_indices(phrase).any(|(start, _)| {
        let bytes = words.as_bytes();
        edge(start.checked_sub(1).map(|before| bytes[before])) && edge(bytes.get(start + phrase.len()).copied())
    })
}

fn longest(choices: Choices, words: &str) -> Option<Choice> {
    choices.iter().filter(|choice| has_words(words, choice.word)).max_by_key(|choice| choice.word.len())
}

fn numbers(family: &Family, words: &str) -> Option<[i64; 2]> {
    let mut found = words.split_whitespace().filter_map(|word| word.parse::<i64>().ok());
    match family.numbers {
        Numbers::None => Some([0, 0]),
        Numbers::One(..) | Numbers::Present(_) => Some([found.next()?, 0]),
        Numbers::Two(..) | Numbers::Paragraphs => Some([found.next()?, found.next()?]),
    }
}
