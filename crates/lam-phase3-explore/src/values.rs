//! The values in a request — quoted texts, numbers, names — and a procedure that was written for another request with
//! the values of this one. Knows no application.

use crate::quoted::pieces;

/// The values of a request, each kind in the order in which it says them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Values {
    quoted: Vec<String>,
    numbers: Vec<String>,
    /// Words with a capital letter, those side by side as one, but not the first word of a sentence; extensions such as
    /// `.pdf`.
    names: Vec<String>,
}

/// A request's words without what differs between two that ask for the same: a mark for each quoted text and number.
pub fn blank(request: &str) -> Vec<String> {
    let mut blanks = Vec::new();
    for (place, is_quoted) in pieces(request) {
        if is_quoted {
            blanks.push("''".to_owned());
            continue;
        }
        for word in request[place].split_whitespace().map(bare).filter(|word| !word.is_empty()) {
            blanks.push(if is_number(word) { "0".to_owned() } else { word.to_lowercase() });
        }
    }
    blanks
}

/// The steps of a procedure that was written for `before`, with the values of `now` in place of its own: first for
/// first, second for second, kind by kind.
pub fn with_values_of(steps: &[String], before: &str, now: &str) -> Vec<String> {
    let (before, now) = (Values::of(before), Values::of(now));
    let kinds = [(before.quoted, now.quoted), (before.numbers, now.numbers), (before.names, now.names)];
    let mut pairs: Vec<(String, String)> = kinds.into_iter().flat_map(|(old, new)| old.into_iter().zip(new)).collect();
    // A value that holds another one is meant where it stands.
    pairs.sort_by_key(|(old, _)| std::cmp::Reverse(old.len()));
    steps.iter().map(|step| replaced(step, &pairs)).collect()
}

impl Values {
    fn of(request: &str) -> Self {
        let (mut values, mut begins) = (Self::default(), true);
        for (place, is_quoted) in pieces(request) {
            if is_quoted {
                begins = false;
                values.quoted.push(request[place].to_owned());
                continue;
            }
            let mut name: Vec<&str> = Vec::new();
            for written in request[place].split_whitespace().chain([""]) {
                let word = bare(written);
                // The first word of a sentence has its capital letter from there.
                if word.starts_with(char::is_uppercase) && !begins {
                    name.push(word);
                } else {
                    if !name.is_empty() {
                        values.names.push(name.join(" "));
                        name.clear();
                    }
                    if is_number(word) {
                        values.numbers.push(word.to_owned());
                    } else if word.starts_with('.') {
                        values.names.push(word.to_owned());
                    }
                }
                begins = if written.is_empty() { begins } else { written.ends_with(['.', '!', '?']) };
            }
        }
        values
    }
}

/// A word without the punctuation around it; the point of an extension is its own.
fn bare(word: &str) -> &str {
    let word = word.trim_end_matches(|c: char| !c.is_alphanumeric());
    word.trim_start_matches(|c: char| !c.is_alphanumeric() && c != '.')
}

fn is_number(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit()) && word.parse::<f64>().is_ok()
}

/// A step with every old value replaced where it stands as whole words; what was put in is not looked at again.
fn replaced(step: &str, pairs: &[(String, String)]) -> String {
    let (mut text, mut at, mut before) = (String::new(), 0, ' ');
    while let Some(character) = step[at..].chars().next() {
        let stands_here = |old: &str| {
            let behind = step[at..].strip_prefix(old).and_then(|rest| rest.chars().next());
            !old.is_empty() && step[at..].starts_with(old) && !behind.is_some_and(char::is_alphanumeric)
        };
        let found = pairs.iter().find(|(old, _)| !before.is_alphanumeric() && stands_here(old));
        match found {
            Some((old, new)) => {
                text.push_str(new);
                at += old.len();
                before = old.chars().next_back().unwrap_or(' ');
            }
            None => {
                text.push(character);
                at += character.len_utf8();
                before = character;
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(steps: &[&str], before: &str, now: &str) -> Vec<String> {
        with_values_of(&steps.iter().map(|step| (*step).to_owned()).collect::<Vec<_>>(), before, now)
    }

    #[test]
    fn a_procedure_takes_the_values_of_another_request() {
        let (before, now) = ("link 'red barn' to 'www.barn'", "link 'two cats' to 'www.cat'");
        assert_eq!(
            filled(&["select red barn", "type www.barn in Address"], before, now),
            ["select two cats", "type www.cat in Address"]
        );
        let (before, now) = ("a table of 3 rows and 4 columns", "a table of 12 rows and 3 columns");
        assert_eq!(filled(&["insert table 3 by 4"], before, now), ["insert table 12 by 3"]);
        let (before, now) = ("set 'x' in Arial 12", "set 'y z' in Times New Roman 9");
        assert_eq!(filled(&["select x", "font Arial 12"], before, now), ["select y z", "font Times New Roman 9"]);
        assert_eq!(filled(&["save a as .pdf"], "save 'a' as .pdf", "save 'pdf' as .txt"), ["save pdf as .txt"]);
    }

    #[test]
    fn values_stand_as_whole_words() {
        assert_eq!(filled(&["click Arial Black 121"], "in Arial 12", "in Courier 9"), ["click Courier Black 121"]);
        assert_eq!(filled(&["select a"], "make it bold", "make 'x' bold"), ["select a"]);
    }

    #[test]
    fn the_first_word_of_a_sentence_is_no_name() {
        let (before, now) = ("Set Arial for 'x'. Save it as .pdf", "in Times New Roman put 'y' and save it as .txt");
        assert_eq!(
            filled(&["select x", "font Arial", "save as .pdf"], before, now)[..],
            ["select y", "font Times New Roman", "save as .txt"]
        );
        let steps = ["click Make", "font Arial"];
        assert_eq!(filled(&steps, "Make it Arial", "use Courier"), ["click Make", "font Courier"]);
        assert_eq!(Values::of("Do it! Now? Yes. 'A b' Bold").names, ["Bold"]);
    }

    #[test]
    fn requests_that_differ_in_values_are_blank_alike() {
        assert_eq!(blank("Make 'a b' 12 points, don't wait"), blank("make 'Zoë' 9 points don't wait!"));
        assert_eq!(blank("set 'x' to 1.5 lines"), ["set", "''", "to", "0", "lines"]);
    }
}
