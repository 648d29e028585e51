//! Log-probabilities of given answers, by the training forward.

use lam_model::{Decoder, Mode, Prefix};

use crate::InferenceError;

/// Tokens that go through the model at once.
const TOKENS_AT_ONCE: usize = 8192;

/// log p of each answer token after its prompt, in nats. Shape of each: `[answer]`.
///
/// # Errors
/// When a prompt is empty or the model fails.
pub fn score(decoder: &Decoder, pairs: &[(&[u32], &[u32])]) -> Result<Vec<Vec<f32>>, InferenceError> {
    if pairs.iter().any(|(prompt, _)| prompt.is_empty()) {
        return Err(InferenceError::Request { field: "prompt", reason: "is empty".into() });
    }
    let mut scores = Vec::with_capacity(pairs.len());
    let mut rest = pairs;
    while !rest.is_empty() {
        let (batch, after) = rest.split_at(batch_end(rest));
        scores.extend(score_batch(decoder, batch)?);
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

fn score_batch(decoder: &Decoder, pairs: &[(&[u32], &[u32])]) -> Result<Vec<Vec<f32>>, InferenceError> {
    let texts: Vec<Vec<u32>> = pairs.iter().map(|(prompt, answer)| [*prompt, *answer].concat()).collect();
    // The prompt's last row predicts the answer's first token.
    let beginning = |(text, (prompt, _)): (_, &(&[u32], &[u32]))| Prefix { text, shareable: prompt.len() - 1 };
    let (packed, rows) = decoder.pack(&texts.iter().map(Vec::as_slice).zip(pairs).map(beginning).collect::<Vec<_>>());
    let (mut positions, mut tokens) = (Vec::new(), Vec::new());
    for ((prompt, answer), rows) in pairs.iter().zip(&rows) {
        positions.extend((0..answer.len()).map(|place| rows.row(prompt.len() + place - 1)));
        tokens.extend_from_slice(answer);
    }
    if tokens.is_empty() {
        return Ok(vec![Vec::new(); pairs.len()]);
    }
    let hidden = decoder.forward(&packed, Mode::Evaluate)?;
    let logprobs = decoder.token_logprobs(&hidden, &positions, &tokens)?.to_vec1::<f32>()?;
    let mut rest = logprobs.as_slice();
    let split = |(_, answer): &(&[u32], &[u32])| {
        let (these, after) = rest.split_at(answer.len());
        rest = after;
        these.to_vec()
    };
    Ok(pairs.iter().map(split).collect())
}
