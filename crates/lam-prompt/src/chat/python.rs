//! What of Python's Jinja minijinja lacks: tags and operators translated before compilation, methods of strings,
//! `json.dumps`. Knows no messages.

use minijinja::value::{Kwargs, Rest, Value, ValueKind};
use minijinja::{Error, ErrorKind, Output, State, escape_formatter};
use minijinja_contrib::pycompat::unknown_method_callback;

use super::printed::{self, representation};
use crate::answer::{Indented, Spaced, with_formatter};

/// A template's text without carriage returns, `{% generation %}` and `'…' % values`.
pub(super) fn translated(template: &str) -> String {
    let text = template.replace("\r\n", "\n").replace('\r', "\n");
    // Jinja drops one newline at the end.
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find("{%").into_iter().chain(rest.find("{{")).chain(rest.find("{#")).min() {
        let (before, tag) = rest.split_at(open);
        let tag = &tag[..tag_length(tag)];
        out.push_str(before);
        out.push_str(&translated_tag(tag));
        rest = &rest[open + tag.len()..];
    }
    out + rest
}

/// Bytes of the tag, expression or comment at the start of `text`; strings inside it may hold its closing mark.
fn tag_length(text: &str) -> usize {
    let close = match text.as_bytes()[1] {
        b'%' => "%}",
        b'{' => "}}",
        _ => return text.find("#}").map_or(text.len(), |end| end + 2),
    };
    let mut at = 2;
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with(close) {
            return at + 2;
        }
        at += if rest.starts_with(['\'', '"']) {
            string_length(rest)
        } else {
            rest.chars().next().map_or(1, char::len_utf8)
        };
    }
    text.len()
}

/// Bytes of the string literal at the start of `text`, quotes included.
fn string_length(text: &str) -> usize {
    let quote = text.as_bytes()[0];
    let mut bytes = text.bytes().enumerate().skip(1);
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' => drop(bytes.next()),
            _ if byte == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn translated_tag(tag: &str) -> String {
    let inner = tag.strip_prefix("{%").and_then(|rest| rest.strip_suffix("%}")).unwrap_or_default();
    // What an assistant says is marked for training; the text is the same without the mark.
    match inner.trim_matches(['-', '+']).trim() {
        "generation" => tag.replacen("generation", "if true", 1),
        "endgeneration" => tag.replacen("endgeneration", "endif", 1),
        _ if tag.starts_with("{#") => tag.to_owned(),
        _ => with_tuples(&with_format(tag)),
    }
}

/// Words before a bracket that call nothing.
const NO_CALLS: [&str; 11] = ["in", "not", "and", "or", "if", "elif", "else", "is", "do", "return", "recursive"];

/// `(x, y)`, where nothing is called and no names are given, as a call of [`printed::TUPLE`].
fn with_tuples(tag: &str) -> String {
    let (mut out, mut at) = (String::with_capacity(tag.len()), 0);
    while let Some(next) = tag[at..].chars().next() {
        let rest = &tag[at..];
        let length = if next == '\'' || next == '"' { string_length(rest) } else { next.len_utf8() };
        if next == '(' && is_value(&out) && is_tuple(&rest[..bracket_length(rest)]) {
            out.push_str(printed::TUPLE);
        }
        out.push_str(&rest[..length]);
        at += length;
    }
    out
}

/// Whether what stands after `before` is a value: no arguments, no names that are given a value.
fn is_value(before: &str) -> bool {
    let before = before.trim_end();
    let word = &before[before.trim_end_matches(|c: char| c.is_alphanumeric() || c == '_').len()..];
    if word.is_empty() { !before.ends_with([')', ']', '\'', '"', '}']) } else { NO_CALLS.contains(&word) }
}

/// Whether brackets hold nothing, or a comma outside of brackets within.
fn is_tuple(brackets: &str) -> bool {
    let inner = brackets.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or_default();
    let mut at = 0;
    while let Some(next) = inner[at..].chars().next() {
        at += match next {
            ',' => return true,
            '(' | '[' | '{' => bracket_length(&inner[at..]),
            '\'' | '"' => string_length(&inner[at..]),
            _ => next.len_utf8(),
        };
    }
    inner.trim().is_empty() && brackets.ends_with(')')
}

/// `'…' % x` and `'…' % (x, y)` as `('…' | format(x, y))`.
fn with_format(tag: &str) -> String {
    let (mut out, mut at) = (String::with_capacity(tag.len()), 0);
    while at < tag.len() {
        let rest = &tag[at..];
        if !rest.starts_with(['\'', '"']) {
            let next = rest.chars().next().map_or(1, char::len_utf8);
            out.push_str(&rest[..next]);
            at += next;
            continue;
        }
        let literal = &rest[..string_length(rest)];
        let after = &rest[literal.len()..];
        let operand = after.trim_start().strip_prefix('%').filter(|operand| !operand.starts_with('}'));
        match operand.map(str::trim_start) {
            Some(operand) => {
                let length = operand_length(operand);
                let whole = &operand[..length];
                let tuple = whole.strip_prefix('(').and_then(|inner| inner.strip_suffix(')'));
                let values = tuple.unwrap_or(whole).trim().trim_end_matches(',');
                out.push_str(&format!("({literal} | format({values}))"));
                at = tag.len() - operand.len() + length;
            }
            None => {
                out.push_str(literal);
                at += literal.len();
            }
        }
    }
    out
}

/// Bytes of the value at the start of `text`: a name, number or string with what is called on or taken from it.
fn operand_length(text: &str) -> usize {
    let mut at = 0;
    while let Some(next) = text[at..].chars().next() {
        at += match next {
            '(' | '[' | '{' => bracket_length(&text[at..]),
            '\'' | '"' => string_length(&text[at..]),
            _ if next.is_alphanumeric() || next == '_' || next == '.' => next.len_utf8(),
            _ => break,
        };
    }
    at
}

/// Bytes up to the bracket that closes the one at the start of `text`.
fn bracket_length(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while let Some(next) = text[at..].chars().next() {
        match next {
            '\'' | '"' => {
                at += string_length(&text[at..]);
                continue;
            }
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
        at += next.len_utf8();
        if depth == 0 {
            break;
        }
    }
    at
}

/// Python's methods of strings, lists and mappings.
pub(super) fn method(state: &State<'_, '_>, value: &Value, name: &str, args: &[Value]) -> Result<Value, Error> {
    match (value.as_str(), name, args.first().and_then(Value::as_str)) {
        (Some(own), "removeprefix", Some(part)) => Ok(own.strip_prefix(part).unwrap_or(own).into()),
        (Some(own), "removesuffix", Some(part)) => Ok(own.strip_suffix(part).unwrap_or(own).into()),
        (Some(own), "casefold", None) => Ok(own.to_lowercase().into()),
        (Some(own), "index", Some(part)) => match own.find(part) {
            Some(place) => Ok(own[..place].chars().count().into()),
            None => Err(Error::new(ErrorKind::InvalidOperation, format!("`{part}` is not in `{own}`"))),
        },
        (Some(own), "partition", Some(part)) => {
            let (before, after) = own.split_once(part).map_or((own, None), |(before, after)| (before, Some(after)));
            let between = if after.is_some() { part } else { "" };
            Ok(printed::tuple(Rest([before, between, after.unwrap_or_default()].map(Value::from).to_vec())))
        }
        (Some(own), "rsplit", Some(part)) => {
            let most =
                args.get(1).and_then(|most| usize::try_from(most.clone()).ok()).map_or(usize::MAX, |most| most + 1);
            let mut parts: Vec<Value> = own.rsplitn(most, part).map(Value::from).collect();
            parts.reverse();
            Ok(parts.into())
        }
        _ => {
            let result = unknown_method_callback(state, value, name, args)?;
            let view = if value.kind() == ValueKind::Map { printed::view(name, &result)? } else { None };
            Ok(view.unwrap_or(result))
        }
    }
}

/// The filter `string`.
pub(super) fn string(value: &Value) -> Result<Value, Error> {
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable | ValueKind::Map | ValueKind::Number => Ok(representation(value)?.into()),
        _ => Ok(value.to_string().into()),
    }
}

/// Writes a value as Python's `str` does: lists and mappings with their strings in quotes.
pub(super) fn write(out: &mut Output<'_>, state: &State<'_, '_>, value: &Value) -> Result<(), Error> {
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable | ValueKind::Map | ValueKind::Number => {
            Ok(out.write_str(&representation(value)?)?)
        }
        _ => escape_formatter(out, state, value),
    }
}

/// `json.dumps` with Hugging Face's defaults: no escapes of HTML, nor of what is not ASCII.
pub(super) fn to_json(value: &Value, options: Kwargs, _ensure_ascii: Rest<Value>) -> Result<String, Error> {
    let failed = |error: &dyn std::fmt::Display| Error::new(ErrorKind::BadSerialization, error.to_string());
    if value.is_undefined() {
        return Err(failed(&"an undefined value is no JSON"));
    }
    refuse_floats(value)?;
    let mut json = serde_json::to_value(value).map_err(|error| failed(&error))?;
    if options.get::<Option<bool>>("sort_keys")?.unwrap_or(false) {
        json.sort_all_objects();
    }
    let indent = options.get::<Option<Value>>("indent")?.filter(|indent| !indent.is_none());
    let indent = indent.map(|indent| match indent.as_str() {
        Some(text) => text.to_owned(),
        None => " ".repeat(usize::try_from(indent.clone()).unwrap_or(0)),
    });
    let separators = options.get::<Option<Vec<String>>>("separators")?;
    let text = match (&indent, separators.as_deref()) {
        (Some(indent), _) => with_formatter(&json, Indented::with(indent)),
        (None, Some([item, key])) => with_formatter(&json, Spaced { item, key }),
        (None, _) => with_formatter(&json, Spaced::PYTHON),
    };
    Ok(if options.get::<Option<bool>>("ensure_ascii")?.unwrap_or(false) { ascii(&text) } else { text })
}

/// Refuses floats that JSON has no spelling for.
fn refuse_floats(value: &Value) -> Result<(), Error> {
    if matches!(value.kind(), ValueKind::Seq | ValueKind::Map) {
        for item in value.try_iter()? {
            refuse_floats(&if value.kind() == ValueKind::Map { value.get_item(&item)? } else { item })?;
        }
    }
    match printed::float(value).filter(|text| text.contains('n')) {
        Some(text) => Err(Error::new(ErrorKind::BadSerialization, format!("{text} has no spelling in JSON"))),
        None => Ok(()),
    }
}

/// `text` with `\u` escapes for all that is not ASCII.
fn ascii(text: &str) -> String {
    let escaped = |c: char| match c.is_ascii() {
        true => c.to_string(),
        false => c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect(),
    };
    text.chars().map(escaped).collect()
}
