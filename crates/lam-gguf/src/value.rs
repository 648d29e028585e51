//! Values of the metadata.

use crate::GgufError;
use crate::cursor::Cursor;

/// Most entries of a list: rows of an embedding, and merges of its vocabulary.
const MOST: u64 = 1 << 22;
/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Whole numbers of all widths; those of 64 bits above the largest signed one are taken for that.
    Whole(i64),
    /// f32 and f64.
    Number(f64),
    /// A boolean.
    Switch(bool),
    /// A text.
    Text(String),
    /// A list of whole numbers or booleans.
    Wholes(Vec<i64>),
    /// A list of f32 or f64.
    Numbers(Vec<f64>),
    /// A list of texts.
    Texts(Vec<String>),
}

impl Value {
    pub(crate) fn read(cursor: &mut Cursor<'_>, key: &str) -> Result<Self, GgufError> {
        let what = format!("the value of `{key}`");
        match cursor.u32(&what)? {
            8 => Ok(Self::Text(cursor.text(&what)?)),
            9 => Self::list(cursor, &what),
            kind => scalar(cursor, kind, &what),
        }
    }

    fn list(cursor: &mut Cursor<'_>, what: &str) -> Result<Self, GgufError> {
        let (kind, count) = (cursor.u32(what)?, cursor.u64(what)?);
        let Some(least) = width(kind) else {
            return cursor.fault(format!("{what} is a list of values of type {kind}, which is not known"));
        };
        if count > MOST {
            return cursor.fault(format!("{what} is a list of {count} entries; known models have at most {MOST}"));
        }
        cursor.room(count, least, what)?;
        if kind == 8 {
            return Ok(Self::Texts((0..count).map(|_| cursor.text(what)).collect::<Result<_, _>>()?));
        }
        let mut values = (Vec::new(), Vec::new());
        for _ in 0..count {
            match scalar(cursor, kind, what)? {
                Self::Whole(value) => values.0.push(value),
                Self::Switch(value) => values.0.push(i64::from(value)),
                Self::Number(value) => values.1.push(value),
                _ => {}
            }
        }
        Ok(if matches!(kind, 6 | 12) { Self::Numbers(values.1) } else { Self::Wholes(values.0) })
    }

    /// Writes it with its type: whole numbers in the 32 bits that llama.cpp asks for, where they fit, lists of them signed;
    /// numbers in f32.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let mut put = |kind: u32, bytes: &[u8]| {
            out.extend(kind.to_le_bytes());
            out.extend(bytes);
        };
        match self {
            Self::Whole(value) => match (u32::try_from(*value), i32::try_from(*value)) {
                (Ok(value), _) => put(4, &value.to_le_bytes()),
                (_, Ok(value)) => put(5, &value.to_le_bytes()),
                _ => put(11, &value.to_le_bytes()),
            },
            Self::Number(value) => put(6, &(*value as f32).to_le_bytes()),
            Self::Switch(value) => put(7, &[u8::from(*value)]),
            Self::Text(text) => {
                put(8, &[]);
                put_text(text, out);
            }
            Self::Wholes(values) => {
                match values.iter().map(|value| i32::try_from(*value)).collect::<Result<Vec<_>, _>>() {
                    Ok(narrow) => write_list(5, narrow.iter().map(|value| value.to_le_bytes()), out),
                    Err(_) => write_list(11, values.iter().map(|value| value.to_le_bytes()), out),
                }
            }
            Self::Numbers(values) => write_list(6, values.iter().map(|value| (*value as f32).to_le_bytes()), out),
            Self::Texts(texts) => {
                write_list(8, texts.iter().map(|_| []), out);
                texts.iter().for_each(|text| put_text(text, out));
            }
        }
    }

    /// What it is, in words.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Whole(_) => "a whole number",
            Self::Number(_) => "a number",
            Self::Switch(_) => "a boolean",
            Self::Text(_) => "a text",
            Self::Wholes(_) => "a list of whole numbers",
            Self::Numbers(_) => "a list of numbers",
            Self::Texts(_) => "a list of texts",
        }
    }
}

/// A text with its length.
pub(crate) fn put_text(text: &str, out: &mut Vec<u8>) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}

/// A list's types, its length and its entries.
fn write_list<const N: usize>(kind: u32, entries: impl ExactSizeIterator<Item = [u8; N]>, out: &mut Vec<u8>) {
    out.extend(9_u32.to_le_bytes());
    out.extend(kind.to_le_bytes());
    out.extend((entries.len() as u64).to_le_bytes());
    entries.for_each(|entry| out.extend(entry));
}

/// Least bytes of a value of a type.
fn width(kind: u32) -> Option<u64> {
    match kind {
        0 | 1 | 7 => Some(1),
        2 | 3 => Some(2),
        4..=6 => Some(4),
        8 | 10..=12 => Some(8),
        _ => None,
    }
}

fn scalar(cursor: &mut Cursor<'_>, kind: u32, what: &str) -> Result<Value, GgufError> {
    Ok(match kind {
        0 => Value::Whole(i64::from(u8::from_le_bytes(cursor.array(what)?))),
        1 => Value::Whole(i64::from(i8::from_le_bytes(cursor.array(what)?))),
        2 => Value::Whole(i64::from(u16::from_le_bytes(cursor.array(what)?))),
        3 => Value::Whole(i64::from(i16::from_le_bytes(cursor.array(what)?))),
        4 => Value::Whole(i64::from(cursor.u32(what)?)),
        5 => Value::Whole(i64::from(i32::from_le_bytes(cursor.array(what)?))),
        6 => Value::Number(f64::from(f32::from_le_bytes(cursor.array(what)?))),
        7 => match cursor.array::<1>(what)? {
            [0] => Value::Switch(false),
            [1] => Value::Switch(true),
            [other] => return cursor.fault(format!("{what} is a boolean of value {other}")),
        },
        10 => Value::Whole(i64::try_from(cursor.u64(what)?).unwrap_or(i64::MAX)),
        11 => Value::Whole(i64::from_le_bytes(cursor.array(what)?)),
        12 => Value::Number(f64::from_le_bytes(cursor.array(what)?)),
        other => return cursor.fault(format!("{what} is of type {other}, which is not known")),
    })
}
