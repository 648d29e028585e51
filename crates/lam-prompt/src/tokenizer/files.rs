//! A tokenizer's files in a model directory: Hugging Face's names, readable by `tokenizers` and `transformers`.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::alphabet::{from_byte_chars, from_piece};
use super::{Script, SpecialNames, Tokenizer};
use crate::PromptError;

const TOKENIZER: &str = "tokenizer.json";
const CONFIG: &str = "tokenizer_config.json";
const SPECIAL: &str = "special_tokens_map.json";
const TEMPLATE: &str = "chat_template.jinja";
/// Files that are kept as they are when a tokenizer is saved elsewhere.
const COMPANIONS: [&str; 5] = [CONFIG, SPECIAL, TEMPLATE, "tokenizer.model", "added_tokens.json"];
const HINT: &str = "a model directory needs a tokenizer.json as the tokenizers library saves it";

impl Tokenizer {
    /// Reads the tokenizer of a model directory.
    ///
    /// # Errors
    /// A file that is missing or not understood, or a vocabulary without begin and end of sequence.
    pub fn load(dir: &Path) -> Result<Self, PromptError> {
        let path = dir.join(TOKENIZER);
        let json = std::fs::read(&path).map_err(|error| PromptError::file(&path, error))?;
        let names = read_names(dir)?;
        let mut tokenizer = Self::from_json(json, names).map_err(|reason| PromptError::format(&path, reason, HINT))?;
        for name in COMPANIONS {
            if let Ok(bytes) = std::fs::read(dir.join(name)) {
                tokenizer.files.insert(name, bytes);
            }
        }
        Ok(tokenizer)
    }

    /// Writes the tokenizer's files into a model directory: those it was read from, or those it was made with.
    ///
    /// # Errors
    /// A directory that cannot be written.
    pub fn save(&self, dir: &Path) -> Result<(), PromptError> {
        std::fs::create_dir_all(dir).map_err(|error| PromptError::file(dir, error))?;
        for (name, bytes) in &self.files {
            let path = dir.join(name);
            std::fs::write(&path, bytes).map_err(|error| PromptError::file(&path, error))?;
        }
        Ok(())
    }

    /// Adds the files that go with a tokenizer made here.
    pub(super) fn with_companions(mut self, template: &str) -> Self {
        let names = &self.names;
        let special = json!({
            "bos_token": names.bos, "eos_token": names.eos, "unk_token": names.unk, "pad_token": names.pad,
        });
        let mut config = special.clone();
        config["tokenizer_class"] = "PreTrainedTokenizerFast".into();
        config["clean_up_tokenization_spaces"] = false.into();
        config["padding_side"] = "left".into();
        config["model_max_length"] = 1_000_000.into();
        self.files.insert(SPECIAL, pretty(&special).into_bytes());
        self.files.insert(CONFIG, pretty(&config).into_bytes());
        self.files.insert(TEMPLATE, template.as_bytes().to_vec());
        self
    }

    /// The chat template of the directory, from its own file or from the tokenizer's configuration.
    pub(crate) fn chat_template(&self) -> Option<String> {
        if let Some(bytes) = self.files.get(TEMPLATE) {
            return String::from_utf8(bytes.clone()).ok();
        }
        let config: Value = serde_json::from_slice(self.files.get(CONFIG)?).ok()?;
        config["chat_template"].as_str().map(str::to_owned)
    }

    /// Builds the tokenizer from its JSON.
    pub(crate) fn from_json(json: Vec<u8>, names: SpecialNames) -> Result<Self, String> {
        let marked = tokenizers::Tokenizer::from_bytes(&json).map_err(|error| error.to_string())?;
        let mut plain = marked.clone();
        plain.set_encode_special_tokens(true);
        let ids: HashMap<String, u32> = marked.get_vocab(true).into_iter().collect();
        let find = |name: &str| ids.get(name).copied().ok_or_else(|| format!("the vocabulary has no `{name}`"));
        let (bos, eos, unk) = (find(&names.bos)?, find(&names.eos)?, find(&names.unk).ok());
        let pad = names.pad.as_deref().and_then(|name| ids.get(name).copied()).filter(|pad| *pad != eos);
        let pad = pad.or(unk).filter(|pad| *pad != eos).unwrap_or(bos);
        let script = if is_byte_level(&json) { Script::ByteLevel } else { Script::Pieces };
        let size = ids.values().max().map_or(0, |id| *id as usize + 1);
        let mut bytes = vec![Vec::new(); size];
        let mut special = vec![false; size];
        for (token, id) in &ids {
            bytes[*id as usize] = match script {
                Script::ByteLevel => from_byte_chars(token),
                Script::Pieces => from_piece(token),
            };
        }
        for (id, token) in marked.get_added_tokens_decoder() {
            bytes[id as usize] = token.content.into_bytes();
            special[id as usize] = token.special;
        }
        let hash = Sha256::digest(&json).iter().map(|byte| format!("{byte:02x}")).collect();
        let files = BTreeMap::from([(TOKENIZER, json)]);
        Ok(Self { marked, plain, files, names, ids, bytes: Arc::new(bytes), special, bos, eos, pad, hash })
    }
}

/// Whether a tokenizer.json describes a byte-level model.
fn is_byte_level(json: &[u8]) -> bool {
    let value: Value = serde_json::from_slice(json).unwrap_or_default();
    [&value["decoder"], &value["pre_tokenizer"]].iter().any(|part| part.to_string().contains("\"ByteLevel\""))
}

/// The special tokens' names as the directory's own files give them.
fn read_names(dir: &Path) -> Result<SpecialNames, PromptError> {
    let mut names = SpecialNames::default();
    for file in [SPECIAL, CONFIG] {
        let path = dir.join(file);
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let value: Value = serde_json::from_str(&text)
            .map_err(|error| PromptError::format(&path, error, "remove the file to use the usual special tokens"))?;
        let name = |key: &str| {
            let entry = &value[key];
            entry.as_str().or_else(|| entry["content"].as_str()).map(str::to_owned)
        };
        names.bos = name("bos_token").unwrap_or(names.bos);
        names.eos = name("eos_token").unwrap_or(names.eos);
        names.unk = name("unk_token").unwrap_or(names.unk);
        names.pad = name("pad_token").or(names.pad);
    }
    Ok(names)
}

fn pretty(value: &Value) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("values without maps of other keys serialise");
    text.push('\n');
    text
}
