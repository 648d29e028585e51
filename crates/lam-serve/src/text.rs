//! An answer's text as it becomes certain: characters whose bytes are all there, and nothing that may yet turn out to
//! belong to a string that ends the answer.

use std::sync::Arc;

use lam_prompt::Renderer;

use crate::translation::Translation;

/// One answer's text in the making.
pub struct AnswerText {
    renderer: Arc<Renderer>,
    /// What the template writes before an answer, which is no part of its text.
    lead: Arc<str>,
    /// Strings that end the answer.
    stop: Arc<[String]>,
    /// The question whose answer is given in another form than the model's.
    question: Option<Arc<Translation>>,
    /// Such an answer's tokens.
    tokens: Vec<u32>,
    /// Special tokens that belong to the text.
    shown: Arc<[u32]>,
    /// Bytes that are not certain yet.
    held: Vec<u8>,
    /// Whether the lead has been looked for.
    begun: bool,
    ended: bool,
    /// Whether a stop string ended it.
    stopped: bool,
}

impl AnswerText {
    /// An answer that `stop` may end, after the `lead` of the model's template; what continues a text follows no
    /// template and has an empty one.
    pub fn new(
        renderer: Arc<Renderer>,
        lead: Arc<str>,
        stop: Arc<[String]>,
        question: Option<Arc<Translation>>,
    ) -> Self {
        let begun = lead.is_empty();
        Self {
            renderer,
            lead,
            stop,
            question,
            tokens: Vec::new(),
            shown: Arc::default(),
            held: Vec::new(),
            begun,
            ended: false,
            stopped: false,
        }
    }

    /// The same answer with special tokens that belong to its text.
    #[must_use]
    pub fn showing(self, shown: Arc<[u32]>) -> Self {
        Self { shown, ..self }
    }

    /// Takes the next token; the text that is certain now.
    pub fn push(&mut self, token: u32) -> String {
        if self.ended {
            return String::new();
        }
        if self.question.is_some() {
            self.tokens.push(token);
            return String::new();
        }
        if is_hidden(&self.renderer, &self.shown, token) {
            return String::new();
        }
        self.held.extend(self.renderer.tokenizer().token_bytes(token));
        self.take_certain()
    }

    /// Whether a stop string has ended it.
    pub fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// The rest of the text, once no token comes any more.
    pub fn finish(&mut self) -> String {
        if self.ended {
            return String::new();
        }
        if let Some(question) = &self.question {
            let answer = question.text(&self.renderer, &self.tokens);
            let text =
                answer.unwrap_or_else(|| self.renderer.tokenizer().decode(without_end(&self.renderer, &self.tokens)));
            self.begun = true;
            self.held = text.into_bytes();
        }
        self.strip_lead();
        let place = self.stop_place();
        let end = place.unwrap_or(self.held.len());
        (self.ended, self.stopped) = (true, place.is_some());
        let text = String::from_utf8_lossy(&self.held[..end]).into_owned();
        self.held.clear();
        text
    }

    fn take_certain(&mut self) -> String {
        let lead = self.lead.as_bytes();
        if !self.begun && self.held.len() < lead.len() && lead.starts_with(&self.held) {
            return String::new();
        }
        self.strip_lead();
        if let Some(place) = self.stop_place() {
            (self.ended, self.stopped) = (true, true);
            return String::from_utf8_lossy(&self.held[..place]).into_owned();
        }
        let certain = self.held.len() - self.undecided();
        let text = String::from_utf8_lossy(&self.held[..certain]).into_owned();
        self.held.drain(..certain);
        text
    }

    fn strip_lead(&mut self) {
        if !std::mem::replace(&mut self.begun, true) && self.held.starts_with(self.lead.as_bytes()) {
            self.held.drain(..self.lead.len());
        }
    }

    /// Where the first stop string begins.
    fn stop_place(&self) -> Option<usize> {
        let place = |string: &String| self.held.windows(string.len()).position(|window| window == string.as_bytes());
        self.stop.iter().filter_map(place).min()
    }

    /// Bytes at the end that may begin a stop string, or a character that is not whole.
    fn undecided(&self) -> usize {
        let begins = |string: &String| {
            (1..string.len()).rev().find(|&length| self.held.ends_with(&string.as_bytes()[..length])).unwrap_or(0)
        };
        let stop = self.stop.iter().map(begins).max().unwrap_or(0);
        let before = &self.held[..self.held.len() - stop];
        stop + cut_character(before)
    }
}

/// Whether a token is no part of an answer's text: it is special and not one of those `shown`, or ends the answer.
fn is_hidden(renderer: &Renderer, shown: &[u32], token: u32) -> bool {
    let is_special = renderer.tokenizer().is_special(token) && !renderer.is_compact() && !shown.contains(&token);
    is_special || renderer.stop_tokens().contains(&token)
}

/// Where each token begins in a text that is continued, in characters. A token that ends a character begins where that
/// one does.
#[derive(Debug, Default)]
pub struct Offsets {
    /// Characters that are whole, and the bytes behind them.
    characters: usize,
    held: Vec<u8>,
}

impl Offsets {
    /// Takes the next token.
    pub fn push(&mut self, renderer: &Renderer, token: u32) -> usize {
        let place = self.characters;
        if !is_hidden(renderer, &[], token) {
            self.held.extend(renderer.tokenizer().token_bytes(token));
            let certain = self.held.len() - cut_character(&self.held);
            self.characters += String::from_utf8_lossy(&self.held[..certain]).chars().count();
            self.held.drain(..certain);
        }
        place
    }
}

/// An answer's tokens without the one that ends it.
fn without_end<'t>(renderer: &Renderer, tokens: &'t [u32]) -> &'t [u32] {
    match tokens.split_last() {
        Some((last, rest)) if renderer.stop_tokens().contains(last) => rest,
        _ => tokens,
    }
}

/// Bytes at the end that begin a character and do not end it.
fn cut_character(bytes: &[u8]) -> usize {
    let longest = bytes.len().min(3);
    let cut = |length: &usize| {
        let end = &bytes[bytes.len() - length..];
        let begins =
            std::str::from_utf8(end).is_err_and(|error| error.valid_up_to() == 0 && error.error_len().is_none());
        begins && end[0] >= 0xC0
    };
    (1..=longest).find(cut).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use lam_prompt::{Tokenizer, TokenizerConfig};

    use super::*;

    /// A tokenizer of bytes, so that every character may be cut.
    fn renderer() -> Arc<Renderer> {
        let config = TokenizerConfig { vocab_size: 300, labels: 0, words: Vec::new() };
        Arc::new(Renderer::new(Tokenizer::train(&["a"], &config).unwrap()).unwrap())
    }

    /// The pieces that come of a text whose bytes come one by one, and the rest.
    fn pieces(text: &[u8], stop: &[&str]) -> (Vec<String>, String) {
        pieces_after("", text, stop)
    }

    /// The same, where the template writes `lead` before an answer.
    fn pieces_after(lead: &str, text: &[u8], stop: &[&str]) -> (Vec<String>, String) {
        let renderer = renderer();
        let stop = stop.iter().map(|text| (*text).to_owned()).collect();
        let mut answer = AnswerText::new(Arc::clone(&renderer), lead.into(), stop, None);
        let size = u32::try_from(renderer.tokenizer().vocab_size()).unwrap();
        let token = |byte: &u8| (0..size).find(|id| renderer.tokenizer().token_bytes(*id) == [*byte]).unwrap();
        let pieces = text.iter().map(|byte| answer.push(token(byte))).filter(|piece| !piece.is_empty()).collect();
        let rest = answer.finish();
        (pieces, rest)
    }

    #[test]
    fn a_character_comes_when_it_is_whole() {
        let (pieces, rest) = pieces("aé漢🙂".as_bytes(), &[]);
        assert_eq!((pieces, rest.as_str()), (["a", "é", "漢", "🙂"].map(str::to_owned).to_vec(), ""));
    }

    #[test]
    fn streamed_text_is_the_whole_text_also_where_it_is_no_utf8() {
        for bytes in [&b"a\xFFb\xE6\xBCz"[..], b"\xF0\x9F\x99", b"\xC0\x80\xC3", b"\x80\x80\xE6\xBC\xA2\xF0\x9F"] {
            let (pieces, rest) = pieces(bytes, &["never"]);
            assert_eq!(pieces.concat() + &rest, String::from_utf8_lossy(bytes), "{bytes:?}");
        }
    }

    #[test]
    fn what_the_template_writes_before_an_answer_is_taken_off_once() {
        for (text, expected) in [("<<a", "a"), ("<<<<a", "<<a"), ("<a", "<a"), ("a<<", "a<<"), ("<", "<"), ("<<", "")] {
            let (pieces, rest) = pieces_after("<<", text.as_bytes(), &[]);
            assert_eq!(pieces.concat() + &rest, expected, "{text}");
        }
    }

    #[test]
    fn what_may_begin_a_stop_string_waits() {
        let (pieces, rest) = pieces(b"one ENx ENDED", &["END", "ENE"]);
        assert_eq!((pieces.concat().as_str(), rest.as_str()), ("one ENx ", ""));
        let (pieces, rest) = self::pieces(b"one EN", &["END"]);
        assert_eq!((pieces.concat().as_str(), rest.as_str()), ("one ", "EN"));
        let (pieces, rest) = self::pieces("né".as_bytes(), &["é"]);
        assert_eq!((pieces.concat().as_str(), rest.as_str()), ("n", ""));
        let (pieces, _) = self::pieces(b"aab", &["ab"]);
        assert_eq!(pieces.concat(), "a");
    }
}
