//! What goes through the decoder: documents back to back. Knows no weights.

use crate::ModelError;

/// Documents back to back, without padding. Each sees only itself, and its positions start at 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackedBatch {
    /// Tokens of all documents. Shape: [T].
    pub input_ids: Vec<u32>,
    /// Tokens of each document; they add up to T.
    pub lengths: Vec<usize>,
}

/// A token whose probability is trained or measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Target {
    /// Row of the hidden states that predicts it: the position of the token before it.
    pub position: usize,
    /// The token.
    pub token: u32,
    /// Weight of its loss.
    pub weight: f32,
}

impl PackedBatch {
    /// Packs documents in their order.
    pub fn from_documents<D: AsRef<[u32]>>(documents: impl IntoIterator<Item = D>) -> Self {
        let mut batch = Self::default();
        for document in documents {
            batch.input_ids.extend_from_slice(document.as_ref());
            batch.lengths.push(document.as_ref().len());
        }
        batch
    }

    /// Tokens in all.
    pub fn tokens(&self) -> usize {
        self.input_ids.len()
    }

    /// First row and length of each document.
    pub(crate) fn spans(&self) -> Vec<(usize, usize)> {
        let mut start = 0;
        let span = |&length| {
            start += length;
            (start - length, length)
        };
        self.lengths.iter().map(span).collect()
    }

    pub(crate) fn check(&self, vocab_size: usize) -> Result<(), ModelError> {
        let total: usize = self.lengths.iter().sum();
        if total != self.input_ids.len() || total == 0 || self.lengths.contains(&0) {
            return Err(ModelError::Batch(format!(
                "the lengths {:?} do not cover {} tokens with documents of at least one token",
                self.lengths,
                self.input_ids.len()
            )));
        }
        check_tokens(&self.input_ids, vocab_size)
    }
}

pub(crate) fn check_tokens(tokens: &[u32], vocab_size: usize) -> Result<(), ModelError> {
    match tokens.iter().find(|&&token| token as usize >= vocab_size) {
        None => Ok(()),
        Some(token) => Err(ModelError::Batch(format!(
            "token {token} is outside the embedding of {vocab_size} rows; hint: the tokenizer belongs to another model"
        ))),
    }
}
