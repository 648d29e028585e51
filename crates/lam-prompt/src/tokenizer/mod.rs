//! A tokenizer as the rest of the crate sees it: text to ids, ids to bytes, and the special tokens.
//!
//! Wraps the `tokenizers` crate. Special tokens are recognised only where a template puts them: text that spells
//! one is tokenised as ordinary characters.

mod alphabet;
mod files;
mod gguf;
mod least;
mod markers;
mod names;
mod read;
mod rendered;
mod train;

pub(crate) use files::ADDITIONAL_TEMPLATES;
pub use files::{has_tokenizer, tokenizer_files};
pub use gguf::GgufTokenizer;
pub(crate) use gguf::{TEMPLATE as GGUF_TEMPLATE, gguf_keys, model_config};
pub use markers::MARKERS;
pub(crate) use names::{CHAT_TEMPLATE, SpecialNames, TOKENIZER_CONFIG, read_object};
pub(crate) use rendered::{Cover, Reserved};
pub(crate) use train::COMPACT_TEMPLATE;
pub use train::TokenizerConfig;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

use self::least::Shares;

/// The alphabet in which a vocabulary's entries are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Script {
    /// GPT-2's byte characters.
    ByteLevel,
    /// SentencePiece's pieces.
    Pieces,
}

/// Text to ids and back.
#[derive(Clone)]
pub struct Tokenizer {
    /// Recognises special tokens in a text.
    marked: tokenizers::Tokenizer,
    /// Takes them for ordinary text.
    plain: tokenizers::Tokenizer,
    /// The files it came from or is saved as, by name.
    files: BTreeMap<String, Vec<u8>>,
    names: SpecialNames,
    ids: HashMap<String, u32>,
    bytes: Arc<Vec<Vec<u8>>>,
    special: Vec<bool>,
    bos: Option<u32>,
    eos: u32,
    pad: u32,
    hash: String,
    notes: Vec<String>,
    /// What is known of the length of a text's tokens, once it was asked for.
    shares: Arc<OnceLock<Option<Shares>>>,
}

impl Tokenizer {
    /// The ids of `text`, in which nothing is a special token.
    pub fn encode(&self, text: &str) -> Vec<u32> {
        if text.is_empty() {
            return Vec::new();
        }
        match self.plain.encode_fast(text, false) {
            Ok(encoding) => encoding.get_ids().to_vec(),
            // Any character can be encoded; a text that is too long for the splitter is encoded in halves.
            Err(_) => {
                match text.char_indices().map(|(place, _)| place).find(|place| *place > 0 && 2 * place >= text.len()) {
                    Some(middle) => [self.encode(&text[..middle]), self.encode(&text[middle..])].concat(),
                    None => Vec::new(),
                }
            }
        }
    }

    /// The text of `ids`, special tokens written out. Bytes that are not UTF-8 become U+FFFD.
    pub fn decode(&self, ids: &[u32]) -> String {
        let bytes: Vec<u8> = ids.iter().flat_map(|id| self.token_bytes(*id)).copied().collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The bytes that a token stands for; empty for an id outside the vocabulary.
    pub fn token_bytes(&self, id: u32) -> &[u8] {
        self.bytes.get(id as usize).map_or(&[], Vec::as_slice)
    }

    /// Whether a text's tokens stand for exactly that text; SentencePiece puts a space before it.
    pub(crate) fn writes_text_as_it_is(&self) -> bool {
        self.decode(&self.encode("a")) == "a"
    }

    /// Whether an id is a special token.
    pub fn is_special(&self, id: u32) -> bool {
        self.special.get(id as usize).copied().unwrap_or(false)
    }

    /// Whether an id is a token that was added to the model's vocabulary.
    pub fn is_added(&self, id: u32) -> bool {
        self.marked.get_added_vocabulary().get_added_tokens_decoder().contains_key(&id)
    }

    /// The id of a vocabulary entry, written as in the files.
    pub fn token_id(&self, token: &str) -> Option<u32> {
        self.ids.get(token).copied()
    }

    /// How many ids there are: the highest one plus one.
    pub fn vocab_size(&self) -> usize {
        self.bytes.len()
    }

    /// Begin of sequence; some tokenizers have none.
    pub fn bos(&self) -> Option<u32> {
        self.bos
    }

    /// End of sequence.
    pub fn eos(&self) -> u32 {
        self.eos
    }

    /// Padding, never the end of sequence.
    pub fn pad(&self) -> u32 {
        self.pad
    }

    /// SHA-256 of tokenizer.json, hex.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// What in its files is not followed, for people to read.
    pub(crate) fn notes(&self) -> &[String] {
        &self.notes
    }

    /// How the special tokens are written.
    pub(crate) fn names(&self) -> &SpecialNames {
        &self.names
    }

    /// The ids of all tokens that are not special, ascending.
    pub(crate) fn text_ids(&self) -> Vec<u32> {
        let size = u32::try_from(self.vocab_size()).expect("vocabularies are far smaller than 4 billion");
        (0..size).filter(|id| !self.is_special(*id) && !self.token_bytes(*id).is_empty()).collect()
    }
}
