//! What goes through the decoder: documents back to back, those that begin alike with one prefix. Knows no weights.

mod answer;
mod sharing;
mod span;

use std::ops::Range;

use crate::ModelError;

pub use answer::{Answer, AnswerBatch};
pub use sharing::{Prefix, TextRows, shared_rows};
pub(crate) use span::Span;

/// Documents back to back, without padding. Each sees only itself, and its positions start at 0.
///
/// Texts that begin alike can share the rows of their prefix (see [`PackedBatch::sharing`]): then a segment is not
/// a document but a prefix, or what one of the texts has after it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackedBatch {
    /// Tokens of all segments. Shape: `[T]`.
    pub input_ids: Vec<u32>,
    /// Tokens of each segment; they add up to T. Segments outside all forks are documents.
    pub lengths: Vec<usize>,
    /// Runs of segments of which the first is a prefix; each other one continues it, as if it were alone there.
    /// In ascending order, without overlap.
    pub forks: Vec<Range<usize>>,
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

    /// Where attention finds each document, or each fork.
    pub(crate) fn spans(&self) -> Vec<Span> {
        let mut forks = self.forks.iter().peekable();
        let (mut spans, mut segment, mut start) = (Vec::new(), 0, 0);
        while segment < self.lengths.len() {
            let fork = forks.next_if(|fork| fork.start == segment);
            let end = fork.map_or(segment + 1, |fork| fork.end);
            let span = Span::new(start, &self.lengths[segment..end]);
            start += span.length;
            segment = end;
            spans.push(span);
        }
        spans
    }

    /// Each row's place in its text.
    pub(crate) fn positions(&self) -> Vec<usize> {
        let spans = self.spans();
        spans.iter().flat_map(|span| (0..span.length).map(|place| span.position(place))).collect()
    }

    pub(crate) fn check(&self, vocab_size: usize) -> Result<(), ModelError> {
        let total: usize = self.lengths.iter().sum();
        if total != self.input_ids.len() || total == 0 || self.lengths.contains(&0) {
            return Err(ModelError::batch(
                format!(
                    "the lengths {:?} do not cover {} tokens with documents of at least one token",
                    self.lengths,
                    self.input_ids.len()
                ),
                "",
            ));
        }
        let after = |end, fork: &Range<usize>| (fork.start >= end && fork.len() > 1).then_some(fork.end);
        if self.forks.iter().try_fold(0, after).is_none_or(|end| end > self.lengths.len()) {
            let (forks, segments) = (&self.forks, self.lengths.len());
            return Err(ModelError::batch(
                format!("the forks {forks:?} are not ascending runs among {segments} segments"),
                "",
            ));
        }
        check_tokens(&self.input_ids, vocab_size)
    }
}

pub(crate) fn check_tokens(tokens: &[u32], vocab_size: usize) -> Result<(), ModelError> {
    match tokens.iter().find(|&&token| token as usize >= vocab_size) {
        None => Ok(()),
        Some(token) => Err(ModelError::batch(
            format!("token {token} is outside the embedding of {vocab_size} rows"),
            "the tokenizer belongs to another model",
        )),
    }
}
