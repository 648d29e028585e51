//! Sentences with slots: read back from a request, filled in for another wording, drawn at random for documentation.
//!
//! A slot's name says what it holds; a number behind it tells two of a kind apart: `{name}`, `{name2}`. Behind `:` a
//! step may change it: `{post:lower}` in small letters, `{name:letters}` as the slot `letters` says, `{ordinal:digits}`
//! without its ending, `{date:day}` the day alone.

use std::collections::{BTreeMap, BTreeSet};

use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

use crate::words;

/// The values of a request's slots.
pub type Slots = BTreeMap<String, String>;

/// A template's parts: text, and slots as (name, change).
enum Part<'a> {
    Text(&'a str),
    Slot(&'a str, &'a str),
}

fn parts(template: &str) -> Vec<Part<'_>> {
    let (mut parts, mut rest) = (Vec::new(), template);
    while let Some((text, behind)) = rest.split_once('{') {
        let (slot, after) = behind.split_once('}').unwrap_or((behind, ""));
        let (name, change) = slot.split_once(':').unwrap_or((slot, ""));
        if !text.is_empty() {
            parts.push(Part::Text(text));
        }
        parts.push(Part::Slot(name, change));
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest));
    }
    parts
}

/// The names of a template's slots.
pub fn slots_of(template: &str) -> BTreeSet<&str> {
    let name = |part| if let Part::Slot(name, _) = part { Some(name) } else { None };
    parts(template).into_iter().filter_map(name).collect()
}

/// How many characters of a template are its own: of two that fit a request, the one with more is meant.
pub fn weight(template: &str) -> usize {
    parts(template).iter().map(|part| if let Part::Text(text) = part { text.len() } else { 0 }).sum()
}

/// The slots of a request that a template describes; `None` when it does not.
pub fn read(template: &str, request: &str) -> Option<Slots> {
    let mut slots = Slots::new();
    let (mut rest, mut open) = (request, None);
    for part in parts(template) {
        match (part, open) {
            (Part::Slot(name, _), None) => open = Some(name),
            (Part::Slot(..), Some(_)) => return None,
            (Part::Text(text), None) => rest = rest.strip_prefix(text)?,
            (Part::Text(text), Some(name)) => {
                let (value, behind) = rest.split_once(text)?;
                put(&mut slots, name, value)?;
                (rest, open) = (behind, None);
            }
        }
    }
    match open {
        Some(name) => put(&mut slots, name, rest)?,
        None if rest.is_empty() => {}
        None => return None,
    }
    Some(slots)
}

fn put(slots: &mut Slots, name: &str, value: &str) -> Option<()> {
    if value.is_empty() {
        return None;
    }
    match slots.insert(name.to_owned(), value.to_owned()) {
        Some(before) if before != value => None,
        _ => Some(()),
    }
}

/// A template with its slots filled.
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

/// The steps of a plan with its slots filled: one step for each part of a list.
pub fn fill_steps(steps: &[&str], slots: &Slots) -> Vec<String> {
    let mut filled = Vec::new();
    for step in steps {
        let list = slots_of(step).into_iter().find(|name| is_list(name));
        match list.and_then(|name| Some((name, slots.get(name)?))) {
            None => filled.push(fill(step, slots)),
            Some((name, items)) => filled.extend(items.split(", ").map(|item| {
                let one = Slots::from_iter([(name.to_owned(), item.to_owned())]);
                fill(step, &one)
            })),
        }
    }
    filled
}

fn is_list(slot: &str) -> bool {
    matches!(slot, "codes" | "countries")
}

/// Values for the slots of a template, as a page might draw them.
pub fn draw(template: &str, random: &mut ChaCha8Rng) -> Slots {
    slots_of(template).into_iter().map(|slot| (slot.to_owned(), value(slot, random))).collect()
}

fn value(slot: &str, random: &mut ChaCha8Rng) -> String {
    let kind = slot.trim_end_matches(|c: char| c.is_ascii_digit());
    let mut pick = |list: &[&str]| list.choose(random).copied().unwrap_or_default().to_owned();
    match kind {
        "name" | "lastname" => pick(words::NAMES),
        "user" => pick(words::NAMES).to_lowercase(),
        "word" => pick(words::LATIN),
        "country" => pick(words::COUNTRIES),
        "button" => pick(words::BUTTONS),
        "label" => pick(&["ONE", "TWO"]),
        "ordinal" => pick(words::ORDINALS),
        "letters" => pick(&["upper case", "lower case"]),
        "end" => pick(&["top", "bottom"]),
        "parity" => pick(&["even", "odd"]),
        "relation" => pick(&["greater", "less"]),
        "start" => pick(words::COUNTRIES)[..2].to_owned(),
        "finish" => pick(words::COUNTRIES).chars().rev().take(2).collect::<Vec<_>>().into_iter().rev().collect(),
        "widget" => pick(&["button", "text", "textarea", "radio", "checkbox"]),
        "field" => pick(&["Language", "Gender", "Religion", "Country", "First name", "Last name", "Year of Birth"]),
        "contact" => pick(&["phone number", "email", "address"]),
        "genre" => pick(&["drama", "comedy", "horror", "romance", "western", "crime", "mystery", "saga", "surreal"]),
        "post" => pick(&["Reply", "Retweet", "Like"]),
        "bar" => pick(&["cheapest cost", "most expensive cost", "shortest duration", "longest duration"]),
        "digit" => random.random_range(1..=3).to_string(),
        "number" => random.random_range(-10..=20).to_string(),
        "year" => random.random_range(1970..=2019).to_string(),
        "code" => code(random),
        "codes" => (0..random.random_range(1..=4)).map(|_| code(random)).collect::<Vec<_>>().join(", "),
        "countries" => words::COUNTRIES.choose_multiple(random, 2).copied().collect::<Vec<_>>().join(", "),
        "sentence" => words::LATIN.choose_multiple(random, 3).copied().collect::<Vec<_>>().join(" ") + ".",
        "date" => format!("{:02}/{:02}/2016", random.random_range(1..=12), random.random_range(1..=28)),
        "time" => {
            let half = if random.random_bool(0.5) { "AM" } else { "PM" };
            format!("{}:{:02} {half}", random.random_range(1..=12), random.random_range(0..60))
        }
        _ => String::new(),
    }
}

fn code(random: &mut ChaCha8Rng) -> String {
    let length = random.random_range(2..=5);
    (0..length).map(|_| char::from(*words::CHARACTERS.choose(random).unwrap_or(&b'x'))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots(pairs: &[(&str, &str)]) -> Slots {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn requests_are_read_by_what_stands_around_the_slots() {
        let template = "Enter \"{name}\" as {word}.";
        assert_eq!(read(template, "Enter \"Ann\" as it is."), Some(slots(&[("name", "Ann"), ("word", "it is")])));
        assert_eq!(read(template, "Enter \"Ann\"."), None);
        assert_eq!(read("Click {word}", "Click a, b"), Some(slots(&[("word", "a, b")])));
        assert_eq!(read("Click {word}", "Click "), None);
        assert_eq!(read("Stop.", "Stop. Now."), None);
        assert_eq!(read("{word} and {word}", "a and b"), None, "a slot has one value");
    }

    #[test]
    fn steps_take_slots_apart() {
        let given = slots(&[("codes", "a1, b2"), ("name", "Ann"), ("letters", "upper case"), ("date", "02/07/2016")]);
        let steps = fill_steps(&["type {name:letters} in field", "click {codes}", "click {date:day}"], &given);
        assert_eq!(steps, ["type ANN in field", "click a1", "click b2", "click 7"]);
    }
}
