//! Answers as JSON text: the paper's seven keys, written in one way and read in two, strictly and tolerantly.

pub(crate) mod foreign;
pub(crate) mod relaxed;

use std::io;

use lam_types::Action;
use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{Formatter, PrettyFormatter};

use crate::ParseError;

/// An action as the JSON of App. C: seven keys in order, `, ` and `: ` between them.
pub fn action_json(action: &Action) -> String {
    spaced(action)
}

/// A plan as JSON.
pub(crate) fn plan_json(plan: &[String]) -> String {
    spaced(&serde_json::json!({"plan": plan}))
}

/// Reads the JSON of App. C: exactly seven keys, nothing around them.
///
/// # Errors
/// Anything else.
pub fn parse_action_text(text: &str) -> Result<Action, ParseError> {
    serde_json::from_str(text.trim()).map_err(|error| ParseError::new(error, text))
}

/// Reads an action from whatever a model wrote around or instead of the JSON asked for: code fences, prose, trailing
/// commas, single quotes, `True`, and UFO's classic and third schemas.
///
/// # Errors
/// No object in the text that can be read as an action.
pub fn parse_action_text_tolerant(text: &str) -> Result<Action, ParseError> {
    if let Ok(action) = parse_action_text(text) {
        return Ok(action);
    }
    let mut reason = "no JSON object".to_owned();
    for (start, _) in text.match_indices('{') {
        match relaxed::read_object(&text[start..]).and_then(|object| foreign::action(&object)) {
            Ok(action) => return Ok(action),
            Err(error) if start == text.find('{').unwrap_or_default() => reason = error,
            Err(_) => {}
        }
    }
    Err(ParseError::new(reason, text))
}

/// Reads a plan: `{"plan": […]}`, a list of strings, or numbered lines.
///
/// # Errors
/// No step in the text.
pub fn parse_plan_text(text: &str) -> Result<Vec<String>, ParseError> {
    let object = text.find('{').and_then(|start| relaxed::read_object(&text[start..]).ok());
    if let Some(steps) = object.as_ref().and_then(|object| object.get("plan")).and_then(Value::as_array) {
        return Ok(steps.iter().map(foreign::text).collect());
    }
    let steps: Vec<String> = text.lines().filter_map(numbered).collect();
    if steps.is_empty() { Err(ParseError::new("no plan", text)) } else { Ok(steps) }
}

/// The text of a line such as `1. Go to Design`.
fn numbered(line: &str) -> Option<String> {
    let rest = line.trim().trim_start_matches(|c: char| c.is_ascii_digit());
    let is_numbered = rest.len() < line.trim().len();
    let step = rest.strip_prefix(['.', ')'])?.trim();
    (is_numbered && !step.is_empty()).then(|| step.to_owned())
}

/// JSON on one line with a space after each comma and colon, as Python writes it.
pub(crate) fn spaced<T: Serialize>(value: &T) -> String {
    with_formatter(value, Spaced::PYTHON)
}

/// JSON in the form that a formatter gives it.
pub(crate) fn with_formatter<T: Serialize>(value: &T, formatter: impl Formatter) -> String {
    let mut bytes = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
    value.serialize(&mut serializer).expect("plain data serialises");
    String::from_utf8(bytes).expect("JSON is UTF-8")
}

/// JSON on one line, with these separators.
pub(crate) struct Spaced<'a> {
    pub(crate) item: &'a str,
    pub(crate) key: &'a str,
}

impl Spaced<'static> {
    /// Those of `json.dumps`.
    pub(crate) const PYTHON: Self = Self { item: ", ", key: ": " };
}

impl Formatter for Spaced<'_> {
    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(self.item.as_bytes()) }
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(self.item.as_bytes()) }
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(self.key.as_bytes())
    }

    fn write_f64<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        writer.write_all(python_float(value).as_bytes())
    }
}

/// JSON on many lines, each level set in by the same text, as `json.dumps` writes it with `indent`.
pub(crate) struct Indented<'a>(PrettyFormatter<'a>);

impl<'a> Indented<'a> {
    pub(crate) fn with(indent: &'a str) -> Self {
        Self(PrettyFormatter::with_indent(indent.as_bytes()))
    }
}

impl Formatter for Indented<'_> {
    fn begin_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }

    fn write_f64<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        writer.write_all(python_float(value).as_bytes())
    }
}

/// A float as Python's `repr` and `json.dumps` write it.
pub(crate) fn python_float(number: f64) -> String {
    let text = format!("{number:?}");
    let Some((digits, exponent)) = text.split_once('e') else { return text.to_lowercase() };
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |exponent| ('-', exponent));
    format!("{digits}e{sign}{exponent:0>2}")
}
