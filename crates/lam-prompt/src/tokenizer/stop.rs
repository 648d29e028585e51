//! Strings that end an answer, found across the borders of tokens. Works on bytes: a token may be part of a character.

use std::sync::Arc;

use super::Tokenizer;
use crate::PromptError;

/// Watches one answer for strings that end it.
#[derive(Clone, Debug)]
pub struct StopStrings {
    vocabulary: Arc<Vec<Vec<u8>>>,
    strings: Arc<[Vec<u8>]>,
    /// The answer's last bytes, as many as could begin a string.
    tail: Vec<u8>,
    /// Bytes of the answer before the tail.
    before: usize,
}

impl StopStrings {
    /// Watches for any of `strings`.
    ///
    /// # Errors
    /// When one of them is empty.
    pub fn new(tokenizer: &Tokenizer, strings: &[String]) -> Result<Self, PromptError> {
        if strings.iter().any(String::is_empty) {
            return Err(PromptError::output(
                "stop strings",
                &"one is empty",
                "an empty string is everywhere; leave it out",
            ));
        }
        let strings = strings.iter().map(|string| string.clone().into_bytes()).collect();
        Ok(Self { vocabulary: tokenizer.all_bytes(), strings, tail: Vec::new(), before: 0 })
    }

    /// Takes the answer's next token. If the answer now holds one of the strings: the bytes before the first of them.
    pub fn push(&mut self, token: u32) -> Option<usize> {
        self.tail.extend(self.vocabulary.get(token as usize).into_iter().flatten());
        let place = |string: &Vec<u8>| self.tail.windows(string.len()).position(|window| window == string.as_slice());
        if let Some(place) = self.strings.iter().filter_map(place).min() {
            return Some(self.before + place);
        }
        let kept = self.strings.iter().map(|string| string.len() - 1).max().unwrap_or(0);
        let gone = self.tail.len().saturating_sub(kept);
        self.tail.drain(..gone);
        self.before += gone;
        None
    }
}
