//! Makes a tokenizer from nothing: special tokens, the 256 bytes, whole words, then byte pairs from a corpus.
//!
//! Whole words need no merges of their own, because the model looks a word up before it splits it
//! (`ignore_merges`); so each costs one entry, and the byte pairs are learned from the other words only.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokenizers::models::TrainerWrapper;
use tokenizers::models::bpe::BpeTrainer;
use tokenizers::{OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer};

use super::alphabet::{byte_chars, to_byte_chars};
use super::read::Draft;
use super::{MARKERS, SpecialNames, Tokenizer};
use crate::PromptError;

/// A word with the space before it, a run of other characters with the space before it, or spaces.
pub(super) const WORD: &str = r" ?[\p{L}\p{N}_]+| ?[^\s\p{L}\p{N}_]+|\s+(?!\S)|\s+";

/// Chat template for readers and servers: messages hold the compact template's own markup.
pub(crate) const COMPACT_TEMPLATE: &str = "{{- bos_token -}}{%- for message in messages -%}{{- message['content'] -}}\
{%- if message['role'] == 'assistant' -%}{{- eos_token -}}{%- endif -%}{%- endfor -%}\n";

/// Words of the answers' form.
const FORM_WORDS: [&str; 4] = ["CONTINUE", "FINISH", "true", "false"];

/// How a tokenizer is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TokenizerConfig {
    /// Most entries the vocabulary may have, special tokens and bytes included.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub vocab_size: usize,
    /// Labels "1" to this number are single tokens.
    #[schemars(range(min = 0, max = 10_000))]
    pub labels: usize,
    /// Texts whose words are single tokens (with the space before them), such as names of controls and functions.
    pub words: Vec<String>,
}

impl Default for TokenizerConfig {
    fn default() -> Self {
        Self { vocab_size: 2048, labels: 128, words: Vec::new() }
    }
}

impl Tokenizer {
    /// Makes a tokenizer from `corpus`. The same corpus and configuration give the same bytes.
    ///
    /// # Errors
    /// When the words alone do not fit into the vocabulary.
    pub fn train<S: AsRef<str>>(corpus: &[S], config: &TokenizerConfig) -> Result<Self, PromptError> {
        let mut entries = base_entries();
        let words = whole_words(config);
        entries.extend(words.iter().cloned());
        let entries = without_repetition(entries);
        if entries.len() > config.vocab_size {
            let reason =
                format!("vocab_size {} is smaller than the {} entries asked for", config.vocab_size, entries.len());
            return Err(PromptError::train(reason, "raise vocab_size, or ask for fewer words"));
        }
        let draft = build(&base_entries(), &[])?;
        let rest = other_words(&draft, corpus, &words);
        let merges = learn(draft, &rest, config.vocab_size)?;
        let (entries, merges) = fill(entries, merges, config.vocab_size);
        Ok(build(&entries, &merges)?.with_companions(COMPACT_TEMPLATE))
    }
}

/// Special tokens, markers and bytes, in the order of their ids.
fn base_entries() -> Vec<String> {
    let names = SpecialNames::usual();
    let named = ["unk_token", "bos_token", "eos_token", "pad_token"].into_iter().filter_map(|name| names.get(name));
    let mut entries: Vec<String> = named.map(str::to_owned).collect();
    entries.extend(MARKERS.iter().map(|marker| (*marker).to_owned()));
    entries.extend(byte_chars().iter().map(char::to_string));
    entries
}

/// The words that get an entry each, as the vocabulary writes them, with the space before them.
fn whole_words(config: &TokenizerConfig) -> Vec<String> {
    let labels = (1..=config.labels).map(|label| label.to_string());
    let form = FORM_WORDS.iter().map(|word| (*word).to_owned());
    let asked = config.words.iter().flat_map(|text| text.split(|c: char| !c.is_alphanumeric() && c != '_'));
    let words = form.chain(labels).chain(asked.map(str::to_owned)).filter(|word| !word.is_empty());
    words.map(|word| to_byte_chars(&format!(" {word}"))).collect()
}

fn without_repetition(entries: Vec<String>) -> Vec<String> {
    let mut known = BTreeSet::new();
    entries.into_iter().filter(|entry| known.insert(entry.clone())).collect()
}

/// Every word of the corpus, each time it occurs, that has no entry of its own.
fn other_words<S: AsRef<str>>(draft: &Tokenizer, corpus: &[S], words: &[String]) -> Vec<String> {
    let known: BTreeSet<&String> = words.iter().collect();
    let splitter = draft.marked.get_pre_tokenizer().expect("the draft was built with one");
    let mut rest = Vec::new();
    for text in corpus {
        let mut pieces = PreTokenizedString::from(text.as_ref());
        splitter.pre_tokenize(&mut pieces).expect("byte-level splitting takes any text");
        for (piece, (start, end), _) in pieces.get_splits(OffsetReferential::Original, OffsetType::Byte) {
            if !known.contains(&piece.to_owned()) {
                rest.push(text.as_ref()[start..end].to_owned());
            }
        }
    }
    rest
}

/// The byte pairs that the `tokenizers` trainer finds, most useful first.
fn learn(draft: Tokenizer, words: &[String], vocab_size: usize) -> Result<Vec<(String, String)>, PromptError> {
    let trainer = BpeTrainer::builder()
        .vocab_size(vocab_size)
        .min_frequency(2)
        .show_progress(false)
        .initial_alphabet(byte_chars().into_iter().collect())
        .build();
    let mut inner = draft.marked;
    let failed = |error: tokenizers::Error| PromptError::train(error, "look at the corpus");
    inner.train(&mut TrainerWrapper::BpeTrainer(trainer), words.iter()).map_err(failed)?;
    let model = serde_json::to_value(inner.get_model()).unwrap_or_default();
    let pairs = model["merges"].as_array().cloned().unwrap_or_default();
    Ok(pairs.iter().filter_map(as_pair).collect())
}

/// A merge as the model's JSON writes it.
pub(super) fn as_pair(merge: &Value) -> Option<(String, String)> {
    match merge {
        Value::String(text) => text.split_once(' ').map(|(left, right)| (left.to_owned(), right.to_owned())),
        _ => Some((merge[0].as_str()?.to_owned(), merge[1].as_str()?.to_owned())),
    }
}

/// Adds merges, and the entries they make, until the vocabulary is full.
fn fill(
    mut entries: Vec<String>,
    merges: Vec<(String, String)>,
    vocab_size: usize,
) -> (Vec<String>, Vec<(String, String)>) {
    let mut known: BTreeSet<String> = entries.iter().cloned().collect();
    let mut kept = Vec::new();
    for (left, right) in merges {
        let entry = format!("{left}{right}");
        if !known.contains(&entry) {
            if entries.len() == vocab_size {
                break;
            }
            known.insert(entry.clone());
            entries.push(entry);
        }
        kept.push((left, right));
    }
    (entries, kept)
}

/// The tokenizer with these entries, ids in their order.
fn build(entries: &[String], merges: &[(String, String)]) -> Result<Tokenizer, PromptError> {
    let specials = 4 + MARKERS.len();
    let added: Vec<Value> =
        entries[..specials].iter().enumerate().map(|(id, content)| added_token(id, content)).collect();
    let vocab: serde_json::Map<String, Value> =
        entries.iter().enumerate().map(|(id, entry)| (entry.clone(), Value::from(id))).collect();
    let split = json!({"type": "Split", "pattern": {"Regex": WORD}, "behavior": "Isolated", "invert": false});
    let bytes = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false});
    let json = json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": added,
        "normalizer": null,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, bytes]},
        "post_processor": null,
        "decoder": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false},
        "model": {
            "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "ignore_merges": true,
            "vocab": vocab, "merges": merges,
        },
    });
    let text = serde_json::to_vec_pretty(&json).expect("a value with string keys serialises");
    let draft = Draft::read(&text);
    draft
        .and_then(|draft| draft.build(BTreeMap::new(), SpecialNames::usual()))
        .map_err(|reason| PromptError::train(reason, "this is a defect of lam-prompt"))
}

fn added_token(id: usize, content: &str) -> Value {
    json!({
        "id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
        "normalized": false, "special": true,
    })
}
