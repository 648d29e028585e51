//! What kinds of values the keys of a JSON configuration take, so that one of another kind is refused by its name.

use serde_json::{Map, Value};

/// A kind of values.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Whole,
    Number,
    Switch,
    Text,
    Table,
    /// A token's id.
    Id,
    /// A token's id, or a list of ids.
    Ids,
    /// A whole number, or a list of them.
    Wholes,
    /// A text, or a list of texts.
    Texts,
    /// A list of texts.
    List,
    /// A list of whole numbers, or a table of such lists.
    Rows,
}

impl Kind {
    fn has(self, value: &Value) -> bool {
        let is_id = |value: &Value| value.as_u64().is_some_and(|id| u32::try_from(id).is_ok());
        let is_list = |each: &dyn Fn(&Value) -> bool| value.as_array().is_some_and(|list| list.iter().all(each));
        match self {
            Self::Whole => value.is_u64(),
            Self::Number => value.is_number(),
            Self::Switch => value.is_boolean(),
            Self::Text => value.is_string(),
            Self::Table => value.is_object(),
            Self::Id => is_id(value),
            Self::Ids => is_id(value) || is_list(&is_id),
            Self::Wholes => value.is_u64() || is_list(&Value::is_u64),
            Self::Texts => value.is_string() || is_list(&Value::is_string),
            Self::List => is_list(&Value::is_string),
            Self::Rows => value.is_object() || is_list(&Value::is_u64),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Whole => "a whole number",
            Self::Number => "a number",
            Self::Switch => "true or false",
            Self::Text => "a text",
            Self::Table => "an object",
            Self::Id => "a token's id",
            Self::Ids => "a token's id, or a list of them",
            Self::Wholes => "a whole number, or a list of them",
            Self::Texts => "a text, or a list of them",
            Self::List => "a list of texts",
            Self::Rows => "a list of token ids, or an object with such lists",
        }
    }
}

/// Refuses a value of another kind than its key takes; null, and what is not there, is fine.
pub(crate) fn refuse_other_kinds<'k>(
    keys: &Map<String, Value>,
    kinds: impl IntoIterator<Item = (&'k str, Kind)>,
) -> Result<(), String> {
    for (key, kind) in kinds {
        match keys.get(key) {
            Some(value) if !value.is_null() && !kind.has(value) => {
                return Err(format!("`{key}` = {value}: must be {}", kind.name()));
            }
            _ => {}
        }
    }
    Ok(())
}
