//! JSON as people keep it: lines, an array, one object after the other, commented, with what Python writes. Knows no
//! record.

use std::borrow::Cow;
use std::ops::ControlFlow;
use std::path::Path;

use serde_json::{Deserializer, Value, error::Category};

/// Where values stand.
#[derive(Clone, Copy)]
pub(super) enum Source<'a> {
    /// In a text.
    Text(&'a str),
    /// In the rows of a Parquet file.
    Table(&'a Path),
}

/// A value of a file, or why it is none.
#[derive(Debug)]
pub(super) struct Entry {
    /// Line at which it begins, or row of a table; from 1.
    pub(super) line: usize,
    /// `[3].` for the fourth of an array.
    pub(super) place: String,
    pub(super) value: Result<Value, String>,
}

/// Gives every value of a source to `take`, those of an array one by one unless the array is a conversation. Returns how
/// many lone surrogates became U+FFFD.
pub(super) fn visit(source: Source<'_>, mut take: impl FnMut(Entry)) -> usize {
    match source {
        Source::Text(text) => visit_text(text, take),
        Source::Table(path) => {
            let mut rows = 0;
            let visited = lam_store::visit_records(path, |row, value| {
                rows = row + 1;
                take(Entry { line: rows, place: String::new(), value: Ok(value) });
                ControlFlow::Continue(())
            });
            if let Err(error) = visited {
                take(Entry { line: rows + 1, place: String::new(), value: Err(error.to_string()) });
            }
            0
        }
    }
}

fn visit_text(text: &str, mut take: impl FnMut(Entry)) -> usize {
    let mut reader = Reader { text: Cow::Borrowed(text), at: 0, line: 1, replaced: None };
    while let Some((line, value)) = reader.next() {
        match value {
            Ok(Value::Array(values)) if !is_conversation(&values) => {
                for (index, value) in values.into_iter().enumerate() {
                    take(Entry { line, place: format!("[{index}]."), value: Ok(value) });
                }
            }
            value => take(Entry { line, place: String::new(), value }),
        }
    }
    reader.replaced.unwrap_or(0)
}

/// Whether an array is what people said one after the other, and so a single record.
fn is_conversation(values: &[Value]) -> bool {
    let is_turn = |value: &Value| {
        let has = |names: [&str; 2]| names.iter().all(|name| value.get(name).is_some());
        has(["role", "content"]) || has(["from", "value"])
    };
    !values.is_empty() && values.iter().all(is_turn)
}

struct Reader<'a> {
    text: Cow<'a, str>,
    at: usize,
    /// Line of `at`.
    line: usize,
    /// Lone surrogates that were replaced; `None` while the text is read as it is.
    replaced: Option<usize>,
}

impl Reader<'_> {
    /// The next value with its line.
    fn next(&mut self) -> Option<(usize, Result<Value, String>)> {
        let is_between = |letter: char| letter.is_whitespace() || ",\u{feff}\u{1e}\0".contains(letter);
        let start = self.at + self.text[self.at..].find(|letter| !is_between(letter))?;
        self.go_to(start);
        let line = self.line;
        let mut values = Deserializer::from_str(&self.text[start..]).into_iter::<Value>();
        let value = values.next()?;
        let end = start + values.byte_offset();
        match value {
            Ok(value) => {
                self.go_to(end);
                Some((line, Ok(value)))
            }
            Err(_) if self.replaced.is_none() => {
                let (mended, replaced) = mended(&self.text[start..]);
                (self.text, self.at, self.replaced) = (Cow::Owned(mended), 0, Some(replaced));
                self.next()
            }
            Err(error) => {
                self.go_to(start + self.length_of_bad(start));
                Some((line, Err(told(&error, line))))
            }
        }
    }

    fn go_to(&mut self, end: usize) {
        self.line += self.text.as_bytes()[self.at..end].iter().filter(|byte| **byte == b'\n').count();
        self.at = end;
    }

    /// How far what is no value goes: to the end of its line if the line is wrong in itself, to the next line that
    /// begins a value where it is merely unfinished.
    fn length_of_bad(&self, start: usize) -> usize {
        let rest = &self.text[start..];
        let line = rest.split('\n').next().unwrap_or(rest);
        let is_unfinished = serde_json::from_str::<Value>(line).is_err_and(|error| error.classify() == Category::Eof);
        let begins = |at: &usize| rest[at + 1..].starts_with(['{', '[']);
        match is_unfinished {
            true => rest.match_indices('\n').map(|(at, _)| at).find(begins).unwrap_or(rest.len()),
            false => line.len(),
        }
    }
}

/// The error with its place in the file.
fn told(error: &serde_json::Error, line: usize) -> String {
    let text = error.to_string();
    let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
    let at = line + error.line().saturating_sub(1);
    match error.column() {
        // What ends a line is told as the beginning of the next.
        0 => format!("{what} (end of line {})", at.saturating_sub(1)),
        column => format!("{what} (line {at}, column {column})"),
    }
}

/// The text without comments and commas before a closing bracket, with `null` for what is no number, with the escapes
/// that raw tabs need, and with U+FFFD for halves of surrogate pairs, which are counted. Lines stay as they are.
fn mended(text: &str) -> (String, usize) {
    let mut mended = Mended { text: String::with_capacity(text.len()), replaced: 0 };
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let length = if letter == '"' { mended.string(rest) } else { mended.outside(rest, letter) };
        rest = &rest[length..];
    }
    (mended.text, mended.replaced)
}

struct Mended {
    text: String,
    replaced: usize,
}

impl Mended {
    /// Takes what begins outside of strings; returns its length.
    fn outside(&mut self, rest: &str, letter: char) -> usize {
        let to = |end: Option<usize>| end.unwrap_or(rest.len());
        if rest.starts_with("//") {
            return to(rest.find('\n'));
        }
        if let Some(comment) = rest.strip_prefix("/*") {
            let length = to(comment.find("*/").map(|at| at + 4));
            self.text.extend(rest[..length].chars().filter(|letter| *letter == '\n'));
            return length;
        }
        if let Some(word) = ["NaN", "Infinity", "-Infinity"].iter().find(|word| rest.starts_with(**word)) {
            self.text.push_str("null");
            return word.len();
        }
        if letter == '}' || letter == ']' {
            let end = self.text.trim_end().len();
            if self.text[..end].ends_with(',') {
                self.text.replace_range(end - 1..end, " ");
            }
        }
        self.text.push(letter);
        letter.len_utf8()
    }

    /// Takes a string, which ends with its line at the latest; returns its length.
    fn string(&mut self, rest: &str) -> usize {
        self.text.push('"');
        let mut at = 1;
        while let Some(letter) = rest[at..].chars().next() {
            match letter {
                '\n' => return at,
                '"' => {
                    self.text.push('"');
                    return at + 1;
                }
                '\\' => at += self.escape(&rest[at..]),
                '\t' => {
                    self.text.push_str("\\t");
                    at += 1;
                }
                letter => {
                    self.text.push(letter);
                    at += letter.len_utf8();
                }
            }
        }
        at
    }

    /// Takes an escape, of a surrogate pair both; returns its length.
    fn escape(&mut self, rest: &str) -> usize {
        let unit = |at: usize| {
            let digits = rest.get(at..at + 6)?.strip_prefix("\\u")?;
            u16::from_str_radix(digits, 16).ok()
        };
        let (length, is_lone) = match (unit(0), unit(6)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => (12, false),
            (Some(0xd800..=0xdfff), _) => (6, true),
            _ => (1 + rest[1..].chars().next().filter(|letter| *letter != '\n').map_or(0, char::len_utf8), false),
        };
        self.replaced += usize::from(is_lone);
        self.text.push_str(if is_lone { "\\ufffd" } else { &rest[..length] });
        length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<(usize, String)>, usize) {
        let mut found = Vec::new();
        let replaced = visit(Source::Text(text), |Entry { line, place, value }| {
            let value = value.map_or_else(|error| format!("! {error}"), |value| value.to_string());
            found.push((line, format!("{place}{value}")));
        });
        (found, replaced)
    }

    fn values(text: &str) -> Vec<String> {
        read(text).0.into_iter().map(|(_, value)| value).collect()
    }

    #[test]
    fn every_way_to_keep_values_gives_the_values() {
        for text in [
            "{\"a\":1}\n{\"a\":2}\n",
            "\u{feff}{\"a\":1}\r\n\r\n{\"a\":2}",
            "{\n \"a\": 1\n}\n{\n \"a\": 2\n}\n",
            "{\"a\":1}{\"a\":2}",
            "{\"a\":1},\n{\"a\":2},\n",
            "// one\n{\"a\":1,}\n/* two\n */ {\"a\": /* x */ 2}",
        ] {
            assert_eq!(values(text), ["{\"a\":1}", "{\"a\":2}"], "{text}");
        }
        assert_eq!(values("[{\"a\":1}, {\"a\":NaN}]"), ["[0].{\"a\":1}", "[1].{\"a\":null}"]);
        assert_eq!(
            values("{\"a\":\"// no\\\"/* comment\", \"b\": -Infinity}"),
            ["{\"a\":\"// no\\\"/* comment\",\"b\":null}"]
        );
        assert_eq!(values("\u{feff}\n"), [""; 0]);
        let chat = "[{\"role\":\"user\",\"content\":\"x\"}]";
        assert_eq!(values(chat), [chat]);
    }

    #[test]
    fn what_is_wrong_has_its_line_and_the_others_are_read() {
        let (found, _) = read("{\"a\":1}\n{oops\nnot json\n{\"a\":2}\n{\"a\":\"cut\n{\"a\":3}\n");
        let lines: Vec<_> = found.iter().map(|(line, value)| (*line, value.starts_with('!'))).collect();
        assert_eq!(lines, [(1, false), (2, true), (3, true), (4, false), (5, true), (6, false)], "{found:?}");
        let (found, _) = read("{\n \"a\": 1,\n \"b\" 2\n}\n{\n \"a\": 2\n}\n");
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].1.contains("(line 3, column"), "{found:?}");
        assert_eq!(found[1], (5, "{\"a\":2}".to_owned()));
        let deep = read(&"[".repeat(100_000)).0;
        assert!(deep.len() == 1 && deep[0].1.contains("recursion limit"), "{deep:?}");
    }

    #[test]
    fn halves_of_surrogate_pairs_are_replaced_and_counted() {
        let (found, replaced) = read(r#"{"a":"x \ud83d y \udc00 \ud83d\ude00 \\ud83d"}"#);
        assert_eq!(replaced, 2);
        assert_eq!(found[0].1, "{\"a\":\"x \u{fffd} y \u{fffd} 😀 \\\\ud83d\"}");
    }
}
