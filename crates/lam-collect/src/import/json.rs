//! JSON as people keep it: lines, an array, one object after the other, commented, with what Python writes. Knows no
//! record.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::Path;

use serde_json::{Deserializer, Value, error::Category};

use super::brackets::{length, never_closed};

/// Fields under which a file keeps its lists of records.
pub(super) const WRAPPERS: &[&str] =
    &["data", "records", "rows", "examples", "instances", "samples", "train", "validation", "test"];

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
    let mut reader = Reader::new(text);
    while let Some((line, value)) = reader.next() {
        let place = reader.place();
        match value {
            Ok(Value::Array(values)) if !is_conversation(&values) && place.is_empty() => {
                for (index, value) in values.into_iter().enumerate() {
                    take(Entry { line, place: format!("[{index}]."), value: Ok(value) });
                }
            }
            value => take(Entry { line, place, value }),
        }
    }
    reader.replaced.unwrap_or(0)
}

/// Whether an array is what people said one after the other, and so a single record.
fn is_conversation(values: &[Value]) -> bool {
    !values.is_empty() && values.iter().all(is_turn)
}

pub(super) fn is_turn(value: &Value) -> bool {
    let has = |names: [&str; 2]| names.iter().all(|name| value.get(name).is_some());
    has(["role", "content"]) || has(["from", "value"])
}

struct Reader<'a> {
    text: Cow<'a, str>,
    at: usize,
    /// Line of `at`.
    line: usize,
    /// Lone surrogates that were replaced; `None` while the text is read as it is.
    replaced: Option<usize>,
    /// Lines that begin what is never closed: of these nothing is parsed.
    never_closed: BTreeSet<usize>,
    /// The list of records that is read one by one, since not all of them can be parsed.
    within: Option<Within>,
}

/// A list that is read record by record.
struct Within {
    /// The field of an object that holds it, if one does.
    field: String,
    /// Records that were met so far.
    met: usize,
    /// Where the object ends that holds it.
    end: usize,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Self {
        let never_closed = BTreeSet::new();
        Self { text: Cow::Borrowed(text), at: 0, line: 1, replaced: None, never_closed, within: None }
    }

    /// Where in a list the value stands that was read last.
    fn place(&self) -> String {
        let place = |within: &Within| format!("{}[{}].", within.field, within.met.saturating_sub(1));
        self.within.as_ref().map(place).unwrap_or_default()
    }

    /// Counts a record of the list that is read.
    fn meet(&mut self) {
        if let Some(within) = &mut self.within {
            within.met += 1;
        }
    }

    /// The next value with its line.
    fn next(&mut self) -> Option<(usize, Result<Value, String>)> {
        loop {
            let start = self.start()?;
            let line = self.line;
            let error = match self.value_at(start) {
                Ok((value, end)) => {
                    self.meet();
                    self.go_to(end);
                    return Some((line, Ok(value)));
                }
                Err(error) => error,
            };
            if self.replaced.is_none() {
                let (mended, replaced) = mended(&self.text[start..]);
                self.never_closed = never_closed(&mended);
                (self.text, self.at, self.replaced) = (Cow::Owned(mended), 0, Some(replaced));
            } else if let Some((within, first)) = self.list_of_records(start) {
                self.within = Some(within);
                self.go_to(first);
            } else {
                self.meet();
                self.go_to(start + self.length_of_bad(start));
                return Some((line, Err(error)));
            }
        }
    }

    /// Where the next value begins; the end of a list that is read record by record is passed.
    fn start(&mut self) -> Option<usize> {
        let is_between = |letter: char| letter.is_whitespace() || ",\u{feff}\u{1e}\0".contains(letter);
        loop {
            let start = self.at + self.text[self.at..].find(|letter| !is_between(letter))?;
            self.go_to(start);
            if self.within.is_none() || !self.text[start..].starts_with(']') {
                return Some(start);
            }
            let end = self.within.take().map_or(0, |within| within.end);
            self.go_to(end.max(start + 1));
        }
    }

    /// The value that begins here, with its end.
    fn value_at(&self, start: usize) -> Result<(Value, usize), String> {
        let rest = &self.text[start..];
        let is_hopeless = self.never_closed.contains(&start);
        // Its line, with what ends it, says as well what is wrong.
        let rest = if is_hopeless { rest.split_inclusive('\n').next().unwrap_or(rest) } else { rest };
        let mut values = Deserializer::from_str(rest).into_iter::<Value>();
        let value = values.next().unwrap_or(Ok(Value::Null));
        value.map(|value| (value, start + values.byte_offset())).map_err(|error| told(&error, self.line))
    }

    /// The list of records that begins here, or in a field of the object that does, and where its first record begins.
    fn list_of_records(&self, start: usize) -> Option<(Within, usize)> {
        if self.within.is_some() {
            return None;
        }
        let rest = &self.text[start..];
        let is_object = rest.starts_with('{');
        let end = if is_object && !self.never_closed.contains(&start) { length(rest)? } else { 0 };
        let (field, list) = if is_object { wrapped_list(&rest[..end])? } else { (String::new(), rest) };
        let inner = list.strip_prefix('[')?;
        let first = Deserializer::from_str(inner).into_iter::<Value>().next();
        let is_chat = first.is_some_and(|first| first.is_ok_and(|first| is_turn(&first)));
        let before = if is_object { end - inner.len() } else { 1 };
        let within = Within { field, met: 0, end: start + end };
        (inner.trim_start().starts_with('{') && !is_chat).then_some((within, start + before))
    }

    fn go_to(&mut self, end: usize) {
        self.line += self.text.as_bytes()[self.at..end].iter().filter(|byte| **byte == b'\n').count();
        self.at = end;
    }

    /// How far what is no value goes: in a list to its own end; else to the end of its line if the line is wrong in
    /// itself, to the next line that begins a value no deeper than this one where it is merely unfinished.
    fn length_of_bad(&self, start: usize) -> usize {
        let rest = &self.text[start..];
        let closed = || length(rest).filter(|_| rest.starts_with(['{', '[']));
        if let Some(length) =
            self.within.as_ref().filter(|_| !self.never_closed.contains(&start)).and_then(|_| closed())
        {
            return length;
        }
        let line = rest.split('\n').next().unwrap_or(rest);
        let is_unfinished = serde_json::from_str::<Value>(line).is_err_and(|error| error.classify() == Category::Eof);
        let depth = self.indent(start);
        let begins = |at: &usize| {
            let next = &rest[at + 1..];
            let bare = next.trim_start_matches([' ', '\t']);
            next.len() - bare.len() <= depth && bare.starts_with(['{', '['])
        };
        match is_unfinished {
            true => rest.match_indices('\n').map(|(at, _)| at).find(begins).unwrap_or(rest.len()),
            false => line.len(),
        }
    }

    /// How many spaces stand before what begins its line; 0 within a line.
    fn indent(&self, start: usize) -> usize {
        let before = &self.text[..start];
        let line = &before[before.rfind('\n').map_or(0, |at| at + 1)..];
        if line.bytes().all(|byte| b" \t".contains(&byte)) { line.len() } else { 0 }
    }
}

/// The first field of an object that may hold its records, with the text from its value on; what stands before it must
/// be right.
fn wrapped_list(object: &str) -> Option<(String, &str)> {
    let mut rest = object.strip_prefix('{')?.trim_start();
    loop {
        let (key, after) = value_before(rest)?;
        rest = after.trim_start().strip_prefix(':')?.trim_start();
        let key = key.as_str()?;
        if WRAPPERS.contains(&key) && rest.starts_with('[') {
            return Some((key.to_owned(), rest));
        }
        rest = value_before(rest)?.1.trim_start().strip_prefix(',')?.trim_start();
    }
}

/// The value that a text begins with, and what follows.
fn value_before(text: &str) -> Option<(Value, &str)> {
    let mut values = Deserializer::from_str(text).into_iter::<Value>();
    let value = values.next()?.ok()?;
    Some((value, &text[values.byte_offset()..]))
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
    fn one_record_of_a_list_that_is_wrong_leaves_the_others() {
        let of = |list: &str| {
            let (found, _) = read(list);
            let short = |(line, value): (usize, String)| (line, value.split('!').next().unwrap_or_default().to_owned());
            found.into_iter().map(short).collect::<Vec<_>>()
        };
        let pair = |line: usize, value: &str| (line, value.to_owned());
        let one = of("[{\"a\":1}, {\"b\" {}}, {\"a\":[2]}]\n{\"a\":3}");
        assert_eq!(one, [pair(1, "[0].{\"a\":1}"), pair(1, "[1]."), pair(1, "[2].{\"a\":[2]}"), pair(2, "{\"a\":3}")]);
        let pretty = of("[\n  {\n    \"a\": 1\n  },\n  {\n    \"b\" 2\n  },\n  {\n    \"a\": 3\n  }\n]\n");
        assert_eq!(pretty, [pair(2, "[0].{\"a\":1}"), pair(5, "[1]."), pair(8, "[2].{\"a\":3}")]);
        let cut = of("[\n  {\n    \"a\": [1,\n  {\n    \"a\": 3\n  }\n]\n");
        assert_eq!(cut, [pair(2, "[0]."), pair(4, "[1].{\"a\":3}")]);
        let held =
            of("{\"version\": {\"n\": [1]}, \"data\": [{\"a\":1}, {\"b\" {}}, {\"a\":2}], \"end\": [7]}\n{\"a\":3}");
        let expected =
            [pair(1, "data[0].{\"a\":1}"), pair(1, "data[1]."), pair(1, "data[2].{\"a\":2}"), pair(2, "{\"a\":3}")];
        assert_eq!(held, expected);
        let pretty = of("{\n  \"rows\": [\n    {\"a\": 1},\n    {\"b\" 2},\n    {\"a\": 3}\n  ]\n}\n{\"a\": 4}");
        let expected =
            [pair(3, "rows[0].{\"a\":1}"), pair(4, "rows[1]."), pair(5, "rows[2].{\"a\":3}"), pair(8, "{\"a\":4}")];
        assert_eq!(pretty, expected);
        assert_eq!(of("{\"data\": [{\"a\":1},\n{\"a\":2}"), [pair(1, ""), pair(2, "{\"a\":2}")]);
        assert_eq!(of("{\"data\": {oops}}\n{\"a\":2}"), [pair(1, ""), pair(2, "{\"a\":2}")]);
        let chat = of("[{\"role\":\"user\",\"content\":\"x\"}, {oops}]\n{\"a\":1}");
        assert_eq!(chat, [pair(1, ""), pair(2, "{\"a\":1}")]);
    }

    #[test]
    fn many_records_that_are_cut_take_linear_time() {
        let started = std::time::Instant::now();
        let line = format!("{{\"messages\": [{{\"role\": \"user\", \"content\": \"{}\"}},\n", "word ".repeat(20));
        assert_eq!(read(&line.repeat(50_000)).0.len(), 50_000);
        assert_eq!(read(&format!("[{}]", "{oops},".repeat(100_000))).0.len(), 100_000);
        assert_eq!(read(&format!("{{\"data\": [{}]}}", "{oops},".repeat(100_000))).0.len(), 100_000);
        assert_eq!(read(&"{\"data\": [{\"a\": 1},\n".repeat(50_000)).0.len(), 50_000);
        assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
    }

    #[test]
    fn halves_of_surrogate_pairs_are_replaced_and_counted() {
        let (found, replaced) = read(r#"{"a":"x \ud83d y \udc00 \ud83d\ude00 \\ud83d"}"#);
        assert_eq!(replaced, 2);
        assert_eq!(found[0].1, "{\"a\":\"x \u{fffd} y \u{fffd} 😀 \\\\ud83d\"}");
    }
}
