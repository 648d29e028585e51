//! The small files beside the weights: tokenizer, chat template, generation config, JSON. Knows no weights.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value};

use crate::ExportError;

const GENERATION: &str = "generation_config.json";

/// Refuses a model without its tokenizer.
pub fn need_tokenizer(model: &Path) -> Result<(), ExportError> {
    if lam_prompt::has_tokenizer(model) {
        return Ok(());
    }
    let hint = "a model is exported with the tokenizer it was trained with; lay it beside the weights";
    Err(ExportError::Missing { path: model.to_owned(), what: "tokenizer.json", hint })
}

/// Copies the tokenizer and its template byte for byte: the model is served in the form in which it was trained.
pub fn copy_tokenizer(from: &Path, to: &Path) -> Result<(), ExportError> {
    for (name, bytes) in lam_prompt::tokenizer_files(from)? {
        let target = to.join(&name);
        let parent = target.parent().unwrap_or(to);
        fs::create_dir_all(parent).map_err(ExportError::io("create directory", parent))?;
        fs::write(&target, bytes).map_err(ExportError::io("write", &target))?;
    }
    Ok(())
}

/// Keeps the model's own way of generating, if it says one.
pub fn copy_generation_config(from: &Path, to: &Path) -> Result<(), ExportError> {
    let source = from.join(GENERATION);
    if source.is_file() { copy(&source, &to.join(GENERATION)) } else { Ok(()) }
}

/// Copies a small file's bytes; not its mode, which may be private.
pub fn copy(from: &Path, to: &Path) -> Result<(), ExportError> {
    let bytes = fs::read(from).map_err(ExportError::io("read", from))?;
    Ok(lam_store::write_atomic(to, &bytes)?)
}

/// Reads a JSON object.
pub fn read_object(path: &Path) -> Result<Map<String, Value>, ExportError> {
    let text = fs::read_to_string(path).map_err(ExportError::io("read", path))?;
    serde_json::from_str(&text).map_err(|error| ExportError::file(path, format!("not a JSON object: {error}")))
}

/// Writes JSON for people to read.
pub fn write_json(path: &Path, value: &Value) -> Result<(), ExportError> {
    let mut text = serde_json::to_string_pretty(value).expect("a JSON value can be written");
    text.push('\n');
    Ok(lam_store::write_atomic(path, text.as_bytes())?)
}
