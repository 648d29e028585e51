//! How many tokens a text has at least, without splitting it: each of them stands for some of its bytes, and no token with
//! a byte in it is longer than the longest such.

use serde_json::Value;
use tokenizers::ModelWrapper;

use super::Tokenizer;
use super::alphabet::byte_chars;
use crate::PromptError;

/// One token, in the parts that its bytes are counted in.
const WHOLE: u64 = 1 << 32;
/// A space in SentencePiece's pieces.
const SPACE: &str = "▁";

/// The least share of a token that a byte of a text is.
#[derive(Debug)]
pub(super) struct Shares {
    of: [u64; 256],
    /// Whether characters may be composed: then those of ASCII alone are left as they are, where another one follows.
    composes: bool,
}

impl Tokenizer {
    /// Tokens that a text has at least, wherever it stands; 0 where that cannot be said, as of a tokenizer that leaves
    /// parts of a text out.
    pub(crate) fn least_tokens(&self, text: &str) -> usize {
        let Some(shares) = self.shares.get_or_init(|| self.find_shares()) else { return 0 };
        let bytes = text.as_bytes();
        let share = |byte: &u8| shares.of[usize::from(*byte)];
        let sum: u64 = match shares.composes {
            true => bytes.windows(2).filter(|pair| pair.is_ascii()).map(|pair| share(&pair[0])).sum(),
            false => bytes.iter().map(share).sum(),
        };
        usize::try_from(sum / WHOLE).unwrap_or(usize::MAX)
    }

    /// Refuses texts that have more than `most` tokens together with `before` others, as far as that shows.
    ///
    /// # Errors
    /// With both numbers.
    pub(crate) fn check_fits<'t>(
        &self,
        before: usize,
        texts: impl IntoIterator<Item = &'t str>,
        most: usize,
    ) -> Result<(), PromptError> {
        if most == usize::MAX {
            return Ok(());
        }
        let least = before + texts.into_iter().map(|text| self.least_tokens(text)).sum::<usize>();
        if least > most { Err(PromptError::TooLong { least, most }) } else { Ok(()) }
    }

    /// The shares of bytes, if every byte of a text is in some token.
    fn find_shares(&self) -> Option<Shares> {
        let part = |part: Option<Value>| part.filter(|value| !value.is_null());
        let normalizer = part(serde_json::to_value(self.marked.get_normalizer()).ok());
        let splitter = part(serde_json::to_value(self.marked.get_pre_tokenizer()).ok());
        let ModelWrapper::BPE(model) = self.marked.get_model() else { return None };
        let is_none = |text: &Option<String>| text.as_ref().is_none_or(String::is_empty);
        if !is_none(&model.continuing_subword_prefix) || !is_none(&model.end_of_word_suffix) {
            return None;
        }
        let normalizers = normalizer.map(|value| steps(&value, "normalizers")).unwrap_or_default();
        let splitters = splitter.map(|value| steps(&value, "pretokenizers")).unwrap_or_default();
        let is_bytes = |step: &Value| step["type"] == "ByteLevel";
        let is_byte_level = normalizers.iter().chain(&splitters).any(is_bytes);
        if !(is_byte_level || model.byte_fallback) || !self.writes_every_byte(is_byte_level) {
            return None;
        }
        if !normalizers.iter().all(keeps_bytes) || !splitters.iter().all(keeps_text) {
            return None;
        }
        let mut longest = [1_u64; 256];
        for token in self.bytes.iter() {
            let is_spaced = String::from_utf8_lossy(token).contains(SPACE);
            for byte in token.iter().chain(is_spaced.then_some(&b' ')) {
                let known = &mut longest[usize::from(*byte)];
                *known = (*known).max(token.len() as u64);
            }
        }
        let mut of = longest.map(|longest| WHOLE / longest);
        let strips = self.marked.get_added_tokens_decoder().into_values().any(|token| token.lstrip || token.rstrip);
        if strips {
            // Such a token takes the white space around it.
            (b'\t'..=b'\r').chain([b' ']).for_each(|byte| of[usize::from(byte)] = 0);
        }
        Some(Shares { of, composes: strips || normalizers.iter().any(composes) })
    }

    /// Whether each byte that text may have is a token of the vocabulary.
    fn writes_every_byte(&self, is_byte_level: bool) -> bool {
        let chars = byte_chars();
        let name = |byte: u8| match is_byte_level {
            true => chars[usize::from(byte)].to_string(),
            false => format!("<0x{byte:02X}>"),
        };
        (0..=0xF4).filter(|byte| !matches!(byte, 0xC0 | 0xC1)).all(|byte| self.token_id(&name(byte)).is_some())
    }
}

/// The steps of a normalizer or of a splitter, one after the other.
fn steps(value: &Value, list: &str) -> Vec<Value> {
    match value[list].as_array() {
        Some(inner) => inner.iter().flat_map(|value| steps(value, list)).collect(),
        None => vec![value.clone()],
    }
}

/// Whether a normalizer leaves every byte of a text, or composes characters.
fn keeps_bytes(normalizer: &Value) -> bool {
    match normalizer["type"].as_str() {
        Some("ByteLevel" | "Prepend") => true,
        Some("Replace") => normalizer["pattern"]["String"] == " " && normalizer["content"] == SPACE,
        _ => composes(normalizer),
    }
}

/// Whether a normalizer is one of Unicode's forms.
fn composes(normalizer: &Value) -> bool {
    matches!(normalizer["type"].as_str(), Some("NFC" | "NFD" | "NFKC" | "NFKD"))
}

/// Whether a splitter leaves nothing out.
fn keeps_text(splitter: &Value) -> bool {
    match splitter["type"].as_str() {
        Some("ByteLevel" | "Metaspace" | "Digits" | "UnicodeScripts") => true,
        Some("Split" | "Punctuation") => splitter["behavior"].as_str().is_some_and(|behavior| behavior != "Removed"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rand::seq::IndexedRandom;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use serde_json::json;

    use super::super::names::TOKENIZER;
    use super::*;
    use crate::TokenizerConfig;

    const PIECES: [&str; 20] = [
        "make",
        " the",
        "title ",
        "bold",
        "e\u{301}",
        "\u{212A}",
        "\u{1112}\u{1161}\u{11AB}",
        "é",
        " ",
        "    ",
        "\n\n",
        "\t",
        "漢字",
        "\u{1F600}",
        "</s>",
        "<|do|>",
        "▁",
        "ﬁ",
        "<x>",
        "0123456789",
    ];

    /// A tokenizer of long words, with another value at some places of its file.
    fn tokenizer(changes: &[(&str, Value)]) -> Tokenizer {
        let words = vec!["internationalization".to_owned(), "title".to_owned()];
        let config = TokenizerConfig { vocab_size: 420, labels: 0, words };
        let own = Tokenizer::train(&["make the title bold, make the title bold"], &config).unwrap();
        let mut value: Value = serde_json::from_slice(&own.files[TOKENIZER]).unwrap();
        for (place, change) in changes {
            *value.pointer_mut(place).unwrap() = change.clone();
        }
        let draft = super::super::read::Draft::read(value.to_string().as_bytes()).unwrap();
        draft.build(BTreeMap::new(), super::super::SpecialNames::usual()).unwrap()
    }

    #[test]
    fn no_text_has_fewer_tokens_and_long_ones_not_many_more() {
        let added = |strip: bool| {
            json!({"id": 0, "content": "<unk>", "single_word": false, "lstrip": strip,
            "rstrip": strip, "normalized": false, "special": true})
        };
        let form = |kind: &str| json!({"type": kind});
        let several = json!({"type": "Sequence", "normalizers": [form("NFKC"), {"type": "Prepend", "prepend": "x"}]});
        let all = [
            tokenizer(&[]),
            tokenizer(&[("/normalizer", form("NFC"))]),
            tokenizer(&[("/normalizer", form("NFD"))]),
            tokenizer(&[("/normalizer", several)]),
            tokenizer(&[("/added_tokens/0", added(true))]),
        ];
        let mut random = ChaCha8Rng::seed_from_u64(4);
        for tokenizer in &all {
            for length in (0..60).chain([2000]) {
                let mut text: String = (0..length).map(|_| *PIECES.choose(&mut random).unwrap()).collect();
                if random.random_bool(0.3) {
                    text += "<unk>    <unk>";
                }
                let none = crate::tokenizer::Cover::none();
                let fewest = tokenizer.encode(&text).len().min(tokenizer.encode_rendered(&text, &none).unwrap().len());
                assert!(tokenizer.least_tokens(&text) <= fewest, "{text:?}");
            }
            let words = "make the title bold, 12 times. ".repeat(100);
            let (least, tokens) = (tokenizer.least_tokens(&words), tokenizer.encode(&words).len());
            assert!(least * 40 > tokens, "{least} of {tokens}");
        }
    }

    #[test]
    fn of_a_tokenizer_that_leaves_something_out_nothing_is_said() {
        let text = "make the title bold".repeat(1000);
        for (place, change) in [
            ("/normalizer", json!({"type": "Lowercase"})),
            ("/normalizer", json!({"type": "Strip", "strip_left": true, "strip_right": true})),
            ("/normalizer", json!({"type": "Replace", "pattern": {"String": "make"}, "content": ""})),
            ("/pre_tokenizer/pretokenizers/0/behavior", json!("Removed")),
            ("/pre_tokenizer/pretokenizers/0", json!({"type": "WhitespaceSplit"})),
            ("/model/end_of_word_suffix", json!("</w>")),
        ] {
            assert_eq!(tokenizer(&[(place, change)]).least_tokens(&text), 0, "{place}");
        }
    }
}
