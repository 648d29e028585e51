//! What a reward model says of answers, without a gradient.

use lam_model::{Answer, Decoder, Mode, ScalarHead};

use crate::InferenceError;

/// Sequences scored side by side.
const BATCH: usize = 32;

/// The score of each sequence, read at its last token. Sequences that begin alike share what they begin with, so that
/// the last bits of a score may depend on the others; alone a sequence always has the same ones.
///
/// # Errors
/// A model that fails.
pub fn reward_scores(decoder: &Decoder, head: &ScalarHead, sequences: &[&[u32]]) -> Result<Vec<f32>, InferenceError> {
    let mut scores = Vec::with_capacity(sequences.len());
    for chunk in sequences.chunks(BATCH) {
        let packed = decoder.pack_answers(&chunk.iter().map(|text| Answer::score(text)).collect::<Vec<_>>());
        let hidden = decoder.forward(&packed.batch, Mode::Evaluate)?;
        scores.extend(head.scores(&hidden, &packed.rows)?.to_vec1::<f32>()?);
    }
    Ok(scores)
}

/// The reward that a score is: sigmoid(score) − 0.5, in [−0.5, 0.5] (paper §5.1.2, §5.1.3).
pub fn normalized_reward(score: f32) -> f32 {
    1.0 / (1.0 + (-score).exp()) - 0.5
}
