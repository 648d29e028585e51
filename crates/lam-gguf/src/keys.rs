//! How metadata is asked for: by key and kind, so that a value of another kind is refused by name.

use crate::{Gguf, GgufError, Value};

/// What a key of another kind means.
const OTHER_KIND: &str = "the file was written by a program that means something else by this key: fetch it again";

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
