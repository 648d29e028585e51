//! What must never be shown: keys, tokens, passwords; and the texts of others, from which they are struck out by value.
//!
//! A [`Secret`] is remembered by the process from the moment it is made, so that whoever repeats it (an endpoint that
//! echoes the key in its refusal, a model that was told it) is not repeated: [`redacted`] finds it in a text however it
//! is written there, and everything that is shown or kept of others' texts passes it.

use std::borrow::Cow;
use std::fmt;
use std::sync::{PoisonError, RwLock};

use crate::needle::Needle;

/// What stands where a secret stood.
pub const REDACTED: &str = "[redacted]";

/// Shorter values are no secrets; to strike them out would only garble texts.
const SHORTEST: usize = 4;

/// What people set as key where an endpoint asks for none: ordinary words, which stand in answers too.
const PLACEHOLDERS: [&str; 12] =
    ["anything", "dummy", "empty", "fake", "local", "no-key", "none", "not-needed", "null", "ollama", "test", "unused"];

static KNOWN: RwLock<Vec<Needle>> = RwLock::new(Vec::new());

/// A key, token or password. It is never printed, and [`redacted`] knows it from now on.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The value without white space around it; `None` for an empty one.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        if text.len() >= SHORTEST && !PLACEHOLDERS.contains(&text.to_ascii_lowercase().as_str()) {
            let needle = Needle::new(text);
            let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
            if !known.contains(&needle) {
                known.push(needle);
            }
        }
        Some(Self(text.to_owned()))
    }

    /// What an environment variable holds, if it is set to something.
    pub fn of_variable(name: &str) -> Option<Self> {
        std::env::var(name).ok().and_then(|text| Self::new(&text))
    }

    /// The value, for whoever it is meant for.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// As the header `Authorization` carries it.
    pub fn bearer(&self) -> String {
        format!("Bearer {}", self.0)
    }

    /// Why no header can carry it, if so: a line end in a key would end the header.
    pub fn unfit_for_header(&self) -> Option<&'static str> {
        match self.0.chars().find(|character| !character.is_ascii_graphic())? {
            '\r' | '\n' => Some("has a line end in it"),
            ' ' | '\t' => Some("has white space in it"),
            _ => Some("has a character in it that no HTTP header can carry"),
        }
    }

    /// Whether `given` is this secret, in a time that tells nothing about where they differ.
    pub fn is(&self, given: &str) -> bool {
        let (ours, theirs) = (self.0.as_bytes(), given.as_bytes());
        let differences = ours.iter().zip(theirs).fold(0_u8, |found, (a, b)| found | (a ^ b));
        ours.len() == theirs.len() && differences == 0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The text without the secrets that this process knows, be they written plainly, in percent or JSON escapes, as HTML,
/// hexadecimal, or as part of something in Base64. A short secret of letters alone stays: it may be a word of the text,
/// which is to be kept as it is; [`printable`](crate::printable) shows no such word either.
pub fn redacted(text: &str) -> Cow<'_, str> {
    without(text, |needle| !needle.is_word())
}

/// The text without those secrets.
pub(crate) fn without(text: &str, which: impl Fn(&Needle) -> bool) -> Cow<'_, str> {
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    let known = known.iter().filter(|needle| which(needle));
    let mut spans: Vec<_> = known.flat_map(|needle| needle.spans(text)).collect();
    if spans.is_empty() {
        return Cow::Borrowed(text);
    }
    spans.sort_unstable();
    let (mut clean, mut copied) = (String::with_capacity(text.len()), 0);
    for (start, end) in spans {
        if start >= copied {
            clean.push_str(&text[copied..start]);
            clean.push_str(REDACTED);
        }
        copied = copied.max(end);
    }
    clean.push_str(&text[copied..]);
    Cow::Owned(clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_struck_out_however_it_is_written() {
        let value = r#"sk-Live/42+"\é=Zz"#;
        let secret = Secret::new(&format!(" {value}\n")).unwrap();
        assert_eq!((secret.expose(), format!("{secret:?}").as_str()), (value, "Secret(…)"));
        let forms = [
            value,
            "SK-LIVE/42+\"\\é=ZZ",
            "sk-Live%2F42%2B%22%5C%C3%A9%3DZz",
            "sk-live%2f42%2b%22%5c%c3%a9%3dzz",
            "%73%6b%2dLive%2F42+%22%5C%C3%A9=Zz",
            r#"sk-Live\/42+\"\\é=Zz"#,
            r#"sk-Live\\\/42+\\\"\\\\\u00e9=Zz"#,
            r"\u0073k\u002dLive\u002f42\u002b\u0022\u005c\u00E9\u003dZz",
            "sk-Live&#47;42&#x2b;&quot;\\&#233;=Zz",
            "736b2d4c6976652f34322b225cc3a93d5a7a",
            "73:6b:2d:4c:69:76:65:2f:34:32:2b:22:5c:c3:a9:3d:5a:7a",
            "sk-Live%252F42%252B%2522%255C%25C3%25A9%253DZz",
            "sk-Live/42+\"\\=C3=A9=3DZz",
            r"\163\153-Live\05742+\042\134é=Zz",
            "sk-Live&sol;42&plus;&quot;\\&#233;&equals;Zz",
            "sk-Live\n/42+\"\\é=Zz",
            r#"sk-Live\r\n  /42+\"\\é=Zz"#,
            "sk-Live\u{1b}[1m/42+\u{200b}\"\\é=Zz",
            r#"sk-Live\u001b[1m/42+\u200b\"\\é=Zz"#,
            "s k - L i v e / 4 2 + \" \\ é = Z z",
            r#"sk-Live/42+"\é=Z"#,
            "YzJzdFRHbDJaUzgwTWlzaVhNT3BQVnA2",
        ];
        for form in forms {
            assert_eq!(redacted(&format!("no key {form}, sorry")), format!("no key {REDACTED}, sorry"), "{form}");
        }
        Secret::new("100%25&more%");
        for form in ["100%25&more%", "100%2525%26more%25", "100%25&amp;more%"] {
            assert_eq!(redacted(form), REDACTED, "{form}");
        }
        assert_eq!(redacted("sk-Live/42 is another"), "sk-Live/42 is another");
        assert_eq!(redacted(&format!("{value}{value}")), format!("{REDACTED}{REDACTED}"));
    }

    #[test]
    fn a_secret_inside_of_base64_is_struck_out_at_every_alignment_and_in_both_alphabets() {
        use base64::prelude::*;
        let value = "pass\u{fb}w\u{ff}rd~~long?>enough";
        Secret::new(value);
        for before in ["", "u:", "ui:", "Bearer "] {
            let all = format!("{before}{value}:after");
            for text in [BASE64_STANDARD.encode(&all), BASE64_URL_SAFE_NO_PAD.encode(&all)] {
                let shown = redacted(&text).into_owned();
                assert!(shown.contains(REDACTED), "{before}: {shown}");
                let left = shown.split(REDACTED).map(str::len).max().unwrap();
                assert!(left <= 12, "{before}: {shown}");
            }
        }
    }

    #[test]
    fn short_values_are_struck_out_as_words_and_placeholders_never() {
        Secret::new("sesame");
        assert_eq!(redacted("open sesame"), "open sesame", "what is kept may speak of it");
        assert_eq!(crate::printable("open sesame, sesames"), format!("open {REDACTED}, sesames"));
        Secret::new("hunt2r");
        assert_eq!(redacted("hunt2r, hunt2rs, \"hunt2r\""), format!("{REDACTED}, hunt2rs, \"{REDACTED}\""));
        for placeholder in ["EMPTY", "none", "ab"] {
            assert!(Secret::new(placeholder).is_some());
            assert_eq!(redacted(&format!("is {placeholder}")), format!("is {placeholder}"));
        }
        assert!(Secret::new(" \n").is_none());
    }

    #[test]
    fn only_the_whole_secret_is_it() {
        let secret = Secret::new(" abc\n").unwrap();
        assert!(secret.is("abc"));
        for other in ["", "ab", "abcd", "abd"] {
            assert!(!secret.is(other), "{other}");
        }
    }

    #[test]
    fn what_no_header_can_carry_is_named() {
        let reason = |text: &str| Secret::new(text).unwrap().unfit_for_header();
        assert_eq!(reason("a-plain_key.1"), None);
        assert!(reason("two\r\nlines").unwrap().contains("line end"));
        assert!(reason("two words").unwrap().contains("white space"));
        assert!(reason("schlüssel").unwrap().contains("character"));
    }
}
