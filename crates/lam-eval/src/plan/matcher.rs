//! The deterministic comparison of plan steps: same verb and object after normalisation, one to one.
//!
//! It is stricter than a judge model: another way to the same end does not match.

/// Words that name no object of their own.
const FILLERS: &[&str] = &[
    "the", "a", "an", "on", "to", "in", "into", "of", "at", "then", "and", "please", "now", "button", "tab", "menu",
    "option", "box", "dialog", "field", "command",
];

/// Verbs that mean the same, under their first.
const VERBS: &[&[&str]] = &[
    &["click", "clicks", "clicking", "tap", "hit", "left-click"],
    &["open", "go", "navigate", "switch"],
    &["type", "enter", "input", "write"],
    &["delete", "remove", "erase"],
    &["double-click"],
    &["right-click"],
];

/// Pairs of steps (predicted, expected) that are the same, each step in at most one pair.
pub fn matching(predicted: &[String], expected: &[String]) -> Vec<(usize, usize)> {
    let expected: Vec<Vec<String>> = expected.iter().map(|step| normalised(step)).collect();
    let mut taken = vec![false; expected.len()];
    let mut pairs = Vec::new();
    for (index, step) in predicted.iter().enumerate() {
        let step = normalised(step);
        let partner = (0..expected.len()).find(|&other| !taken[other] && expected[other] == step);
        if let Some(other) = partner {
            taken[other] = true;
            pairs.push((index, other));
        }
    }
    pairs
}

/// Whether the plans are the same step by step.
pub(crate) fn is_same_plan(predicted: &[String], expected: &[String]) -> bool {
    let normalise = |plan: &[String]| plan.iter().map(|step| normalised(step)).collect::<Vec<_>>();
    !expected.is_empty() && normalise(predicted) == normalise(expected)
}

/// Verb and object words of a step: lower case, without number, marks and fillers.
fn normalised(step: &str) -> Vec<String> {
    let step = without_number(step.trim()).to_lowercase().replace("**", "");
    let step = step.replace("double click", "double-click").replace("right click", "right-click");
    let edges = |character: char| ".,;:!?\"'`“”‘’()".contains(character);
    let mut words = step.split_whitespace().map(|word| word.trim_matches(edges)).filter(|word| !word.is_empty());
    let verb = words.next().map(verb_of);
    // A step of fillers only keeps its verb.
    verb.into_iter().chain(words.filter(|word| !FILLERS.contains(word))).map(str::to_owned).collect()
}

fn verb_of(word: &str) -> &str {
    VERBS.iter().find(|same| same.contains(&word)).map_or(word, |same| same[0])
}

/// `Select OK` of `3. Select OK`.
fn without_number(step: &str) -> &str {
    match step.split_once(['.', ')']) {
        Some((number, rest)) if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) => rest.trim(),
        _ => step,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(steps: &[&str]) -> Vec<String> {
        steps.iter().map(|step| (*step).to_owned()).collect()
    }

    #[test]
    fn wording_that_names_the_same_action_and_object_matches() {
        for (left, right, same) in [
            ("1. Click the **Bold** button.", "click Bold", true),
            ("Go to the Design tab", "open Design", true),
            ("Double click Bold", "double-click Bold", true),
            ("click Bold", "click Italic", false),
            ("click Bold", "double click Bold", false),
            ("select kilo", "click kilo", false),
            ("type kilo in Address", "type lima in Address", false),
            ("3", "click", false),
        ] {
            assert_eq!(matching(&plan(&[left]), &plan(&[right])).len() == 1, same, "{left} | {right}");
        }
    }

    #[test]
    fn steps_are_matched_one_to_one() {
        let pairs = matching(&plan(&["click OK", "click OK", "click Bold"]), &plan(&["click Bold", "click OK"]));
        assert_eq!(pairs, [(0, 1), (2, 0)]);
    }

    #[test]
    fn a_plan_is_the_same_only_in_the_same_order() {
        let expected = plan(&["select kilo", "click Bold"]);
        assert!(is_same_plan(&plan(&["1. Select kilo", "2. Click Bold."]), &expected));
        assert!(!is_same_plan(&plan(&["click Bold", "select kilo"]), &expected));
        assert!(!is_same_plan(&plan(&["select kilo"]), &expected));
        assert!(!is_same_plan(&[], &[]), "an empty plan solves nothing");
    }
}
