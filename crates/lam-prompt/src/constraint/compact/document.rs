//! Text that stands in the document: any run of one paragraph's words.

use crate::Tokenizer;
use crate::compact::Compact;

/// Stands between paragraphs. It is not a token.
const BREAK: u32 = u32::MAX;

/// The document as tokens, and the places in it that the text so far could be a copy of.
pub(super) struct DocumentText {
    tokens: Vec<u32>,
    /// Positions in `tokens` at which the text could continue; empty before it begins.
    places: Vec<usize>,
    /// Tokens with which a text may begin, ascending.
    starts: Vec<u32>,
    length: usize,
    /// Whether nothing but spaces is written.
    is_blank: bool,
}

impl DocumentText {
    /// The document's text, one line a paragraph.
    pub(super) fn new(form: Compact<'_>, document: &str) -> Self {
        let mut tokens = vec![BREAK];
        for paragraph in document.lines() {
            // Text could not continue behind spaces at the end.
            tokens.extend(form.segment(paragraph.trim_ascii_end()));
            tokens.push(BREAK);
        }
        let is_start = |id: &u32| *id != BREAK && form.tokenizer.token_bytes(*id).first() == Some(&b' ');
        let mut starts: Vec<u32> = tokens.iter().copied().filter(is_start).collect();
        starts.sort_unstable();
        starts.dedup();
        Self { tokens, places: Vec::new(), starts, length: 0, is_blank: true }
    }

    /// Puts the tokens that may follow into `out`, in no order; says whether the text may end here.
    pub(super) fn next(&self, begins_word: &[bool], limit: usize, out: &mut Vec<u32>) -> bool {
        if self.length == 0 {
            out.extend_from_slice(&self.starts);
            return false;
        }
        let follows = |place: &usize| self.tokens[*place];
        let is_boundary = |id: u32| id == BREAK || !begins_word.get(id as usize).copied().unwrap_or(false);
        let may_end = !self.is_blank && self.places.iter().map(follows).any(is_boundary);
        if !may_end || self.length < limit {
            out.extend(self.places.iter().map(follows).filter(|id| *id != BREAK));
        }
        may_end
    }

    /// Adds `token` to the text; says whether the longer text still stands in the document.
    pub(super) fn advance(&mut self, tokenizer: &Tokenizer, token: u32) -> bool {
        if self.length == 0 {
            let known = self.starts.binary_search(&token).is_ok();
            let places = self.tokens.iter().enumerate().filter(|(_, id)| known && **id == token);
            self.places = places.map(|(place, _)| place + 1).collect();
        } else {
            let tokens = &self.tokens;
            self.places.retain(|place| tokens[*place] == token);
            self.places.iter_mut().for_each(|place| *place += 1);
        }
        self.length += 1;
        self.is_blank &= tokenizer.token_bytes(token).iter().all(u8::is_ascii_whitespace);
        !self.places.is_empty()
    }
}
