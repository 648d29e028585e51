//! JSON schemas as llguidance takes them. Knows no tokens.

use llguidance::JsonCompileOptions;
use serde_json::Value;

use crate::PromptError;

/// The schema, with the separators that `json.dumps` writes where it does not name its own.
pub(super) fn spaced(schema: &Value) -> Result<Value, PromptError> {
    let mut schema = match schema {
        Value::Bool(true) => Value::Object(serde_json::Map::new()),
        other => other.clone(),
    };
    let Some(fields) = schema.as_object_mut() else {
        let reason = format!("{schema} is neither an object nor true");
        return Err(PromptError::output(
            "JSON schema",
            &reason,
            "a schema is an object such as {\"type\": \"object\"}",
        ));
    };
    if !fields.contains_key("x-guidance") {
        let (item_separator, key_separator) = (", ".to_owned(), ": ".to_owned());
        let options =
            JsonCompileOptions { item_separator, key_separator, whitespace_flexible: false, ..Default::default() };
        options.apply_to(&mut schema);
    }
    Ok(schema)
}
