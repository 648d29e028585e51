//! `response_format`: text, any JSON object, or JSON of a schema.

use lam_prompt::OutputFormat;
use serde_json::{Value, json};

use super::fields::{Fields, missing};
use super::refuse_unless_empty;
use crate::refusal::Refusal;

/// What an answer must be, if anything is asked of it; fields that are not known are added to `unknown`.
pub fn read_format(fields: &Fields<'_>, unknown: &mut Vec<String>) -> Result<Option<OutputFormat>, Refusal> {
    let Some(value) = fields.get("response_format") else { return Ok(None) };
    let format = Fields::of(value, "response_format")?;
    let wanted = match format.needed_text("type")? {
        "json_schema" => {
            let named = format.get("json_schema").ok_or_else(|| missing("response_format.json_schema"))?;
            let named = Fields::of(named, "response_format.json_schema")?;
            let schema = named.get("schema").ok_or_else(|| missing("response_format.json_schema.schema"))?;
            // Answers fit the schema in any case.
            named.pass_over(&["name", "description", "strict"]);
            unknown.extend(named.unknown());
            Some(schema.clone())
        }
        // Elsewhere a schema may stand here too, and without it the answer would fit no schema.
        kind @ ("text" | "json_object") => {
            for name in ["json_schema", "schema"] {
                refuse_unless_empty(&format, name)?;
            }
            (kind == "json_object").then(any_object)
        }
        other => {
            let message = format!("`response_format.type` is `{other}`, must be text, json_object or json_schema");
            return Err(Refusal::of_field("response_format.type", message));
        }
    };
    unknown.extend(format.unknown());
    Ok(wanted.map(OutputFormat::JsonSchema))
}

/// The schema of `json_object`.
fn any_object() -> Value {
    json!({"type": "object"})
}

/// Whether any object will do.
pub fn is_any_object(format: &OutputFormat) -> bool {
    matches!(format, OutputFormat::JsonSchema(schema) if *schema == any_object())
}
