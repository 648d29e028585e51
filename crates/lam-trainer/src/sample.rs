//! What the loop needs to know of a sample: its name, its length, and how much of it is trained.

use lam_model::Answer;

use crate::TrainerError;

/// One thing to train on.
pub trait Sample: Clone {
    /// Its name, for errors.
    fn id(&self) -> &str;
    /// Tokens that the model reads, of all its texts.
    fn tokens(&self) -> usize;
    /// Tokens of its longest text: what `max_length` limits.
    fn longest_text(&self) -> usize {
        self.tokens()
    }
    /// Tokens that count in the loss (for a score: 1).
    fn trained_tokens(&self) -> usize;
    /// Its texts and what of each is predicted or scored: one, or several that a loss compares; none where it is no text.
    fn answers(&self) -> Vec<Answer<'_>> {
        Vec::new()
    }
    /// Cuts it at the end to at most `max_length` tokens. Samples that cannot be cut leave themselves as they are.
    fn truncate(&mut self, _max_length: usize) {}
}

/// Refuses samples that are too long (or cuts them, if `truncation`) or have nothing to train.
///
/// # Errors
/// Names the sample.
pub fn check_samples<S: Sample>(samples: &mut [S], max_length: usize, truncation: bool) -> Result<(), TrainerError> {
    samples.iter_mut().try_for_each(|sample| check_sample(sample, max_length, truncation))
}

fn check_sample<S: Sample>(sample: &mut S, max_length: usize, truncation: bool) -> Result<(), TrainerError> {
    if truncation && sample.longest_text() > max_length {
        sample.truncate(max_length);
    }
    let tokens = sample.longest_text();
    if tokens > max_length {
        let reason = format!("{tokens} tokens, allowed are {max_length} (`max_length`)");
        let hint = "raise `max_length`, or set `truncation = true`";
        return Err(TrainerError::sample_with_hint(sample.id(), reason, hint));
    }
    if sample.trained_tokens() == 0 {
        let reason = format!("none of its {tokens} tokens is trained");
        let hint = "its answer is empty, masked out or cut off by `max_length`";
        return Err(TrainerError::sample_with_hint(sample.id(), reason, hint));
    }
    Ok(())
}

/// Refuses samples, by their names, with a token that an embedding of `rows` rows does not have.
///
/// # Errors
/// Names the first such sample and the token.
pub fn check_tokens<'s>(
    samples: impl IntoIterator<Item = (&'s str, &'s [u32])>,
    rows: usize,
) -> Result<(), TrainerError> {
    samples.into_iter().try_for_each(|(id, tokens)| match tokens.iter().find(|token| **token as usize >= rows) {
        Some(token) => {
            let reason = format!("token {token} has no row in the model's embedding of {rows}");
            let hint = "leave the row out, or use a model whose embedding was enlarged with its tokenizer";
            Err(TrainerError::sample_with_hint(id, reason, hint))
        }
        None => Ok(()),
    })
}
