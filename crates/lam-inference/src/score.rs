//! Log-probabilities of given answers, by the training forward.

use lam_model::{Answer, Decoder, Mode};

use crate::InferenceError;

/// Tokens that go through the model at once.
const TOKENS_AT_ONCE: usize = 8192;

/// log p of each answer token after its prompt, in nats. Shape of each: `[answer]`.
///
/// # Errors
/// When a prompt is empty or the model fails.
pub fn score(decoder: &Decoder, pairs: &[(&[u32], &[u32])]) -> Result<Vec<Vec<f32>>, InferenceError> {
    score_at(decoder, pairs, 1.0)
}

/// As [`score`], of logits divided by `temperature`, by the forward pass of training in the decoder's precision.
///
/// # Errors
/// As [`score`].
pub fn score_at(
    decoder: &Decoder,
    pairs: &[(&[u32], &[u32])],
    temperature: f32,
) -> Result<Vec<Vec<f32>>, InferenceError> {
    if pairs.iter().any(|(prompt, _)| prompt.is_empty()) {
        return Err(InferenceError::Request { field: "prompt", reason: "is empty".into() });
    }
    let mut scores = Vec::with_capacity(pairs.len());
    let mut rest = pairs;
    while !rest.is_empty() {
        let (batch, after) = rest.split_at(batch_end(rest));
        scores.extend(score_batch(decoder, batch, temperature)?);
        rest = after;
    }
    Ok(scores)
}

fn batch_end(pairs: &[(&[u32], &[u32])]) -> usize {
    let mut tokens = 0;
    let fits = |(prompt, answer): &&(&[u32], &[u32])| {
        tokens += prompt.len() + answer.len();
        tokens <= TOKENS_AT_ONCE
    };
    pairs.iter().take_while(fits).count().max(1)
}

fn score_batch(
    decoder: &Decoder,
    pairs: &[(&[u32], &[u32])],
    temperature: f32,
) -> Result<Vec<Vec<f32>>, InferenceError> {
    let texts: Vec<Vec<u32>> = pairs.iter().map(|(prompt, answer)| [*prompt, *answer].concat()).collect();
    let answers = texts.iter().zip(pairs).map(|(text, (prompt, _))| Answer::after_prompt(text, prompt.len()));
    let packed = decoder.pack_answers(&answers.collect::<Vec<_>>());
    if packed.rows.is_empty() {
        return Ok(packed.split(&[]));
    }
    let hidden = decoder.forward(&packed.batch, Mode::Evaluate)?;
    Ok(packed.split(&decoder.token_logprobs(&hidden, &packed.rows, &packed.tokens, temperature)?.to_vec1::<f32>()?))
}
