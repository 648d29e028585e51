//! Numbers: compared, computed, guessed.

use lam_types::Call;
use lam_types::ControlType::{Button, Edit, Hyperlink, RadioButton, Text};

use super::case::{Case, Moves};

fn number(text: &str) -> Option<i64> {
    text.trim().parse().ok()
}

fn first_field<'a>(case: &Case<'a>) -> Option<&'a str> {
    case.of(&[Edit]).next().map(|field| field.control_text.as_str())
}

/// The n-th word of the paragraph into the field.
pub fn word_of_text(case: &Case<'_>) -> Option<Moves> {
    let word = case.texts().next()?.split_whitespace().nth(case.place("ordinal")?)?;
    let word: String = word.chars().filter(|c| !matches!(c, '.' | ',')).collect();
    case.script(vec![Call::write(first_field(case)?, &word), case.submit()?])
}

/// The card with the greatest number.
pub fn cards(case: &Case<'_>) -> Option<Moves> {
    let card = case.of(&[Hyperlink]).max_by_key(|card| number(&card.control_text))?;
    case.script(vec![Call::click(&card.control_text), case.submit()?])
}

/// Odd or even for each number.
pub fn odd_or_even(case: &Case<'_>) -> Option<Moves> {
    let mark = |text: &str| {
        let word = if number(text)? % 2 == 0 { "Even" } else { "Odd" };
        case.named(&format!("{text} {word}")).or_else(|| case.named(word)).map(Call::click)
    };
    let mut calls: Vec<Call> = case.texts().filter_map(mark).collect();
    calls.push(case.submit()?);
    case.script(calls)
}

/// A radio button by its place, and a number into a field by its place.
pub fn radio_and_number(case: &Case<'_>) -> Option<Moves> {
    let radio = case.of(&[RadioButton]).nth(case.place("ordinal")?)?;
    let field = case.of(&[Edit]).nth(case.place("ordinal2")?)?;
    let write = Call::write(&field.control_text, case.slot("number"));
    case.script(vec![Call::click(&radio.control_text), write, case.submit()?])
}

/// `7 + 2 =` into its field.
pub fn solve_arithmetic(case: &Case<'_>) -> Option<Moves> {
    let field = first_field(case)?;
    let [left, sign, right] = terms(field).or_else(|| case.texts().find_map(terms))?;
    let (left, right) = (number(&left)?, number(&right)?);
    let result = match sign.as_str() {
        "+" => left + right,
        "-" => left - right,
        _ => left * right,
    };
    case.script(vec![Call::write(field, &result.to_string()), case.submit()?])
}

/// The three words before an equals sign.
fn terms(text: &str) -> Option<[String; 3]> {
    let words: Vec<String> = text.split('=').next()?.split_whitespace().map(str::to_owned).collect();
    let found: [String; 3] = words.try_into().ok()?;
    ["+", "-", "x", "*"].contains(&found[1].as_str()).then_some(found)
}

/// The x of `x + 7 = 5` or `7 - x = 5` into its field.
pub fn solve_algebra(case: &Case<'_>) -> Option<Moves> {
    let equation = case.texts().find(|text| text.contains('=') && text.split_whitespace().count() == 5)?;
    let words: Vec<&str> = equation.split_whitespace().collect();
    let result = number(words[4])?;
    let x = match (words[0], words[1]) {
        ("x", "+") => result - number(words[2])?,
        ("x", _) => result + number(words[2])?,
        (left, "+") => result - number(left)?,
        (left, _) => number(left)? - result,
    };
    case.script(vec![Call::write(first_field(case)?, &x.to_string()), case.submit()?])
}

/// Halves what is left until the page is content.
pub fn guess_number(case: &Case<'_>) -> Option<Moves> {
    let field = first_field(case)?;
    let written = |past: &lam_types::PastAction| number(past.args.get("text")?.as_str()?);
    let guesses: Vec<i64> = case.past().iter().filter_map(written).collect();
    let has_typed = case.past().last().is_some_and(|last| last.function == "set_edit_text");
    if has_typed {
        return Moves::look(case.submit()?);
    }
    let is_higher = case.texts().any(|text| text.contains("higher"));
    let (mut low, mut high) = (0, 9);
    for (index, guess) in guesses.iter().enumerate() {
        let up = guesses.get(index + 1).map_or(is_higher, |next| next > guess);
        if up {
            low = guess + 1;
        } else {
            high = guess - 1;
        }
    }
    Moves::look(Call::write(field, &((low + high) / 2).to_string()))
}

/// Generates numbers until one is as asked for.
pub fn generate_number(case: &Case<'_>) -> Option<Moves> {
    let shown = case.texts().find_map(number);
    let limit = number(case.slot("number")).unwrap_or(0);
    let fits = |n: i64| match (case.slot("parity"), case.slot("relation")) {
        ("even", _) => n % 2 == 0,
        ("odd", _) => n % 2 != 0,
        (_, "greater") => n > limit,
        _ => n < limit,
    };
    match shown.filter(|n| fits(*n)) {
        Some(_) => Moves::finish(vec![case.submit()?]),
        None => Moves::look(Call::click(case.named("Generate")?)),
    }
}

/// The ticket with the least or greatest cost or duration.
pub fn buy_ticket(case: &Case<'_>) -> Option<Moves> {
    let durations = case.of(&[Text]).filter_map(|text| minutes(&text.control_text));
    let tickets = case.of(&[Button]).zip(durations);
    let cost = |name: &str| number(name.split_once('$')?.1);
    let wanted = case.slot("bar");
    let key = |name: &str, minutes: i64| if wanted.contains("cost") { cost(name).unwrap_or(0) } else { minutes };
    let keyed = tickets.map(|(button, minutes)| (key(&button.control_text, minutes), &button.control_text));
    let is_least = wanted.starts_with("cheapest") || wanted.starts_with("shortest");
    let (_, name) = if is_least { keyed.min()? } else { keyed.max()? };
    Moves::finish(vec![Call::click(name)])
}

/// Minutes of `11h 21m`.
fn minutes(text: &str) -> Option<i64> {
    let (hours, minutes) = text.split_once("h ")?;
    Some(60 * number(hours)? + number(minutes.strip_suffix('m')?)?)
}
