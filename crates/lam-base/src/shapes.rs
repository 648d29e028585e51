//! The shipped model shapes, carried inside the binary, from 1 M parameters up to Mistral-7B's own.

use std::path::Path;

use lam_model::{DecoderConfig, TokenIds};
use lam_prompt::Tokenizer;

use crate::BaseError;

const SHAPES: &[(&str, &str)] = &[
    ("nano-1m", include_str!("../../../configs/model/nano-1m.json")),
    ("nano-2m", include_str!("../../../configs/model/nano-2m.json")),
    ("small-28m", include_str!("../../../configs/model/small-28m.json")),
    ("medium-160m", include_str!("../../../configs/model/medium-160m.json")),
    ("large-1b", include_str!("../../../configs/model/large-1b.json")),
    ("mistral-7b-v0.3", include_str!("../../../configs/model/mistral-7b-v0.3.json")),
];

/// The names of the shipped shapes, the smallest first.
pub fn shape_names() -> impl Iterator<Item = &'static str> {
    SHAPES.iter().map(|(name, _)| *name)
}

/// Whether a shape of this name is carried along.
pub(crate) fn is_shipped(name: &str) -> bool {
    shape_names().any(|shipped| shipped == name)
}

/// The configuration in a file in Hugging Face's form, or the shipped one of this name.
///
/// # Errors
/// A name that is neither, or a file that is no configuration of a known architecture.
pub fn model_config(name_or_path: &str) -> Result<DecoderConfig, BaseError> {
    let refuse = |reason: String, hint: String| BaseError::Config {
        key: "model_config",
        value: name_or_path.into(),
        reason,
        hint,
    };
    let shipped = SHAPES.iter().find(|(name, _)| *name == name_or_path).map(|(_, text)| (*text).to_owned());
    let text = match shipped {
        Some(text) => text,
        None => std::fs::read_to_string(Path::new(name_or_path)).map_err(|error| {
            let names: Vec<&str> = shape_names().collect();
            refuse(error.to_string(), format!("name a config.json, or one of {}", names.join(", ")))
        })?,
    };
    let config: DecoderConfig =
        serde_json::from_str(&text).map_err(|error| refuse(error.to_string(), String::new()))?;
    config.check()?;
    Ok(config)
}

/// The configuration with the special tokens of a tokenizer, for which it must have room.
///
/// # Errors
/// A tokenizer with more entries than the model.
pub fn with_special_tokens(config: DecoderConfig, tokenizer: &Tokenizer) -> Result<DecoderConfig, BaseError> {
    let entries = tokenizer.vocab_size();
    if entries > config.vocab_size {
        return Err(BaseError::Config {
            key: "vocab_size",
            value: config.vocab_size.to_string(),
            reason: format!("the tokenizer has {entries} entries"),
            hint: format!(
                "name a tokenizer with fewer entries, or a config.json whose `vocab_size` is {entries} or more"
            ),
        });
    }
    Ok(DecoderConfig {
        bos_token_id: tokenizer.bos(),
        eos_token_id: Some(TokenIds::One(tokenizer.eos())),
        pad_token_id: Some(tokenizer.pad()),
        ..config
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_shape_is_valid_and_an_unknown_one_is_refused_with_the_names() {
        for (name, _) in SHAPES {
            model_config(name).unwrap();
        }
        let error = model_config("nano-9z").unwrap_err().to_string();
        assert!(error.contains("`model_config` = nano-9z") && error.contains("nano-2m"), "{error}");
    }
}
