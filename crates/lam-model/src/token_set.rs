//! Sets of tokens, one bit for each of the vocabulary: what may follow at a place.

use std::sync::Arc;

/// Bits of a word.
const WORD: usize = u32::BITS as usize;

/// Logit of a token that may not follow: far below all others, and finite after the division by any temperature.
pub(crate) const NEVER: f32 = -1e9;

/// Some of a vocabulary's tokens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TokenSet {
    /// Bit t % 32 of word t / 32 is token t's. Shape: [⌈V / 32⌉].
    words: Vec<u32>,
}

/// What may follow at a place: of these tokens one, or any.
pub type Allowed = Option<Arc<TokenSet>>;

impl TokenSet {
    /// These tokens of a vocabulary of `vocab_size`; what lies beyond it is left out.
    pub fn new(tokens: &[u32], vocab_size: usize) -> Self {
        let mut words = vec![0; vocab_size.div_ceil(WORD)];
        for token in tokens.iter().map(|&token| token as usize).filter(|&token| token < vocab_size) {
            words[token / WORD] |= 1 << (token % WORD);
        }
        Self { words }
    }

    /// Whether a token is among them.
    pub fn contains(&self, token: u32) -> bool {
        let token = token as usize;
        self.words.get(token / WORD).is_some_and(|word| word >> (token % WORD) & 1 == 1)
    }

    /// The bits, least significant first. Shape: [⌈V / 32⌉].
    pub(crate) fn words(&self) -> &[u32] {
        &self.words
    }

    /// Writes `value` where a token is not among them. Shape of `row`: [V].
    pub(crate) fn fill_others(&self, row: &mut [f32], value: f32) {
        for (places, word) in row.chunks_mut(WORD).zip(&self.words) {
            for (bit, place) in places.iter_mut().enumerate() {
                if word >> bit & 1 == 0 {
                    *place = value;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_among_the_tokens_is_filled() {
        let set = TokenSet::new(&[0, 31, 32, 39, 700], 40);
        let mut row = vec![1.0; 40];
        set.fill_others(&mut row, -2.0);
        for (token, value) in row.iter().enumerate() {
            let is_in = [0, 31, 32, 39].contains(&token);
            assert_eq!((*value, set.contains(token as u32)), (if is_in { 1.0 } else { -2.0 }, is_in), "{token}");
        }
        assert!(!set.contains(40) && !set.contains(700));
    }
}
