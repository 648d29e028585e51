//! Requests read back: which family asks, with which parameters. Knows the tables, and neither tasks nor seeds.

use lam_tasks::Parameters;
use lam_tasks::template::{Holds, read};

use super::Family;

/// The family and parameters that a request stands for, among the words that `knows` allows.
pub fn parse(
    families: &[&'static Family],
    request: &str,
    knows: &dyn Fn(&Family, usize) -> bool,
) -> Option<(&'static Family, Parameters)> {
    families.iter().copied().find_map(|family| {
        let holds = |slot: &str| match slot {
            "x" | "y" => Holds::Quoted,
            "a" | "b" => Holds::Digits,
            _ => Holds::OneOf(family.choices.iter().map(|choice| choice.word).collect()),
        };
        let known = || (0..family.words.len()).filter(|place| knows(family, *place)).map(|place| family.words[place]);
        let parameters = family.wording.all().find_map(|sentence| {
            let slots = known().find_map(|word| read(&sentence.replace("{s}", word), request, &holds))?;
            Parameters::of(&slots, family.choices)
        })?;
        Some((family, parameters))
    })
}
