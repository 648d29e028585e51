//! Values of the metadata, and how they are asked for: by key and kind, so that one of another kind is refused by name.

use crate::cursor::Cursor;
use crate::{Gguf, GgufError};

/// Most entries of a list: rows of an embedding, and merges of its vocabulary.
const MOST: u64 = 1 << 22;
/// What a key of another kind means.
const OTHER_KIND: &str = "the file was written by a program that means something else by this key: fetch it again";

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

    fn kind(&self) -> &'static str {
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
        0 => Value::Whole(i64::from(u8::from_le_bytes(cursor.number(what)?))),
        1 => Value::Whole(i64::from(i8::from_le_bytes(cursor.number(what)?))),
        2 => Value::Whole(i64::from(u16::from_le_bytes(cursor.number(what)?))),
        3 => Value::Whole(i64::from(i16::from_le_bytes(cursor.number(what)?))),
        4 => Value::Whole(i64::from(cursor.u32(what)?)),
        5 => Value::Whole(i64::from(i32::from_le_bytes(cursor.number(what)?))),
        6 => Value::Number(f64::from(f32::from_le_bytes(cursor.number(what)?))),
        7 => match cursor.number::<1>(what)? {
            [0] => Value::Switch(false),
            [1] => Value::Switch(true),
            [other] => return cursor.fault(format!("{what} is a boolean of value {other}")),
        },
        10 => Value::Whole(i64::try_from(cursor.u64(what)?).unwrap_or(i64::MAX)),
        11 => Value::Whole(i64::from_le_bytes(cursor.number(what)?)),
        12 => Value::Number(f64::from_le_bytes(cursor.number(what)?)),
        other => return cursor.fault(format!("{what} is of type {other}, which is not known")),
    })
}

impl Gguf {
    fn get<'a, T>(
        &'a self,
        key: &str,
        wanted: &str,
        take: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, GgufError> {
        let Some(value) = self.metadata.get(key) else { return Ok(None) };
        let fault = || format!("`{key}` is {}, expected {wanted}", value.kind());
        take(value).map(Some).ok_or_else(|| GgufError::file(&self.path, fault(), OTHER_KIND))
    }

    /// A text; none where there is no such key.
    ///
    /// # Errors
    /// A value of another kind; so with the others.
    pub fn text(&self, key: &str) -> Result<Option<&str>, GgufError> {
        self.get(key, "a text", |value| if let Value::Text(text) = value { Some(text.as_str()) } else { None })
    }

    /// A whole number that is not negative.
    ///
    /// # Errors
    /// As [`Gguf::text`].
    pub fn whole(&self, key: &str) -> Result<Option<u64>, GgufError> {
        let take = |value: &Value| if let Value::Whole(value) = value { u64::try_from(*value).ok() } else { None };
        self.get(key, "a whole number from 0 on", take)
    }

    /// A number.
    ///
    /// # Errors
    /// As [`Gguf::text`].
    pub fn number(&self, key: &str) -> Result<Option<f64>, GgufError> {
        self.get(key, "a number", |value| match value {
            Value::Number(value) => Some(*value),
            Value::Whole(value) => Some(*value as f64),
            _ => None,
        })
    }

    /// A boolean.
    ///
    /// # Errors
    /// As [`Gguf::text`].
    pub fn switch(&self, key: &str) -> Result<Option<bool>, GgufError> {
        self.get(key, "a boolean", |value| if let Value::Switch(value) = value { Some(*value) } else { None })
    }

    /// A list of texts.
    ///
    /// # Errors
    /// As [`Gguf::text`].
    pub fn texts(&self, key: &str) -> Result<Option<&[String]>, GgufError> {
        self.get(
            key,
            "a list of texts",
            |value| if let Value::Texts(texts) = value { Some(texts.as_slice()) } else { None },
        )
    }

    /// A list of whole numbers.
    ///
    /// # Errors
    /// As [`Gguf::text`].
    pub fn wholes(&self, key: &str) -> Result<Option<&[i64]>, GgufError> {
        self.get(key, "a list of whole numbers", |value| match value {
            Value::Wholes(values) => Some(values.as_slice()),
            _ => None,
        })
    }

    /// A list of numbers.
    ///
    /// # Errors
    /// As [`Gguf::text`].
    pub fn numbers(&self, key: &str) -> Result<Option<&[f64]>, GgufError> {
        self.get(key, "a list of numbers", |value| match value {
            Value::Numbers(values) => Some(values.as_slice()),
            _ => None,
        })
    }

    /// A whole number that may be written down for each layer, alike in all of them.
    pub(crate) fn alike(&self, key: &str) -> Result<Option<u64>, GgufError> {
        let Some(Value::Wholes(values)) = self.metadata.get(key) else { return self.whole(key) };
        match values.split_first() {
            Some((first, rest)) if *first >= 0 && rest.iter().all(|value| value == first) => Ok(Some(*first as u64)),
            _ => {
                let hint = "all layers are alike here: take another model";
                Err(GgufError::file(&self.path, format!("`{key}` differs from layer to layer"), hint))
            }
        }
    }
}
