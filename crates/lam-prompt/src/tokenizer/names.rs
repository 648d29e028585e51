//! The special tokens as a model directory's own files name them. Knows no vocabulary.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::PromptError;

pub(super) const TOKENIZER: &str = "tokenizer.json";
pub(crate) const TOKENIZER_CONFIG: &str = "tokenizer_config.json";
pub(crate) const CHAT_TEMPLATE: &str = "chat_template.jinja";
pub(super) const SPECIAL: &str = "special_tokens_map.json";

/// Names in the order in which transformers adds those that a vocabulary lacks.
const ORDER: [&str; 7] = ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];
/// A list of further ones.
const ADDITIONAL: &str = "additional_special_tokens";

/// Texts of the special tokens, under Hugging Face's names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SpecialNames(Map<String, Value>);

impl SpecialNames {
    /// The names that Llama's tokenizers have, and those made here.
    pub(crate) fn usual() -> Self {
        let all = json!({"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"});
        all.as_object().cloned().map(Self).unwrap_or_else(|| unreachable!("the literal above is an object"))
    }

    /// The names in the files of a tokenizer, which lie in `dir`. What they do not mention is as in Llama's tokenizers where they say no
    /// other class, and where the vocabulary `knows` it.
    ///
    /// # Errors
    /// A file that is no JSON object.
    pub(super) fn read(
        files: &BTreeMap<String, Vec<u8>>,
        dir: &Path,
        knows: impl Fn(&str) -> bool,
    ) -> Result<Self, PromptError> {
        let (mut names, mut class) = (Map::new(), None);
        for file in [SPECIAL, TOKENIZER_CONFIG] {
            let Some(config) = object_in(files, file, dir)? else { continue };
            class = config.get("tokenizer_class").and_then(Value::as_str).map(str::to_owned).or(class);
            for (key, entry) in config.into_iter().filter(|(key, _)| key.ends_with("_token") || key == ADDITIONAL) {
                let known = match entry {
                    Value::Null if names.contains_key(&key) => continue,
                    Value::Array(list) => list.iter().map(text).collect::<Option<Vec<_>>>().map(Value::from),
                    Value::Null => Some(Value::Null),
                    entry => text(&entry).map(Value::from),
                };
                names.extend(known.map(|value| (key, value)));
            }
        }
        if class.is_none_or(|class| class.contains("Llama")) {
            for (key, value) in Self::usual().0 {
                if !names.contains_key(&key) && key != "pad_token" && value.as_str().is_some_and(&knows) {
                    names.insert(key, value);
                }
            }
        }
        Ok(Self(names))
    }

    /// The text of one token, such as `eos_token`.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    /// All names with their texts, or lists of texts; none that is null.
    pub(crate) fn values(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| (name.as_str(), value))
    }

    /// The texts that must be tokens, in order.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        let more = self.0.get(ADDITIONAL).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        ORDER.iter().filter_map(|name| self.get(name)).chain(more)
    }
}

/// A token as its text, or as an object that holds it.
fn text(entry: &Value) -> Option<String> {
    entry.as_str().or_else(|| entry["content"].as_str()).map(str::to_owned)
}

/// The object in a file; none where there is no file.
pub(crate) fn read_object(path: &Path) -> Result<Option<Map<String, Value>>, PromptError> {
    match std::fs::read(path) {
        Ok(bytes) => object(&bytes, path).map(Some),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(PromptError::file(path, error)),
    }
}

/// The object in one of a tokenizer's files; none where there is no such file.
pub(super) fn object_in(
    files: &BTreeMap<String, Vec<u8>>,
    name: &str,
    dir: &Path,
) -> Result<Option<Map<String, Value>>, PromptError> {
    files.get(name).map(|bytes| object(bytes, &dir.join(name))).transpose()
}

fn object(bytes: &[u8], path: &Path) -> Result<Map<String, Value>, PromptError> {
    serde_json::from_slice(bytes).map_err(|error| PromptError::format(path, error, "it must be a JSON object"))
}

/// JSON for people to read.
pub(super) fn pretty(value: &Value) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("values without maps of other keys serialise");
    text.push('\n');
    text
}
