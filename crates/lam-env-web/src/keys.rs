//! Keys as pywinauto writes them, as the page's script and as WebDriver name them.

use std::ops::RangeInclusive;

/// Named keys: pywinauto's name, the DOM's name, WebDriver's code point.
const NAMED: [(&str, &str, char); 12] = [
    ("ENTER", "Enter", '\u{e007}'),
    ("TAB", "Tab", '\u{e004}'),
    ("ESC", "Escape", '\u{e00c}'),
    ("BACKSPACE", "Backspace", '\u{e003}'),
    ("BACK", "Backspace", '\u{e003}'),
    ("DELETE", "Delete", '\u{e017}'),
    ("DEL", "Delete", '\u{e017}'),
    ("SPACE", " ", ' '),
    ("UP", "ArrowUp", '\u{e013}'),
    ("DOWN", "ArrowDown", '\u{e015}'),
    ("LEFT", "ArrowLeft", '\u{e012}'),
    ("RIGHT", "ArrowRight", '\u{e014}'),
];

/// Characters that WebDriver takes for keys, modifiers among them: a text that holds one would press it.
const WEBDRIVER: RangeInclusive<char> = '\u{e000}'..='\u{e05d}';

/// One key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Name in DOM events: a character, or `Enter` and the like.
    pub name: String,
    /// Its character for WebDriver.
    pub code: char,
}

/// The keys of `{ENTER}`, `{TAB 2}`, or of plain text.
///
/// # Errors
/// Names a key in braces that does not exist.
pub fn parse(keys: &str) -> Result<Vec<Key>, String> {
    let (mut parsed, mut rest) = (Vec::new(), keys);
    while let Some(first) = rest.chars().next() {
        let named = rest.strip_prefix('{').and_then(|inner| inner.split_once('}'));
        if WEBDRIVER.contains(&first) {
            return Err(format!("U+{:04X} is no character to type", u32::from(first)));
        }
        let Some((inside, behind)) = named.filter(|(inside, _)| !inside.is_empty()) else {
            parsed.push(Key { name: first.to_string(), code: first });
            rest = &rest[first.len_utf8()..];
            continue;
        };
        let (name, count) = match inside.split_once(' ') {
            Some((name, count)) => (name, count.parse::<usize>().map_err(|_| unknown(inside))?.min(100)),
            None => (inside, 1),
        };
        let of_name = NAMED.iter().find(|(known, ..)| *known == name).ok_or_else(|| unknown(inside))?;
        let key = Key { name: of_name.1.to_owned(), code: of_name.2 };
        parsed.extend(std::iter::repeat_n(key, count));
        rest = behind;
    }
    Ok(parsed)
}

fn unknown(name: &str) -> String {
    format!("there is no key {{{name}}}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_counts_and_text() {
        let names = |keys: &str| parse(keys).unwrap().into_iter().map(|key| key.name).collect::<Vec<_>>();
        assert_eq!(names("a{ENTER}"), ["a", "Enter"]);
        assert_eq!(names("{TAB 2}"), ["Tab", "Tab"]);
        assert_eq!(names("{}ü"), ["{", "}", "ü"]);
        assert_eq!(parse("\u{e009}t").unwrap_err(), "U+E009 is no character to type");
        assert_eq!(parse("{VK_CONTROL}t").unwrap_err(), "there is no key {VK_CONTROL}");
        assert_eq!(parse("{NO}").unwrap_err(), "there is no key {NO}");
        assert_eq!(parse("{TAB x}").unwrap_err(), "there is no key {TAB x}");
    }
}
