//! The tokenizer of a GGUF file as the files that a model directory would have: `tokenizer.json`, `tokenizer_config.json`
//! and the chat template. Byte-level pairs (`gpt2`) and SentencePiece's (`llama`), whose merges follow from the scores; or
//! a whole `tokenizer.json`, where the file brings one.

mod words;
mod write;

use std::collections::BTreeMap;
use std::path::Path;

use lam_gguf::{Gguf, GgufError};
use serde_json::{Map, Value, json};

use super::names::{CHAT_TEMPLATE, TOKENIZER, TOKENIZER_CONFIG, pretty};
use crate::PromptError;
use words::Words;
pub use write::GgufTokenizer;
pub(crate) use write::gguf_keys;

const OTHER: &str = "take the model in Hugging Face's files, with its tokenizer.json";
/// Bytes of a token at most; the longest of known vocabularies have some hundred. Merges are looked for at every place of
/// each token: of a long one, that takes the square of its length.
const LONGEST: usize = 1024;
/// The key of a `tokenizer.json` that the file brings whole.
const WHOLE: &str = "tokenizer.huggingface.json";
const MODEL: &str = "tokenizer.ggml.model";
const PRE: &str = "tokenizer.ggml.pre";
const TOKENS: &str = "tokenizer.ggml.tokens";
const KINDS: &str = "tokenizer.ggml.token_type";
const SCORES: &str = "tokenizer.ggml.scores";
const MERGES: &str = "tokenizer.ggml.merges";
const ADDS_BOS: &str = "tokenizer.ggml.add_bos_token";
const ADDS_SPACE: &str = "tokenizer.ggml.add_space_prefix";
pub(crate) const TEMPLATE: &str = "tokenizer.chat_template";
/// Kinds of tokens.
const NORMAL: i64 = 1;
const UNKNOWN: i64 = 2;
/// Those that stand for themselves wherever they are meant: `<s>`, and texts that somebody added.
const CONTROL: i64 = 3;
const USER_DEFINED: i64 = 4;
/// Rows of the embedding without a token.
const UNUSED: i64 = 5;
const BYTE: i64 = 6;
/// The names of special tokens, and the keys of their ids.
const SPECIAL: [(&str, &str); 4] = [
    ("bos_token", "tokenizer.ggml.bos_token_id"),
    ("eos_token", "tokenizer.ggml.eos_token_id"),
    ("unk_token", "tokenizer.ggml.unknown_token_id"),
    ("pad_token", "tokenizer.ggml.padding_token_id"),
];

/// What a file says of its vocabulary.
struct Vocabulary<'a> {
    gguf: &'a Gguf,
    tokens: &'a [String],
    /// Kinds of the tokens; empty where the file does not say.
    kinds: &'a [i64],
}

/// The files by name.
pub(super) fn files(path: &Path) -> Result<BTreeMap<String, Vec<u8>>, PromptError> {
    let gguf = Gguf::open(path).map_err(opened)?;
    let vocabulary = Vocabulary::of(&gguf)?;
    let mut files = BTreeMap::new();
    let mut put = |name: &str, value: &Value| files.insert(name.to_owned(), pretty(value).into_bytes());
    put(TOKENIZER_CONFIG, &Value::Object(vocabulary.config()?));
    match vocabulary.whole()? {
        Some(whole) => drop(files.insert(TOKENIZER.to_owned(), whole.as_bytes().to_vec())),
        None => drop(put(TOKENIZER, &vocabulary.tokenizer()?)),
    }
    if let Some(template) = gguf.text(TEMPLATE).map_err(opened)? {
        files.insert(CHAT_TEMPLATE.into(), template.as_bytes().to_vec());
    }
    Ok(files)
}

/// The config of the model in a GGUF file, as its config.json would have it; none where `place` is no such file.
pub(crate) fn model_config(place: &Path) -> Result<Option<Map<String, Value>>, PromptError> {
    let found = lam_gguf::find(place).map_err(opened)?;
    found.map(|path| Gguf::open(&path).and_then(|gguf| gguf.config()).map_err(opened)).transpose()
}

pub(super) fn opened(error: GgufError) -> PromptError {
    match error {
        GgufError::Io { path, source } => PromptError::File { path, source },
        GgufError::File { path, reason, hint } => PromptError::Format { path, reason, hint: hint.to_owned() },
    }
}

impl<'a> Vocabulary<'a> {
    fn of(gguf: &'a Gguf) -> Result<Self, PromptError> {
        let (tokens, kinds) = (TOKENS, KINDS);
        let found = gguf.texts(tokens).map_err(opened)?;
        let kinds_found = gguf.wholes(kinds).map_err(opened)?.unwrap_or_default();
        let this = Self { gguf, tokens: found.unwrap_or_default(), kinds: kinds_found };
        if this.tokens.is_empty() {
            return Err(this.fault(format!("`{tokens}` is missing: the file brings no tokenizer")));
        }
        if !this.kinds.is_empty() && this.kinds.len() != this.tokens.len() {
            return Err(this.fault(format!(
                "`{kinds}` has {} entries for {} tokens",
                this.kinds.len(),
                this.tokens.len()
            )));
        }
        let mut known = std::collections::HashMap::new();
        for (id, token) in this.tokens.iter().enumerate() {
            if token.len() > LONGEST {
                return Err(this.fault(format!("`{tokens}`: token {id} has {} bytes", token.len())));
            }
            if let Some(other) = known.insert(token, id) {
                return Err(this.fault(format!("`{tokens}`: tokens {other} and {id} are both `{token}`")));
            }
        }
        Ok(this)
    }

    fn fault(&self, reason: String) -> PromptError {
        PromptError::format(&self.gguf.path, reason, OTHER)
    }

    fn kind(&self, id: usize) -> i64 {
        self.kinds.get(id).copied().unwrap_or(NORMAL)
    }

    /// The entries, without those that only fill the embedding's rows.
    fn entries(&self) -> impl Iterator<Item = (usize, &'a String)> {
        let is_filler = |id: usize, token: &str| self.kind(id) == UNUSED && token == filler(id);
        self.tokens.iter().enumerate().filter(move |(id, token)| !is_filler(*id, token))
    }

    /// The `tokenizer.json` that the file brings.
    fn whole(&self) -> Result<Option<&'a str>, PromptError> {
        self.gguf.text(WHOLE).map_err(opened)
    }

    /// The special tokens that the file names.
    fn special(&self) -> Result<Vec<(&'static str, &'a str)>, PromptError> {
        let mut named = Vec::new();
        for (name, key) in SPECIAL {
            let Some(id) = self.gguf.whole(key).map_err(opened)? else { continue };
            let token = usize::try_from(id).ok().and_then(|id| self.tokens.get(id));
            let Some(token) = token else {
                return Err(self.fault(format!("`{key}` = {id}, the vocabulary has {} tokens", self.tokens.len())));
            };
            named.push((name, token.as_str()));
        }
        Ok(named)
    }

    /// `tokenizer_config.json`.
    fn config(&self) -> Result<Map<String, Value>, PromptError> {
        let special = self.special()?.into_iter().map(|(name, token)| (name.to_owned(), Value::from(token)));
        let mut config: Map<String, Value> = special.collect();
        config.insert("tokenizer_class".into(), "PreTrainedTokenizerFast".into());
        config.insert("clean_up_tokenization_spaces".into(), false.into());
        Ok(config)
    }

    /// `tokenizer.json`.
    fn tokenizer(&self) -> Result<Value, PromptError> {
        let key = MODEL;
        let words = match self.gguf.text(key).map_err(opened)? {
            Some("gpt2") => self.byte_level()?,
            Some("llama") => self.pieces()?,
            other => {
                let reason = format!("`{key}` = {}; known are `gpt2` and `llama`", other.unwrap_or("(missing)"));
                return Err(self.fault(reason));
            }
        };
        let vocab: Map<String, Value> = self.entries().map(|(id, token)| (token.clone(), id.into())).collect();
        let special = self.special()?;
        let named = |name: &str| special.iter().find(|(known, _)| *known == name).map(|(_, token)| *token);
        let adds_bos = self.gguf.switch(ADDS_BOS).map_err(opened)?.unwrap_or(words.adds_bos);
        Ok(json!({
            "version": "1.0", "truncation": null, "padding": null,
            "added_tokens": self.added(&special),
            "normalizer": words.normalizer,
            "pre_tokenizer": words.pre_tokenizer,
            "post_processor": named("bos_token").filter(|_| adds_bos).map(|bos| self.with_bos(bos)),
            "decoder": words.decoder,
            "model": {
                "type": "BPE", "dropout": null, "continuing_subword_prefix": null, "end_of_word_suffix": null,
                "unk_token": named("unk_token").filter(|_| words.falls_back),
                "fuse_unk": words.falls_back, "byte_fallback": words.falls_back,
                "ignore_merges": words.ignores_merges, "vocab": vocab, "merges": words.merges,
            },
        }))
    }

    /// Tokens that are taken for what they are before a text is cut into words.
    fn added(&self, special: &[(&str, &str)]) -> Vec<Value> {
        let is_named = |token: &str| special.iter().any(|(_, known)| *known == token);
        let tokens = self.tokens.iter().enumerate().filter_map(|(id, token)| {
            let is_special = matches!(self.kind(id), CONTROL | UNKNOWN) || is_named(token);
            (is_special || self.kind(id) == USER_DEFINED).then(|| {
                json!({
                    "id": id, "content": token, "single_word": false, "lstrip": false, "rstrip": false,
                    "normalized": false, "special": is_special,
                })
            })
        });
        tokens.collect()
    }

    /// What puts the begin of sequence before a text.
    fn with_bos(&self, bos: &str) -> Value {
        let id = self.tokens.iter().position(|token| token == bos).unwrap_or_default();
        let (before, text) =
            (json!({"SpecialToken": {"id": bos, "type_id": 0}}), json!({"Sequence": {"id": "A", "type_id": 0}}));
        let other = json!([
            before, text, {"SpecialToken": {"id": bos, "type_id": 1}}, {"Sequence": {"id": "B", "type_id": 1}},
        ]);
        json!({
            "type": "TemplateProcessing", "single": [before, text], "pair": other,
            "special_tokens": {bos: {"id": bos, "ids": [id], "tokens": [bos]}},
        })
    }

    /// Byte-level pairs, whose merges stand in the file.
    fn byte_level(&self) -> Result<Words, PromptError> {
        let (key, merges) = (PRE, MERGES);
        let named = self.gguf.text(key).map_err(opened)?.unwrap_or("(missing)");
        let Some(words) = words::byte_level(named) else {
            return Err(
                self.fault(format!("`{key}` = {named}: it is not known how this tokenizer cuts texts into words"))
            );
        };
        let Some(found) = self.gguf.texts(merges).map_err(opened)? else {
            return Err(self.fault(format!("`{merges}` is missing")));
        };
        let pair = |(place, merge): (usize, &String)| {
            let pair = merge.split_once(' ').map(|(left, right)| (left.to_owned(), right.to_owned()));
            pair.ok_or_else(|| self.fault(format!("`{merges}`: merge {place} is `{merge}`, no two pieces")))
        };
        Ok(Words { merges: found.iter().enumerate().map(pair).collect::<Result<_, _>>()?, ..words })
    }

    /// SentencePiece's pairs.
    fn pieces(&self) -> Result<Words, PromptError> {
        let key = SCORES;
        let scores = self.gguf.numbers(key).map_err(opened)?.unwrap_or_default();
        if scores.len() != self.tokens.len() {
            return Err(self.fault(format!("`{key}` has {} entries for {} tokens", scores.len(), self.tokens.len())));
        }
        let prefixed = self.gguf.switch(ADDS_SPACE).map_err(opened)?.unwrap_or(true);
        let ordinary = |id: usize| self.kind(id) == NORMAL;
        Ok(Words { merges: words::merges(self.tokens, scores, ordinary), ..words::pieces(prefixed) })
    }
}

/// What stands in the place of a token that an embedding has a row for, as llama.cpp's converters write it.
fn filler(id: usize) -> String {
    format!("[PAD{id}]")
}
