//! Others' texts as they may be shown: without secrets, and without characters that steer the terminal.

use std::borrow::Cow;
use std::fmt::Write;

use crate::secret::without;
use crate::steering::steers;

/// The text as a terminal, a log or a message may show it: secrets are struck out ([`redacted`](crate::redacted)), and characters that
/// would move the cursor, colour or hide text, or turn its direction stand as `\u001b`. Lines and tabs stay.
///
/// The escapes are those of JSON: a JSON text stays one, of the same value.
pub fn printable(text: &str) -> Cow<'_, str> {
    let text = without(text, |_| true);
    if !text.contains(steers) {
        return text;
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if steers(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                let _ = write!(shown, "\\u{unit:04x}");
            }
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

/// The first characters of a text on one line, for a message.
pub fn excerpt(text: &str, most: usize) -> String {
    // Struck out before it is cut: half a secret would not be known.
    let line = printable(text).split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Secret;

    #[test]
    fn what_steers_a_terminal_is_shown_instead() {
        for (text, shown) in [
            ("plain ümläut\n\tline", "plain ümläut\n\tline"),
            ("\u{1b}[31mred\u{1b}]0;title\u{7}", "\\u001b[31mred\\u001b]0;title\\u0007"),
            ("a\rb\u{8}\u{7f}\0", "a\\u000db\\u0008\\u007f\\u0000"),
            ("\u{9b}31m\u{85}", "\\u009b31m\\u0085"),
            ("\u{202e}exe\u{2066}\u{200f}\u{feff}", "\\u202eexe\\u2066\\u200f\\ufeff"),
            ("\u{e0041}", "\\udb40\\udc41"),
        ] {
            assert_eq!(printable(text), shown);
            assert_eq!(printable(shown), shown, "once is enough");
        }
    }

    #[test]
    fn an_excerpt_is_one_line_and_has_no_half_of_a_secret() {
        Secret::new("excerpt-secret-0123456789");
        let text = format!("{} excerpt-secret-0123456789", "x".repeat(10));
        assert_eq!(excerpt(&text, 20), "xxxxxxxxxx [redacted…");
        assert_eq!(excerpt(" a\n\n b\t", 20), "a b");
    }
}
