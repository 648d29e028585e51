//! Tokens of a rendered conversation: the template's special tokens are tokens, those that people spell are text.
//!
//! Texts of people are covered before they are rendered: the first character of each special token that they spell is
//! exchanged for one that no vocabulary has. Where the rendered text holds special tokens then, they are the template's.

use std::ops::Range;

use tokenizers::tokenizer::normalizer::Range as Span;
use tokenizers::{
    Model, NormalizedString, Normalizer, OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer, Token,
};

use super::Tokenizer;
use crate::PromptError;

/// Where the characters begin that stand in for others: planes for private use.
const PLANES: [u32; 4] = [0xF_0000, 0xF_8000, 0x10_0000, 0x10_8000];

/// Texts that become tokens of their own where a template writes them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reserved {
    all: Vec<String>,
    /// Those that no answer spells either: a model writes the others itself, such as the end of a thought, and its
    /// template looks for them.
    special: Vec<String>,
}

/// Characters exchanged for others.
pub(crate) struct Cover<'r> {
    reserved: &'r Reserved,
    /// First characters of the reserved texts, and the first of the characters that stand in for them.
    firsts: Vec<char>,
    plane: u32,
}

impl Cover<'static> {
    /// A cover of nothing.
    pub(crate) fn none() -> Self {
        static NOTHING: Reserved = Reserved { all: Vec::new(), special: Vec::new() };
        Self::over(&NOTHING, std::iter::empty())
    }
}

impl<'r> Cover<'r> {
    /// A cover of `reserved` texts whose characters none of `texts` has.
    pub(crate) fn over<'t>(reserved: &'r Reserved, texts: impl Iterator<Item = &'t str> + Clone) -> Self {
        let mut firsts: Vec<char> = reserved.all.iter().filter_map(|text| text.chars().next()).collect();
        firsts.sort_unstable();
        firsts.dedup();
        let spelled = |plane: u32| {
            let stand_ins = plane..plane + firsts.len() as u32;
            texts.clone().any(|text| text.chars().any(|c| stand_ins.contains(&u32::from(c))))
        };
        let plane = PLANES.into_iter().find(|plane| !spelled(*plane)).unwrap_or(PLANES[0]);
        Self { reserved, firsts, plane }
    }

    /// The text with the first character of each reserved text in it exchanged.
    pub(crate) fn cover(&self, text: &str) -> String {
        self.cover_of(&self.reserved.all, text)
    }

    /// The same for what an assistant says, in which only the special tokens stay text.
    pub(crate) fn cover_answer(&self, text: &str) -> String {
        self.cover_of(&self.reserved.special, text)
    }

    fn cover_of(&self, reserved: &[String], text: &str) -> String {
        let places =
            |reserved: &String| text.match_indices(reserved.as_str()).map(|(place, _)| place).collect::<Vec<_>>();
        let mut places: Vec<usize> = reserved.iter().filter(|text| !text.is_empty()).flat_map(places).collect();
        places.sort_unstable();
        let stand_in = |(place, character): (usize, char)| match places.binary_search(&place) {
            Ok(_) => self.stand_in(character),
            Err(_) => character,
        };
        text.char_indices().map(stand_in).collect()
    }

    fn stand_in(&self, character: char) -> char {
        let number = self.firsts.binary_search(&character).unwrap_or_default() as u32;
        char::from_u32(self.plane + number).unwrap_or(character)
    }

    /// The character that `character` stands for.
    fn original(&self, character: char) -> char {
        let number = u32::from(character).checked_sub(self.plane);
        number.and_then(|number| self.firsts.get(number as usize)).copied().unwrap_or(character)
    }

    /// The text as it was.
    pub(crate) fn uncover(&self, text: &str) -> String {
        text.chars().map(|character| self.original(character)).collect()
    }
}

impl Tokenizer {
    /// The ids of a rendered template over covered texts; no special token is added.
    ///
    /// # Errors
    /// A text that the tokenizer cannot split.
    pub(crate) fn encode_rendered(&self, covered: &str, cover: &Cover<'_>) -> Result<Vec<u32>, PromptError> {
        let text = cover.uncover(covered);
        let ids = match text == covered {
            true => self.marked.encode_fast(text, false).map(|encoding| encoding.get_ids().to_vec()),
            false => self.pieces(covered, cover, None).map(|pieces| pieces.into_iter().map(|(_, id)| id).collect()),
        };
        ids.map_err(unsplittable)
    }

    /// The ids of `covered` where it follows `before`, whose tokens stay as they are.
    ///
    /// # Errors
    /// A text that the tokenizer cannot split.
    pub(crate) fn encode_after(&self, before: &str, covered: &str, cover: &Cover<'_>) -> Result<Vec<u32>, PromptError> {
        let prompt = self.encode_rendered(before, cover)?;
        let whole = format!("{before}{covered}");
        let mut ids = self.encode_rendered(&whole, cover)?;
        if ids.starts_with(&prompt) {
            return Ok(ids.split_off(prompt.len()));
        }
        // A token would reach over the border: what is generated begins anew there.
        let pieces = self.pieces(&whole, cover, Some(before.len())).map_err(unsplittable)?;
        Ok(pieces.into_iter().filter(|(start, _)| *start >= before.len()).map(|(_, id)| id).collect())
    }

    /// Whether a text has a special token in it, but for a begin of sequence at its head.
    pub(crate) fn has_special(&self, text: &str) -> bool {
        let is_begin = |(range, id): &(Range<usize>, u32)| range.start == 0 && Some(*id) == self.bos;
        self.added(text).iter().any(|found| self.is_special(found.1) && !is_begin(found))
    }

    /// The first special token in a rendered text, and where it stands.
    pub(crate) fn first_special(&self, text: &str) -> Option<(usize, u32)> {
        let spans = self.added(text);
        let special = spans.into_iter().find(|(_, id)| self.is_special(*id) || *id == self.eos)?;
        let place = text[special.0.start..].find(&*String::from_utf8_lossy(self.token_bytes(special.1)))?;
        Some((special.0.start + place, special.1))
    }

    /// The texts that become special tokens: those of the vocabulary, and other added ones that a template spells.
    pub(crate) fn reserved(&self, spelled: impl Fn(&str) -> bool) -> Reserved {
        let mut reserved = Reserved::default();
        for token in self.marked.get_added_tokens_decoder().into_values() {
            let text = token.content;
            if token.special || self.names.texts().any(|name| name == text) {
                reserved.special.push(text.clone());
                reserved.all.push(text);
            } else if !text.trim().is_empty() && spelled(&text) {
                reserved.all.push(text);
            }
        }
        reserved.all.sort();
        reserved.special.sort();
        reserved
    }

    /// The added tokens in a text, each with the bytes that it takes.
    fn added(&self, text: &str) -> Vec<(Range<usize>, u32)> {
        let found = self.marked.get_added_vocabulary().extract_and_normalize(self.marked.get_normalizer(), text);
        let splits = found.get_splits(OffsetReferential::Original, OffsetType::Byte);
        let token = |(_, (start, end), tokens): (_, _, &Option<Vec<Token>>)| Some((start..end, tokens.as_ref()?[0].id));
        splits.into_iter().filter_map(token).collect()
    }

    /// The tokens of a covered text with the bytes at which they start: the steps of the tokenizers library, with the
    /// added tokens that the covered text has and no others, and with a border at `cut`.
    fn pieces(&self, covered: &str, cover: &Cover<'_>, cut: Option<usize>) -> tokenizers::Result<Vec<(usize, u32)>> {
        let place = |at: usize| cover.uncover(&covered[..at]).len();
        let added: Vec<(Range<usize>, u32)> =
            self.added(covered).into_iter().map(|(range, id)| (place(range.start)..place(range.end), id)).collect();
        let cut = cut.map(place);
        let mut pieces = PreTokenizedString::from(cover.uncover(covered));
        pieces.split(|_, text| Ok(around(&text, &added)))?;
        if let Some(normalizer) = self.marked.get_normalizer() {
            pieces.normalize(|text| normalizer.normalize(text))?;
        }
        pieces.split(|_, text| Ok(cut_at(text, cut)))?;
        if let Some(splitter) = self.marked.get_pre_tokenizer() {
            splitter.pre_tokenize(&mut pieces)?;
        }
        pieces.tokenize(|text| self.marked.get_model().tokenize(text.get()))?;
        let splits = pieces.get_splits(OffsetReferential::Original, OffsetType::Byte).into_iter();
        let ids =
            splits.flat_map(|(_, (start, _), tokens)| tokens.iter().flatten().map(move |token| (start, token.id)));
        Ok(ids.collect())
    }
}

/// A text cut into its added tokens and what is between them.
fn around(text: &NormalizedString, added: &[(Range<usize>, u32)]) -> Vec<(NormalizedString, Option<Vec<Token>>)> {
    let slice = |range: Range<usize>| text.slice(Span::Original(range));
    let (mut parts, mut from) = (Vec::new(), 0);
    for (range, id) in added {
        parts.extend(slice(from..range.start).map(|between| (between, None)));
        let token = |own: NormalizedString| {
            let token = Token::new(*id, own.get().to_owned(), (0, own.len()));
            (own, Some(vec![token]))
        };
        parts.extend(slice(range.clone()).map(token));
        from = range.end;
    }
    parts.extend(slice(from..text.len_original()).map(|rest| (rest, None)));
    parts
}

/// A text in two where the border is inside it.
fn cut_at(text: NormalizedString, cut: Option<usize>) -> Vec<NormalizedString> {
    let (start, end) = text.offsets_original();
    match cut.filter(|cut| (start + 1..end).contains(cut)) {
        Some(cut) => {
            let parts = [0..cut - start, cut - start..end - start];
            parts.into_iter().filter_map(|part| text.slice(Span::Original(part))).collect()
        }
        None => vec![text],
    }
}

fn unsplittable(error: tokenizers::Error) -> PromptError {
    PromptError::output("tokenizer", &error, "the text may be too long for it; leave the row out")
}
