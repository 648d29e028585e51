//! Where a model directory keeps its chat template, in the order in which transformers looks. Knows no Jinja.

use serde_json::Value;

use crate::tokenizer::{ADDITIONAL_TEMPLATES, CHAT_TEMPLATE, TOKENIZER_CONFIG};
use crate::{PromptError, Tokenizer};

/// Multimodal models keep their template here; read where no other is.
const PROCESSOR_TEMPLATE: &str = "chat_template.json";
/// The template that is used where a list does not say which.
const DEFAULT: &str = "default";

/// A template as it lies in a directory.
pub(crate) struct Source {
    /// The template.
    pub(crate) text: String,
    /// Its file.
    pub(crate) file: String,
    /// How it is called in inspections.
    pub(crate) name: String,
}

/// The chat template of a tokenizer's own directory, if it has one.
///
/// # Errors
/// A list without a default, or what is neither a text nor a list of texts.
pub(crate) fn find(tokenizer: &Tokenizer, dir: &std::path::Path) -> Result<Option<Source>, PromptError> {
    for file in [format!("{ADDITIONAL_TEMPLATES}/{DEFAULT}.jinja"), CHAT_TEMPLATE.into()] {
        if let Some(text) = tokenizer.text_file(&file)? {
            return Ok(Some(Source { text, name: file.clone(), file }));
        }
    }
    // Where there are templates in files, transformers looks into no other.
    if let Some(other) = tokenizer.further_template() {
        let hint = "lay the one that is to be used beside the tokenizer as chat_template.jinja";
        return Err(PromptError::format(
            &dir.join(other),
            "further chat templates, and none of them is the default",
            hint,
        ));
    }
    for file in [TOKENIZER_CONFIG, PROCESSOR_TEMPLATE] {
        let refused = |reason: String, hint| PromptError::format(&dir.join(file), reason, hint);
        let Some(text) = tokenizer.text_file(file)? else { continue };
        let config: Value =
            serde_json::from_str(&text).map_err(|error| refused(error.to_string(), "it must be JSON"))?;
        match &config["chat_template"] {
            Value::Null => {}
            Value::String(text) => {
                return Ok(Some(Source { text: text.clone(), file: file.into(), name: file.into() }));
            }
            several => {
                let hint = "name one of them `default`, or write it to chat_template.jinja";
                let (text, count) = default_of(several).map_err(|reason| refused(reason, hint))?;
                let name = format!("{file} (`{DEFAULT}` of {count})");
                return Ok(Some(Source { text, file: file.into(), name }));
            }
        }
    }
    Ok(None)
}

/// The default of several templates: `[{"name": …, "template": …}, …]` or `{name: template, …}`.
fn default_of(several: &Value) -> Result<(String, usize), String> {
    let pairs: Option<Vec<(&str, &str)>> = match several {
        Value::Array(list) => {
            list.iter().map(|entry| Some((entry["name"].as_str()?, entry["template"].as_str()?))).collect()
        }
        Value::Object(map) => map.iter().map(|(name, text)| Some((name.as_str(), text.as_str()?))).collect(),
        _ => None,
    };
    let pairs = pairs.ok_or("`chat_template` is neither a text nor a list of {\"name\", \"template\"}")?;
    let names: Vec<&str> = pairs.iter().map(|(name, _)| *name).collect();
    let chosen = pairs.iter().rev().find(|(name, _)| *name == DEFAULT).map(|(_, text)| (*text).to_owned());
    chosen
        .map(|text| (text, pairs.len()))
        .ok_or_else(|| format!("`chat_template` lists {} and no `{DEFAULT}`", names.join(", ")))
}
