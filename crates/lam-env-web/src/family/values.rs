//! Values for the slots of the pages' sentences, as a page might draw them: documentation is made of them. A slot's name
//! says what it holds; a number behind it tells two of a kind apart: `{name}`, `{name2}`.

use lam_tasks::Slots;
use lam_tasks::template::slots_of;
use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

use crate::words;

/// Values for the slots of a sentence.
pub fn draw(sentence: &str, random: &mut ChaCha8Rng) -> Slots {
    slots_of(sentence).into_iter().map(|slot| (slot.to_owned(), value(slot, random))).collect()
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
