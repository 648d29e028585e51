//! How tokenizers of other programs cut texts into words and words into pieces, in the `tokenizers` library's terms: what
//! llama.cpp keeps in its own code under a name. Knows no file.

use std::collections::HashMap;

use serde_json::{Value, json};

/// A tokenizer without its vocabulary.
pub(super) struct Words {
    pub(super) normalizer: Value,
    pub(super) pre_tokenizer: Value,
    pub(super) decoder: Value,
    /// Pairs, those that are merged first before the others.
    pub(super) merges: Vec<(String, String)>,
    /// Whether a word that is an entry is not built of pairs.
    pub(super) ignores_merges: bool,
    /// Whether characters that are no entries are written as their bytes.
    pub(super) falls_back: bool,
    /// Whether a text begins with the begin of sequence, where nothing else is said.
    pub(super) adds_bos: bool,
}

const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN2: &str =
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const TEKKEN: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// Names of ways to cut, one for each that differs.
const NAMES: [&str; 6] = ["gpt-2", "llama-bpe", "smaug-bpe", "qwen2", "tekken", "smollm"];

/// llama.cpp's name for how a byte-level `tokenizer.json` cuts texts; none where it has no name for it.
pub(super) fn name_of(tokenizer: &Value) -> Option<&'static str> {
    let asked = cuts(&tokenizer["pre_tokenizer"])?;
    let normal = |normalizer: &Value| (!normalizer.is_null()).then(|| normalizer.clone());
    NAMES.into_iter().find(|name| {
        let words = byte_level(name).expect("the name stands in the list");
        cuts(&words.pre_tokenizer).as_ref() == Some(&asked)
            && normal(&words.normalizer) == normal(&tokenizer["normalizer"])
            && words.ignores_merges == (tokenizer["model"]["ignore_merges"] == true)
    })
}

/// The expressions by which a pre-tokenizer cuts, one after the other; none where it does something else.
fn cuts(pre_tokenizer: &Value) -> Option<Vec<String>> {
    let one = std::slice::from_ref(pre_tokenizer);
    let parts = pre_tokenizer["pretokenizers"].as_array().map_or(one, Vec::as_slice);
    let mut cuts = Vec::new();
    for part in parts {
        match part["type"].as_str()? {
            "Split" if part["behavior"] == "Isolated" && part["invert"] == false => {
                cuts.push(part["pattern"]["Regex"].as_str()?.to_owned());
            }
            "Digits" if part["individual_digits"] == true => cuts.push(r"\p{N}".to_owned()),
            "ByteLevel" if part["add_prefix_space"] == false => {
                cuts.extend((part["use_regex"] != false).then(|| GPT2.to_owned()));
            }
            _ => return None,
        }
    }
    Some(cuts)
}

/// Byte-level pairs under llama.cpp's name for how words are cut; none where the name is not known.
pub(super) fn byte_level(name: &str) -> Option<Words> {
    let (pattern, nfc, ignores_merges, adds_bos) = match name {
        "gpt-2" | "gpt2" => (GPT2, false, false, false),
        "llama3" | "llama-v3" | "llama-bpe" | "falcon3" | "pixtral" => (LLAMA3, false, true, true),
        "smaug-bpe" | "dbrx" => (LLAMA3, false, false, false),
        "qwen2" | "deepseek-r1-qwen" => (QWEN2, true, false, false),
        "tekken" => (TEKKEN, false, true, true),
        "smollm" => (GPT2, false, false, false),
        _ => return None,
    };
    let split = json!({"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": false});
    let digits = json!({"type": "Digits", "individual_digits": true});
    let bytes = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false});
    let parts = if name == "smollm" { json!([digits, split, bytes]) } else { json!([split, bytes]) };
    Some(Words {
        normalizer: if nfc { json!({"type": "NFC"}) } else { Value::Null },
        pre_tokenizer: json!({"type": "Sequence", "pretokenizers": parts}),
        decoder: bytes,
        merges: Vec::new(),
        ignores_merges,
        falls_back: false,
        adds_bos,
    })
}

/// SentencePiece's pairs: spaces are written as `▁`, one before the text if it is `prefixed`.
pub(super) fn pieces(prefixed: bool) -> Words {
    let spaces = json!({"type": "Replace", "pattern": {"String": " "}, "content": "▁"});
    let before = json!({"type": "Prepend", "prepend": "▁"});
    let mut decoders = vec![
        json!({"type": "Replace", "pattern": {"String": "▁"}, "content": " "}),
        json!({"type": "ByteFallback"}),
        json!({"type": "Fuse"}),
    ];
    if prefixed {
        decoders.push(json!({"type": "Strip", "content": " ", "start": 1, "stop": 0}));
    }
    let normalizers = if prefixed { json!([before, spaces]) } else { json!([spaces]) };
    Words {
        normalizer: json!({"type": "Sequence", "normalizers": normalizers}),
        pre_tokenizer: Value::Null,
        decoder: json!({"type": "Sequence", "decoders": decoders}),
        merges: Vec::new(),
        ignores_merges: false,
        falls_back: true,
        adds_bos: true,
    }
}

/// The merges that a vocabulary with scores stands for, as transformers derives them: every way in which an `ordinary`
/// entry is two others, the best entry first.
pub(super) fn merges(tokens: &[String], scores: &[f64], ordinary: impl Fn(usize) -> bool) -> Vec<(String, String)> {
    let entries = tokens.iter().enumerate().filter(|(id, _)| ordinary(*id));
    let ids: HashMap<&str, usize> = entries.clone().map(|(id, token)| (token.as_str(), id)).collect();
    let mut found = Vec::new();
    for (id, token) in entries {
        let cuts = token.char_indices().skip(1).map(|(place, _)| token.split_at(place));
        let mut pairs: Vec<_> =
            cuts.filter_map(|(left, right)| Some((*ids.get(left)?, *ids.get(right)?, left, right))).collect();
        pairs.sort_by_key(|(left, right, ..)| (*left, *right));
        let letters = |text: &str| text.chars().count();
        found.extend(
            pairs.into_iter().map(|(_, _, left, right)| (scores[id], letters(left), letters(right), left, right)),
        );
    }
    found.sort_by(|one, other| other.0.total_cmp(&one.0).then((other.1, other.2).cmp(&(one.1, one.2))));
    found.into_iter().map(|(.., left, right)| (left.to_owned(), right.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_to_cut_are_known_by_their_names() {
        for name in NAMES {
            let words = byte_level(name).unwrap();
            let tokenizer = json!({"normalizer": words.normalizer, "pre_tokenizer": words.pre_tokenizer,
                "model": {"ignore_merges": words.ignores_merges}});
            assert_eq!(name_of(&tokenizer), Some(name));
        }
        // As GPT-2's own file says it.
        let own = json!({"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true}});
        assert_eq!(name_of(&own), Some("gpt-2"));
        let other = json!({"pre_tokenizer": {"type": "Split", "pattern": {"Regex": "a"}, "behavior": "Isolated", "invert": false}});
        assert_eq!(name_of(&other), None);
    }

    #[test]
    fn merges_follow_from_scores() {
        let tokens = ["<s>", "a", "b", "c", "ab", "bc", "abc", "s>"].map(str::to_owned);
        let scores = [0.0, -4.0, -5.0, -6.0, -2.0, -1.0, -3.0, -7.0];
        let found = merges(&tokens, &scores, |id| id > 0);
        let found: Vec<(&str, &str)> = found.iter().map(|(left, right)| (left.as_str(), right.as_str())).collect();
        // from transformers.tokenization_utils_base import generate_merges
        // tokens, scores = ["a", "b", "c", "ab", "bc", "abc", "s>"], [-4., -5, -6, -2, -1, -3, -7]
        // generate_merges({t: i + 1 for i, t in enumerate(tokens)}, dict(zip(tokens, scores)))
        assert_eq!(found, [("b", "c"), ("a", "b"), ("ab", "c"), ("a", "bc")]);
    }
}
