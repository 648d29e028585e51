//! Requests read back: which family asks, with which parameters. Knows the tables, and neither tasks nor seeds.

use super::{Choice, Family, Parameters};

/// The family and parameters that a request stands for, among the words that `knows` allows.
pub fn parse(
    families: &[&'static Family],
    request: &str,
    knows: &dyn Fn(&Family, usize) -> bool,
) -> Option<(&'static Family, Parameters)> {
    families.iter().copied().find_map(|family| {
        let templates = family.wording.seen.iter().chain(family.wording.unseen);
        let known = || (0..family.words.len()).filter(|place| knows(family, *place)).map(|place| family.words[place]);
        templates.into_iter().find_map(|template| {
            known().find_map(|word| {
                let template = template.replace("{s}", word);
                let mut parameters = Parameters::default();
                matches(&template, request, family.choices, &mut parameters).then_some((family, parameters))
            })
        })
    })
}

/// Whether `text` is `template` with its slots filled; fills `parameters`.
fn matches(template: &str, text: &str, choices: &[Choice], parameters: &mut Parameters) -> bool {
    let Some((literal, rest)) = template.split_once('{') else { return template == text };
    let Some(text) = text.strip_prefix(literal) else { return false };
    let Some((slot, rest)) = rest.split_once('}') else { return false };
    match slot {
        "x" | "y" => {
            let Some((value, _)) = text.split_once('\'') else { return false };
            let field = if slot == "x" { &mut parameters.text } else { &mut parameters.new_text };
            value.clone_into(field);
            !value.is_empty() && matches(rest, &text[value.len()..], choices, parameters)
        }
        "a" | "b" => {
            let length = text.bytes().take_while(u8::is_ascii_digit).count();
            let Ok(number) = text[..length].parse() else { return false };
            parameters.numbers[usize::from(slot == "b")] = number;
            matches(rest, &text[length..], choices, parameters)
        }
        _ => choices.iter().any(|choice| {
            let Some(behind) = text.strip_prefix(choice.word) else { return false };
            let mut attempt = parameters.clone();
            attempt.choice = Some(*choice);
            let fits = matches(rest, behind, choices, &mut attempt);
            if fits {
                *parameters = attempt;
            }
            fits
        }),
    }
}
