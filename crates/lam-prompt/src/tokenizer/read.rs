//! A tokenizer.json read, checked and made ready: damaged or hostile files are refused before anything is built on them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::Value;
use sha2::{Digest, Sha256};
use tokenizers::AddedToken;

use super::alphabet::{from_byte_chars, from_piece, piece_byte};
use super::names::TOKENIZER;
use super::{Script, SpecialNames, Tokenizer};

/// Ids that a vocabulary may reach: a table of this many entries is allocated for them.
const MOST_IDS: usize = 1 << 22;
/// A text that every tokenizer here must take: control characters, letters, what a vocabulary has seldom.
const ANY_TEXT: &str = "\0 a\t{\"é\": '漢'}\u{1F600}\u{10FFFD}\n";
/// The settings of a tokenizer.json that would change a text's tokens behind the reader's back.
const SETTINGS: [(&str, &str); 3] =
    [("/truncation", "truncation"), ("/padding", "padding"), ("/model/dropout", "dropout of merges")];

/// A tokenizer whose special tokens have no names yet.
pub(super) struct Draft {
    json: Vec<u8>,
    value: Value,
    marked: tokenizers::Tokenizer,
    notes: Vec<String>,
}

impl Draft {
    /// Reads a tokenizer.json. Truncation and padding are reset, as transformers does; that is noted.
    pub(super) fn read(json: &[u8]) -> Result<Self, String> {
        let mut value: Value = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        let mut notes = Vec::new();
        for (place, name) in SETTINGS {
            if let Some(setting) = value.pointer_mut(place).filter(|setting| !setting.is_null()) {
                notes.push(format!("tokenizer.json asks for {name}, which is not applied: {setting}"));
                *setting = Value::Null;
            }
        }
        check_ids(&value)?;
        check_precompiled(&value["normalizer"])?;
        let marked: tokenizers::Tokenizer = serde_json::from_value(value.clone()).map_err(|error| error.to_string())?;
        check_added(&value, &marked)?;
        Ok(Self { json: json.to_vec(), value, marked, notes })
    }

    /// The same with the tokens that a tokenizer_config.json declares, as transformers adds them.
    pub(super) fn with_tokens(mut self, declared: &Value) -> Result<Self, String> {
        let entries = declared.as_object().into_iter().flatten();
        let mut entries: Vec<(u32, &Value)> =
            entries.filter_map(|(id, token)| Some((id.parse().ok()?, token))).collect();
        entries.sort_by_key(|(id, _)| *id);
        let tokens = entries.into_iter().map(|(id, token)| {
            serde_json::from_value::<AddedToken>(token.clone())
                .map_err(|error| format!("tokenizer_config.json: added_tokens_decoder, id {id}: {error}"))
        });
        let tokens = tokens.collect::<Result<Vec<_>, _>>()?;
        self.marked.add_tokens(tokens).map_err(|error| error.to_string())?;
        Ok(self)
    }

    pub(super) fn knows(&self, token: &str) -> bool {
        self.marked.token_to_id(token).is_some()
    }

    /// The tokenizer. Special tokens that the vocabulary has only as text, or not at all, are added, as in transformers:
    /// the latter with the ids after it.
    pub(super) fn build(
        mut self,
        mut files: BTreeMap<String, Vec<u8>>,
        names: SpecialNames,
    ) -> Result<Tokenizer, String> {
        let added = self.marked.get_added_vocabulary().get_vocab();
        let lacking = names.texts().filter(|text| !added.contains_key(*text)).map(|text| AddedToken::from(text, true));
        let lacking: Vec<AddedToken> = lacking.collect();
        self.marked.add_special_tokens(lacking).map_err(|error| error.to_string())?;
        let mut plain = self.marked.clone();
        plain.set_encode_special_tokens(true);
        plain.encode_fast(ANY_TEXT, false).map_err(|error| format!("not every text can be written in it: {error}"))?;
        let ids: HashMap<String, u32> = self.marked.get_vocab(true).into_iter().collect();
        let id = |name: &str| names.get(name).and_then(|text| ids.get(text).copied());
        let usual_end = names.get("eos_token").unwrap_or("</s>");
        let eos = ids.get(usual_end).copied();
        let eos = eos.ok_or_else(|| format!("the vocabulary has no `{usual_end}`, the end of sequence"))?;
        let (bos, unk) = (id("bos_token"), id("unk_token").or_else(|| ids.get("<unk>").copied()));
        let pad = id("pad_token").or_else(|| ids.get("<pad>").copied());
        let pad = [pad, unk, bos].into_iter().flatten().find(|pad| *pad != eos).unwrap_or(u32::from(eos == 0));
        let (bytes, special) = self.spellings(&ids)?;
        let hash = Sha256::digest(&self.json).iter().map(|byte| format!("{byte:02x}")).collect();
        files.insert(TOKENIZER.into(), self.json);
        let (marked, notes, bytes, shares) = (self.marked, self.notes, Arc::new(bytes), Arc::default());
        Ok(Tokenizer { marked, plain, files, names, ids, bytes, special, bos, eos, pad, hash, notes, shares })
    }

    /// What each id stands for, and whether it is special.
    fn spellings(&self, ids: &HashMap<String, u32>) -> Result<(Vec<Vec<u8>>, Vec<bool>), String> {
        let script = if is_byte_level(&self.value) { Script::ByteLevel } else { Script::Pieces };
        let size = ids.values().max().map_or(0, |id| *id as usize + 1);
        if size > MOST_IDS {
            return Err(format!("id {} is too high; ids are rows of an embedding, at most {MOST_IDS}", size - 1));
        }
        let (mut bytes, mut special) = (vec![Vec::new(); size], vec![false; size]);
        for (token, id) in ids {
            bytes[*id as usize] = match script {
                Script::ByteLevel => from_byte_chars(token),
                Script::Pieces => from_piece(token),
            };
        }
        let falls_back = self.value["model"]["byte_fallback"] == true;
        for (id, token) in self.marked.get_added_tokens_decoder() {
            // Some vocabularies mark their bytes as special; they are what texts are made of all the same.
            if falls_back && piece_byte(&token.content).is_some() {
                continue;
            }
            bytes[id as usize] = token.content.into_bytes();
            special[id as usize] = token.special;
        }
        Ok((bytes, special))
    }
}

/// Refuses a vocabulary in which one id stands for two entries, or that reaches too far.
fn check_ids(value: &Value) -> Result<(), String> {
    let vocabulary = &value["model"]["vocab"];
    let mut names: HashMap<u64, &str> = HashMap::new();
    for (token, id) in vocabulary.as_object().into_iter().flatten() {
        let id = id.as_u64().ok_or_else(|| format!("model.vocab: `{token}` has the id {id}, no whole number"))?;
        if id >= MOST_IDS as u64 {
            return Err(format!(
                "model.vocab: `{token}` has the id {id}; ids are rows of an embedding, at most {MOST_IDS}"
            ));
        }
        if let Some(other) = names.insert(id, token) {
            return Err(format!("model.vocab: `{other}` and `{token}` have one id, {id}"));
        }
    }
    Ok(())
}

/// Refuses added tokens that get another id than the file says, which happens where ids are missing before them.
fn check_added(value: &Value, marked: &tokenizers::Tokenizer) -> Result<(), String> {
    let mut names: HashMap<u32, &str> = HashMap::new();
    for token in value["added_tokens"].as_array().into_iter().flatten() {
        let (Some(text), Some(written)) = (token["content"].as_str(), token["id"].as_u64()) else { continue };
        let id = marked.token_to_id(text);
        if let Some(id) = id.filter(|id| u64::from(*id) != written) {
            return Err(format!("added_tokens: `{text}` has the id {written}, but becomes {id} when it is read"));
        }
        let other = id.and_then(|id| names.insert(id, text)).filter(|other| *other != text);
        if let Some(other) = other {
            return Err(format!("added_tokens: `{other}` and `{text}` have one id, {written}"));
        }
        let entry = id.and_then(|id| tokenizers::Model::id_to_token(marked.get_model(), id));
        if let Some(entry) = entry.filter(|entry| entry != text) {
            return Err(format!("`{entry}` of the vocabulary and the added token `{text}` have one id, {written}"));
        }
    }
    Ok(())
}

/// Refuses character maps that the tokenizers library cannot read.
fn check_precompiled(normalizer: &Value) -> Result<(), String> {
    if normalizer["type"] == "Precompiled" {
        let read = serde_json::from_value::<tokenizers::normalizers::Precompiled>(normalizer.clone());
        read.map_err(|error| format!("normalizer, precompiled_charsmap: {error}"))?;
    }
    normalizer["normalizers"].as_array().into_iter().flatten().try_for_each(check_precompiled)
}

/// Whether a tokenizer.json describes a byte-level model.
pub(super) fn is_byte_level(value: &Value) -> bool {
    [&value["decoder"], &value["pre_tokenizer"]].iter().any(|part| part.to_string().contains("\"ByteLevel\""))
}
