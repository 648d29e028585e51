//! What a reward model says of answers, without a gradient.

use lam_model::{Decoder, Mode, Prefix, ScalarHead};

use crate::ReinforceError;

/// Sequences scored side by side.
const BATCH: usize = 32;

/// The score of each sequence, read at its last token.
///
/// # Errors
/// A model that fails.
pub fn scores(decoder: &Decoder, head: &ScalarHead, sequences: &[Vec<u32>]) -> Result<Vec<f32>, ReinforceError> {
    let mut scores = Vec::with_capacity(sequences.len());
    for chunk in sequences.chunks(BATCH) {
        let last = |text: &Vec<u32>| text.len().saturating_sub(1);
        let texts: Vec<_> = chunk.iter().map(|text| Prefix { text, shareable: last(text) }).collect();
        let (batch, rows) = decoder.pack(&texts);
        let ends: Vec<usize> = chunk.iter().zip(&rows).map(|(text, rows)| rows.row(last(text))).collect();
        let hidden = decoder.forward(&batch, Mode::Evaluate)?;
        scores.extend(head.scores(&hidden, &ends)?.to_vec1::<f32>()?);
    }
    Ok(scores)
}

/// sigmoid(score) − 0.5, in [−0.5, 0.5] (paper §5.1.2, §5.1.3).
pub fn normalized(score: f32) -> f32 {
    1.0 / (1.0 + (-score).exp()) - 0.5
}
