//! A tokenizer's files in a model directory: Hugging Face's names, readable by `tokenizers` and `transformers`.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::json;

use super::names::{CHAT_TEMPLATE, SPECIAL, TOKENIZER, TOKENIZER_CONFIG, object_in, pretty};
use super::{SpecialNames, Tokenizer, gguf};
use crate::PromptError;

/// Directory of further chat templates.
pub(crate) const ADDITIONAL_TEMPLATES: &str = "additional_chat_templates";
/// Files that go with a tokenizer and are kept as they are.
const FILES: [&str; 7] =
    [TOKENIZER, TOKENIZER_CONFIG, SPECIAL, CHAT_TEMPLATE, "chat_template.json", "tokenizer.model", "added_tokens.json"];
const HINT: &str = "a model directory needs a tokenizer.json as the tokenizers library saves it";

/// The files that go with a model's tokenizer, by their paths in its directory: they are copied from model to model. Those
/// of a GGUF file are made of what it says.
///
/// # Errors
/// A directory or a file that cannot be read, or a GGUF file whose tokenizer is of another kind.
pub fn tokenizer_files(dir: &Path) -> Result<BTreeMap<String, Vec<u8>>, PromptError> {
    if let Some(path) = lam_gguf::find(dir).map_err(gguf::opened)? {
        return gguf::files(&path);
    }
    let mut names: Vec<String> =
        FILES.iter().filter(|name| dir.join(name).is_file()).map(|&name| name.into()).collect();
    let templates = dir.join(ADDITIONAL_TEMPLATES);
    if templates.is_dir() {
        let entries: Result<Vec<_>, _> = std::fs::read_dir(&templates).and_then(Iterator::collect);
        let entries = entries.map_err(|error| PromptError::file(&templates, error))?;
        let further = entries.iter().map(|entry| entry.file_name().to_string_lossy().into_owned());
        let further = further.filter(|name| name.ends_with(".jinja"));
        names.extend(further.map(|name| format!("{ADDITIONAL_TEMPLATES}/{name}")));
    }
    let read = |name: String| {
        let path = dir.join(&name);
        let bytes = std::fs::read(&path).map_err(|error| PromptError::file(&path, error))?;
        Ok((name, bytes))
    };
    names.into_iter().map(read).collect()
}

/// Whether a model brings a tokenizer: a tokenizer.json, or a GGUF file.
pub fn has_tokenizer(dir: &Path) -> bool {
    dir.join(TOKENIZER).is_file() || lam_gguf::find(dir).is_ok_and(|found| found.is_some())
}

impl Tokenizer {
    /// Reads the tokenizer of a model directory, or of a GGUF file.
    ///
    /// # Errors
    /// A file that is missing or not understood, or a vocabulary without end of sequence.
    pub fn load(dir: &Path) -> Result<Self, PromptError> {
        let files = tokenizer_files(dir)?;
        let made_of = lam_gguf::find(dir).map_err(gguf::opened)?;
        let path = made_of.unwrap_or_else(|| dir.join(TOKENIZER));
        let json = match files.get(TOKENIZER) {
            Some(json) => json.clone(),
            None => std::fs::read(&path).map_err(|error| PromptError::file(&path, error))?,
        };
        let config = object_in(&files, TOKENIZER_CONFIG, dir)?.unwrap_or_default();
        let declared = config.get("added_tokens_decoder").cloned().unwrap_or_default();
        let refused = |reason| PromptError::Tokenizer { path: path.clone(), reason, hint: HINT };
        let draft = super::read::Draft::read(&json).map_err(refused)?.with_tokens(&declared).map_err(refused)?;
        let names = SpecialNames::read(&files, dir, |text| draft.knows(text))?;
        draft.build(files, names).map_err(refused)
    }

    /// Writes the tokenizer's files into a model directory: those it was read from, or those it was made with.
    ///
    /// # Errors
    /// A directory that cannot be written.
    pub fn save(&self, dir: &Path) -> Result<(), PromptError> {
        for (name, bytes) in &self.files {
            let path = dir.join(name);
            let parent = path.parent().unwrap_or(dir);
            std::fs::create_dir_all(parent).map_err(|error| PromptError::file(parent, error))?;
            std::fs::write(&path, bytes).map_err(|error| PromptError::file(&path, error))?;
        }
        Ok(())
    }

    /// A file that goes with the tokenizer, as text.
    ///
    /// # Errors
    /// Bytes that are no UTF-8.
    pub(crate) fn text_file(&self, name: &str) -> Result<Option<String>, PromptError> {
        let text = self.files.get(name).map(|bytes| String::from_utf8(bytes.clone())).transpose();
        text.map_err(|error| PromptError::format(Path::new(name), error, "it must be text in UTF-8"))
    }

    /// A chat template in the directory of further ones.
    pub(crate) fn further_template(&self) -> Option<&str> {
        self.files.keys().find(|name| name.starts_with(ADDITIONAL_TEMPLATES)).map(String::as_str)
    }

    /// Adds the files that go with a tokenizer made here.
    pub(super) fn with_companions(mut self, template: &str) -> Self {
        let named = |name| self.names.get(name);
        let special = json!({
            "bos_token": named("bos_token"), "eos_token": named("eos_token"),
            "unk_token": named("unk_token"), "pad_token": named("pad_token"),
        });
        let mut config = special.clone();
        config["tokenizer_class"] = "PreTrainedTokenizerFast".into();
        config["clean_up_tokenization_spaces"] = false.into();
        config["padding_side"] = "left".into();
        config["model_max_length"] = 1_000_000.into();
        self.files.insert(SPECIAL.into(), pretty(&special).into_bytes());
        self.files.insert(TOKENIZER_CONFIG.into(), pretty(&config).into_bytes());
        self.files.insert(CHAT_TEMPLATE.into(), template.as_bytes().to_vec());
        self
    }
}
