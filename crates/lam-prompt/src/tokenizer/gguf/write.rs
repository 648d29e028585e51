//! A tokenizer as the keys of a GGUF file: the way back from what this folder reads. Where llama.cpp's keys cannot say all
//! of it, they say what is nearest, and the file brings the whole `tokenizer.json` beside them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use lam_gguf::{Gguf, Value};
use serde_json::Value as Json;

use super::super::alphabet::piece_byte;
use super::super::names::{TOKENIZER, pretty};
use super::super::read::{Draft, is_byte_level};
use super::super::train::{WORD, as_pair};
use super::super::{Cover, MARKERS, Tokenizer};
use super::{
    ADDS_BOS, ADDS_SPACE, BYTE, CONTROL, KINDS, MERGES, MODEL, NORMAL, PRE, SCORES, SPECIAL, TOKENS, UNKNOWN, UNUSED,
    USER_DEFINED, Vocabulary, WHOLE, filler, words,
};
use crate::PromptError;

/// What llama.cpp has that is nearest to a tokenizer made here: it looks words up before it builds them of pairs.
const NEAREST: &str = "llama-bpe";
const OTHER: &str = "export the model as `merged`: Hugging Face's files hold any tokenizer";

/// What a GGUF file says of a tokenizer.
pub struct GgufTokenizer {
    /// The keys.
    pub metadata: BTreeMap<String, Value>,
    /// The tokenizer, and as llama.cpp makes it of the keys; none where both are the same.
    apart: Option<Box<(Tokenizer, Tokenizer)>>,
}

impl GgufTokenizer {
    /// Whether a begin of sequence is put before a text.
    pub fn adds_bos(&self) -> bool {
        self.metadata.get(ADDS_BOS) == Some(&Value::Switch(true))
    }

    /// How many of these texts, special tokens written out, llama.cpp writes in other tokens; none where it has the same
    /// tokenizer.
    ///
    /// # Errors
    /// A text that cannot be split.
    pub fn in_other_tokens(&self, texts: &[String]) -> Result<Option<usize>, PromptError> {
        let Some(apart) = &self.apart else { return Ok(None) };
        let no_cover = Cover::none();
        let mut others = 0;
        for text in texts {
            let (own, theirs) = (&apart.0, &apart.1);
            let is_other = own.encode_rendered(text, &no_cover)? != theirs.encode_rendered(text, &no_cover)?;
            others += usize::from(is_other);
        }
        Ok(Some(others))
    }
}

/// What a GGUF file says of a tokenizer, which comes from `dir`, for an embedding of so many rows.
///
/// # Errors
/// A tokenizer of another kind than pairs, one that cuts texts into words in a way for which llama.cpp has no name, or one
/// with more entries than rows.
pub(crate) fn gguf_keys(tokenizer: &Tokenizer, dir: &Path, rows: usize) -> Result<GgufTokenizer, PromptError> {
    let written = Written::of(tokenizer, dir)?;
    let mut metadata = written.vocabulary(rows)?;
    let mut made = written.in_llama_cpp(&metadata)?;
    if written.is_made_here() {
        written.keep_words_whole(&mut metadata, &made.0);
        made = written.in_llama_cpp(&metadata)?;
    }
    let is_same = written.is_said_by(&made.1);
    if !is_same {
        metadata.insert(WHOLE.into(), Value::Text(written.whole()));
    }
    written.add_special(&mut metadata);
    let apart = (!is_same).then(|| Box::new((tokenizer.clone(), made.0)));
    Ok(GgufTokenizer { metadata, apart })
}

/// A tokenizer that is written.
struct Written<'t> {
    tokenizer: &'t Tokenizer,
    dir: &'t Path,
    /// As its `tokenizer.json` would be.
    json: Json,
}

impl<'t> Written<'t> {
    fn of(tokenizer: &'t Tokenizer, dir: &'t Path) -> Result<Self, PromptError> {
        let json = serde_json::to_value(&tokenizer.marked).map_err(|error| PromptError::format(dir, error, OTHER))?;
        let written = Self { tokenizer, dir, json };
        match written.json["model"]["type"].as_str() {
            Some("BPE") => Ok(written),
            other => Err(written.fault(format!("is a {}; known are pairs (BPE)", other.unwrap_or("(nothing)")))),
        }
    }

    fn fault(&self, reason: String) -> PromptError {
        PromptError::format(&self.dir.join(TOKENIZER), reason, OTHER)
    }

    /// Whether its way to cut texts is that of tokenizers made here, for which llama.cpp has no name.
    fn is_made_here(&self) -> bool {
        let parts = self.json["pre_tokenizer"]["pretokenizers"].as_array();
        parts.is_some_and(|parts| parts.iter().any(|part| part["pattern"]["Regex"] == WORD))
    }

    /// The keys of vocabulary and pairs.
    fn vocabulary(&self, rows: usize) -> Result<BTreeMap<String, Value>, PromptError> {
        let entries = self.tokenizer.vocab_size();
        if entries > rows {
            return Err(self.fault(format!("has {entries} entries, the model's embedding {rows} rows")));
        }
        let mut texts: Vec<String> = (0..rows).map(filler).collect();
        let mut kinds = vec![UNUSED; rows];
        for (text, id) in &self.tokenizer.ids {
            texts[*id as usize].clone_from(text);
            kinds[*id as usize] = self.kind(text, *id);
        }
        let mut metadata = self.words(&texts, &kinds)?;
        metadata.insert(TOKENS.into(), Value::Texts(texts));
        metadata.insert(KINDS.into(), Value::Wholes(kinds));
        Ok(metadata)
    }

    fn kind(&self, text: &str, id: u32) -> i64 {
        if self.json["model"]["byte_fallback"] == true && piece_byte(text).is_some() {
            return BYTE;
        }
        if !self.tokenizer.is_added(id) {
            return NORMAL;
        }
        // What a model of ours writes between the parts of an answer is to be seen.
        if !self.tokenizer.is_special(id) || (self.is_made_here() && MARKERS.contains(&text)) {
            return USER_DEFINED;
        }
        if self.tokenizer.names().get("unk_token") == Some(text) { UNKNOWN } else { CONTROL }
    }

    /// How texts become words, and words tokens.
    fn words(&self, texts: &[String], kinds: &[i64]) -> Result<BTreeMap<String, Value>, PromptError> {
        let merges = self.json["model"]["merges"].as_array();
        let merges: Vec<(String, String)> = merges.into_iter().flatten().filter_map(as_pair).collect();
        let text = |text: &str| Value::Text(text.to_owned());
        let adds_bos =
            self.tokenizer.names().get("bos_token").is_some_and(|bos| spells(&self.json["post_processor"], bos));
        let mut metadata = BTreeMap::from([(ADDS_BOS.to_owned(), Value::Switch(adds_bos))]);
        if is_byte_level(&self.json) {
            let nearest = self.is_made_here().then_some(NEAREST);
            let Some(pre) = words::name_of(&self.json).or(nearest) else {
                let reason = "cuts texts into words in a way for which llama.cpp has no name that is known here";
                return Err(self.fault(reason.into()));
            };
            let merges = merges.into_iter().map(|(left, right)| format!("{left} {right}")).collect();
            metadata.extend([
                (MODEL.into(), text("gpt2")),
                (PRE.into(), text(pre)),
                (MERGES.into(), Value::Texts(merges)),
            ]);
            return Ok(metadata);
        }
        if self.json["model"]["byte_fallback"] != true {
            return Err(self.fault("has neither an alphabet of bytes nor a fallback to them".into()));
        }
        metadata.extend([(MODEL.into(), text("llama")), (PRE.into(), text("default"))]);
        metadata.insert(ADDS_SPACE.into(), Value::Switch(self.adds_space()));
        metadata.insert(SCORES.into(), Value::Numbers(scores(texts, kinds, &merges)));
        Ok(metadata)
    }

    /// Whether a space is put before a text.
    fn adds_space(&self) -> bool {
        let (normalizer, words) = (&self.json["normalizer"], &self.json["pre_tokenizer"]);
        let prepends = spells(normalizer, "Prepend");
        prepends || (words["type"] == "Metaspace" && words["prepend_scheme"] != "never")
    }

    /// The tokenizer that llama.cpp makes of the keys, and as a `tokenizer.json`.
    fn in_llama_cpp(&self, metadata: &BTreeMap<String, Value>) -> Result<(Tokenizer, Json), PromptError> {
        let path = self.dir.join(TOKENIZER);
        let gguf = Gguf { path, metadata: metadata.clone(), tensors: Vec::new(), size: 0 };
        let json = Vocabulary::of(&gguf)?.tokenizer()?;
        let draft = Draft::read(pretty(&json).as_bytes());
        let built = draft.and_then(|draft| draft.build(BTreeMap::new(), self.tokenizer.names().clone()));
        Ok((built.map_err(|reason| self.fault(reason))?, json))
    }

    /// Lets llama.cpp take for what they are the words that it would cut: labels with the space before them, functions.
    /// They are entries of their own then, and pairs that make them or are made of them go: what such a pair made is
    /// still found where it is a whole word.
    fn keep_words_whole(&self, metadata: &mut BTreeMap<String, Value>, made: &Tokenizer) {
        let cut: Vec<(usize, String)> = (0..self.tokenizer.vocab_size())
            .filter(|id| !self.tokenizer.is_added(*id as u32))
            .filter_map(|id| Some((id, std::str::from_utf8(self.tokenizer.token_bytes(id as u32)).ok()?)))
            .filter(|(id, text)| self.tokenizer.encode(text) == [*id as u32] && made.encode(text) != [*id as u32])
            .map(|(id, text)| (id, text.to_owned()))
            .collect();
        let mut gone = BTreeSet::new();
        for (id, text) in cut {
            if let Some(Value::Texts(texts)) = metadata.get_mut(TOKENS) {
                gone.insert(std::mem::replace(&mut texts[id], text));
            }
            if let Some(Value::Wholes(kinds)) = metadata.get_mut(KINDS) {
                kinds[id] = USER_DEFINED;
            }
        }
        let stands = |merge: &String| {
            let (left, right) = merge.split_once(' ').unwrap_or((merge, ""));
            ![left, right, &format!("{left}{right}")].iter().any(|part| gone.contains(*part))
        };
        if let Some(Value::Texts(merges)) = metadata.get_mut(MERGES) {
            merges.retain(stands);
        }
    }

    /// Whether what is made of the keys is this tokenizer.
    fn is_said_by(&self, made: &Json) -> bool {
        let is_bytes = is_byte_level(&self.json);
        let same_words = if is_bytes {
            words::name_of(&self.json).is_some()
        } else {
            ["normalizer", "pre_tokenizer"].iter().all(|part| self.json[part] == made[part])
        };
        same_words && merges(&self.json) == merges(made) && entries(&self.json) == entries(made) && {
            added(&self.json, !is_bytes) == added(made, !is_bytes)
        }
    }

    /// Its `tokenizer.json`: the file's own bytes, unless others of its files add tokens.
    fn whole(&self) -> String {
        let own = self.tokenizer.files.get(TOKENIZER).and_then(|bytes| std::str::from_utf8(bytes).ok());
        let own = own.filter(|own| {
            serde_json::from_str::<Json>(own).is_ok_and(|own| added(&own, true) == added(&self.json, true))
        });
        own.map_or_else(|| pretty(&self.json), str::to_owned)
    }

    /// Special tokens.
    fn add_special(&self, metadata: &mut BTreeMap<String, Value>) {
        let tokenizer = self.tokenizer;
        let unknown = tokenizer.names().get("unk_token").and_then(|text| tokenizer.token_id(text));
        let ids = [tokenizer.bos(), Some(tokenizer.eos()), unknown, Some(tokenizer.pad())];
        for ((_, key), id) in SPECIAL.into_iter().zip(ids) {
            metadata.extend(id.map(|id| (key.to_owned(), Value::Whole(i64::from(id)))));
        }
    }
}

/// Whether a part of a tokenizer.json holds this text as a value.
fn spells(part: &Json, text: &str) -> bool {
    match part {
        Json::String(own) => own == text,
        Json::Array(parts) => parts.iter().any(|part| spells(part, text)),
        Json::Object(parts) => parts.values().any(|part| spells(part, text)),
        _ => false,
    }
}

/// Scores of which the merges follow: the first merge that makes an entry has the best one.
fn scores(texts: &[String], kinds: &[i64], merges: &[(String, String)]) -> Vec<f64> {
    let mut ranks: HashMap<String, usize> = HashMap::new();
    for (rank, (left, right)) in merges.iter().enumerate() {
        ranks.entry(format!("{left}{right}")).or_insert(rank);
    }
    let score = |(text, kind): (&String, &i64)| match (*kind == NORMAL, ranks.get(text)) {
        (true, Some(rank)) => -(*rank as f64),
        (true, None) => -(merges.len() as f64),
        (false, _) => 0.0,
    };
    texts.iter().zip(kinds).map(score).collect()
}

fn merges(tokenizer: &Json) -> Vec<(String, String)> {
    tokenizer["model"]["merges"].as_array().into_iter().flatten().filter_map(as_pair).collect()
}

/// Ids by the text of their entries, of the vocabulary and of what is added to it.
fn entries(tokenizer: &Json) -> BTreeMap<&str, Option<u64>> {
    let vocabulary = tokenizer["model"]["vocab"].as_object().into_iter().flatten();
    let added = tokenizer["added_tokens"].as_array().into_iter().flatten();
    let added = added.filter_map(|token| Some((token["content"].as_str()?, token["id"].as_u64())));
    vocabulary.map(|(text, id)| (text.as_str(), id.as_u64())).chain(added).collect()
}

/// What is added, with how it is found in a text; with `normalized`, whether before or after the text is normalised.
fn added(tokenizer: &Json, normalized: bool) -> BTreeSet<(Option<u64>, Vec<String>)> {
    let keys = ["content", "single_word", "lstrip", "rstrip", "normalized"];
    let keys = &keys[..if normalized { 5 } else { 4 }];
    let tokens = tokenizer["added_tokens"].as_array().into_iter().flatten();
    tokens.map(|token| (token["id"].as_u64(), keys.iter().map(|key| token[key].to_string()).collect())).collect()
}
