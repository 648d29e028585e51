//! Sentences with slots: filled in, and read back from what was said.
//!
//! A slot is a name in braces that begins with a small letter, so that `{DELETE}` in a step is a key. Behind `:` a
//! sentence may change what is put in:
//!
//! | slot | holds |
//! |---|---|
//! | `{post:lower}` | the value in small letters |
//! | `{name:letters}` | the value in capitals or small letters, as the slot `letters` says |
//! | `{ordinal:digits}` | the digits it begins with: 3 of `3rd` |
//! | `{date:day}` | the day of a month/day/year |
//! | `{codes:each}` | one part of a list; a step with it stands for one step a part |
//! | `{a:each_digit}` | one digit of a number, likewise |

use std::collections::{BTreeMap, BTreeSet};

/// The values of slots, by name.
pub type Slots = BTreeMap<String, String>;

/// A sentence's parts: text, and slots as (name, change).
enum Part<'a> {
    Text(&'a str),
    Slot(&'a str, &'a str),
}

fn parts(template: &str) -> Vec<Part<'_>> {
    let (mut parts, mut text, mut at) = (Vec::new(), 0, 0);
    while let Some(open) = template[at..].find('{').map(|open| at + open) {
        at = open + 1;
        let Some(length) = template[at..].find('}') else { break };
        if !template[at..].starts_with(|letter: char| letter.is_ascii_lowercase()) {
            continue;
        }
        let (name, change) = template[at..at + length].split_once(':').unwrap_or((&template[at..at + length], ""));
        parts.push(Part::Text(&template[text..open]));
        parts.push(Part::Slot(name, change));
        at += length + 1;
        text = at;
    }
    parts.push(Part::Text(&template[text..]));
    parts.retain(|part| !matches!(part, Part::Text("")));
    parts
}

/// The names of a sentence's slots.
pub fn slots_of(template: &str) -> BTreeSet<&str> {
    let name = |part| if let Part::Slot(name, _) = part { Some(name) } else { None };
    parts(template).into_iter().filter_map(name).collect()
}

/// How many bytes of a sentence are its own: of two that fit a request, the one with more is meant.
pub fn weight(template: &str) -> usize {
    parts(template).iter().map(|part| if let Part::Text(text) = part { text.len() } else { 0 }).sum()
}

/// A sentence with its slots filled; a slot without a value is left empty.
pub fn fill(template: &str, slots: &Slots) -> String {
    let text = |part: Part<'_>| match part {
        Part::Text(text) => text.to_owned(),
        Part::Slot(name, change) => {
            let value = slots.get(name).cloned().unwrap_or_default();
            let letters = slots.get("letters").map(String::as_str);
            match (change, letters) {
                ("letters", Some("upper case")) => value.to_uppercase(),
                ("lower" | "letters", _) => value.to_lowercase(),
                ("digits", _) => value.chars().take_while(char::is_ascii_digit).collect(),
                ("day", _) => value.split('/').nth(1).unwrap_or_default().trim_start_matches('0').to_owned(),
                _ => value,
            }
        }
    };
    parts(template).into_iter().map(text).collect()
}

/// A sentence without its slots.
pub fn bare(template: &str) -> String {
    fill(template, &Slots::new())
}

/// The slots with which a step is filled: once, or once for each part of the list that it goes through.
pub(crate) fn each(template: &str, slots: &Slots) -> Vec<Slots> {
    let list = parts(template).into_iter().find_map(|part| match part {
        Part::Slot(name, "each") => Some((name, slots.get(name)?.split(", ").map(str::to_owned).collect::<Vec<_>>())),
        Part::Slot(name, "each_digit") => Some((name, slots.get(name)?.chars().map(String::from).collect())),
        _ => None,
    });
    let Some((name, items)) = list else { return vec![slots.clone()] };
    let with = |item| slots.clone().into_iter().chain([(name.to_owned(), item)]).collect();
    items.into_iter().map(with).collect()
}

/// What a slot may hold where a request is read.
pub enum Holds {
    /// Anything, up to where the sentence goes on.
    Anything,
    /// Text without a single quotation mark.
    Quoted,
    /// Digits.
    Digits,
    /// One of these.
    OneOf(Vec<&'static str>),
}

/// The slots of a request that a sentence describes; `None` when it does not. A slot is never empty and has one value.
pub fn read(template: &str, request: &str, holds: &dyn Fn(&str) -> Holds) -> Option<Slots> {
    read_on(&parts(template), request, holds, Slots::new())
}

fn read_on(parts: &[Part<'_>], request: &str, holds: &dyn Fn(&str) -> Holds, slots: Slots) -> Option<Slots> {
    let Some((first, others)) = parts.split_first() else { return request.is_empty().then_some(slots) };
    let name = match first {
        Part::Text(text) => return read_on(others, request.strip_prefix(text)?, holds, slots),
        Part::Slot(name, _) => *name,
    };
    lengths(&holds(name), others.first(), request).into_iter().find_map(|length| {
        let (value, behind) = request.split_at(length);
        let is_other = slots.get(name).is_some_and(|before| before != value);
        if value.is_empty() || is_other {
            return None;
        }
        let known = slots.clone().into_iter().chain([(name.to_owned(), value.to_owned())]).collect();
        read_on(others, behind, holds, known)
    })
}

/// How many bytes of a request a slot may take, the likeliest first.
fn lengths(holds: &Holds, next: Option<&Part<'_>>, request: &str) -> Vec<usize> {
    match (holds, next) {
        (Holds::Anything, None) => vec![request.len()],
        (Holds::Anything, Some(Part::Text(text))) => request.find(text).into_iter().collect(),
        (Holds::Anything, Some(Part::Slot(..))) => Vec::new(),
        (Holds::Quoted, _) => request.find('\'').into_iter().collect(),
        (Holds::Digits, _) => vec![request.bytes().take_while(u8::is_ascii_digit).count()],
        (Holds::OneOf(words), _) => {
            words.iter().filter(|word| request.starts_with(**word)).map(|word| word.len()).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots(pairs: &[(&str, &str)]) -> Slots {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn read_any(template: &str, request: &str) -> Option<Slots> {
        read(template, request, &|_| Holds::Anything)
    }

    #[test]
    fn requests_are_read_by_what_stands_around_the_slots() {
        let template = "Enter \"{name}\" as {word}.";
        assert_eq!(read_any(template, "Enter \"Ann\" as it is."), Some(slots(&[("name", "Ann"), ("word", "it is")])));
        assert_eq!(read_any(template, "Enter \"Ann\"."), None);
        assert_eq!(read_any("Click {word}", "Click a, b"), Some(slots(&[("word", "a, b")])));
        assert_eq!(read_any("Click {word}", "Click "), None);
        assert_eq!(read_any("Stop.", "Stop. Now."), None);
        assert_eq!(read_any("{word} and {word}", "a and b"), None, "a slot has one value");
    }

    #[test]
    fn what_a_slot_may_hold_is_tried_until_the_rest_fits() {
        let holds = |name: &str| match name {
            "o" => Holds::OneOf(vec!["light", "light blue"]),
            "a" => Holds::Digits,
            _ => Holds::Quoted,
        };
        let read = |request| read("color '{x}' {o} at {a}", request, &holds);
        assert_eq!(
            read("color 'my car' light blue at 12"),
            Some(slots(&[("x", "my car"), ("o", "light blue"), ("a", "12")]))
        );
        assert_eq!(read("color 'my car' light at once"), None);
    }

    #[test]
    fn keys_are_no_slots() {
        assert_eq!(fill("press {VK_CONTROL}{x}", &slots(&[("x", "c")])), "press {VK_CONTROL}c");
        assert_eq!(bare("a {x}{ b"), "a { b");
    }
}
