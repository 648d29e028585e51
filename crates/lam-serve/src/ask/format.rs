//! `response_format`: text, any JSON object, or JSON of a schema.

use lam_prompt::OutputFormat;
use serde_json::json;

use super::fields::{Fields, missing};
use crate::refusal::Refusal;

/// What an answer must be, if anything is asked of it.
pub fn read_format(fields: &Fields<'_>) -> Result<Option<OutputFormat>, Refusal> {
    let Some(value) = fields.get("response_format") else { return Ok(None) };
    let format = Fields::of(value, "response_format")?;
    match format.needed_text("type")? {
        "text" => Ok(None),
        "json_object" => Ok(Some(OutputFormat::JsonSchema(json!({"type": "object"})))),
        "json_schema" => {
            let named = format.get("json_schema").ok_or_else(|| missing("response_format.json_schema"))?;
            let named = Fields::of(named, "response_format.json_schema")?;
            let schema = named.get("schema").ok_or_else(|| missing("response_format.json_schema.schema"))?;
            Ok(Some(OutputFormat::JsonSchema(schema.clone())))
        }
        other => {
            let message = format!("`response_format.type` is `{other}`, must be text, json_object or json_schema");
            Err(Refusal::of_field("response_format.type", message))
        }
    }
}
