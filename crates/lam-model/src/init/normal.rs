//! Weights drawn from a normal distribution, norms of one, biases of zero, as Hugging Face initialises a decoder.

use std::collections::BTreeMap;
use std::f64::consts::TAU;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::backend::storage;
use crate::files::Tensors;
use crate::layout::{BIAS, shapes};
use crate::{DecoderConfig, ModelError};

/// Normal deviates, by Box and Muller's way.
pub(crate) fn deviates(random: &mut ChaCha8Rng, n: usize, deviation: f64) -> Vec<f32> {
    let mut values = Vec::with_capacity(n + 1);
    while values.len() < n {
        let radius = (-2.0 * (1.0 - random.random::<f64>()).ln()).sqrt() * deviation;
        let (sin, cos) = (random.random::<f64>() * TAU).sin_cos();
        values.extend([(radius * cos) as f32, (radius * sin) as f32]);
    }
    values.truncate(n);
    values
}

/// A tensor that is drawn when its values are asked for: the same values whenever, and in whatever order.
pub(crate) struct Fresh {
    pub(crate) shape: Vec<usize>,
    seed: u64,
    /// What all its values are, where they are not drawn.
    constant: Option<f32>,
    /// Where its deviates begin in the seed's stream, in words of 32 bits.
    start: u128,
    deviation: f64,
}

/// Values that are drawn at a time; even, because deviates come in pairs.
const PIECE: usize = 1 << 16;
/// Words of the stream that a pair of deviates takes.
const PAIR_WORDS: u128 = 4;

impl Fresh {
    /// How many values it has.
    pub(crate) fn count(&self) -> usize {
        self.shape.iter().product()
    }

    /// The values from a multiple of [`PIECE`] on.
    fn piece(&self, first: usize, count: usize) -> Vec<f32> {
        if let Some(value) = self.constant {
            return vec![value; count];
        }
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        random.set_word_pos(self.start + first as u128 / 2 * PAIR_WORDS);
        deviates(&mut random, count, self.deviation)
    }

    /// All values, each as what `convert` makes of it.
    pub(crate) fn values<T: Send + Clone + Default>(&self, convert: impl Fn(f32) -> T + Sync) -> Vec<T> {
        let mut values = vec![T::default(); self.count()];
        values.par_chunks_mut(PIECE).enumerate().for_each(|(i, piece)| {
            let drawn = self.piece(i * PIECE, piece.len());
            piece.iter_mut().zip(drawn).for_each(|(value, drawn)| *value = convert(drawn));
        });
        values
    }
}

/// All tensors, not yet drawn.
pub(crate) fn fresh(config: &DecoderConfig, seed: u64) -> Vec<(String, Fresh)> {
    let mut start = 0;
    let undrawn = |(name, shape): (String, Vec<usize>)| {
        let constant = match shape.as_slice() {
            [_] if name.ends_with(BIAS) => Some(0.0),
            [_] => Some(1.0),
            _ => None,
        };
        let tensor = Fresh { shape, seed, constant, start, deviation: config.initializer_range };
        let pairs = if constant.is_some() { 0 } else { tensor.count().div_ceil(2) };
        start += pairs as u128 * PAIR_WORDS;
        (name, tensor)
    };
    shapes(config).into_iter().map(undrawn).collect()
}

/// All tensors.
pub(crate) fn tensors(config: &DecoderConfig, seed: u64) -> Result<Tensors, ModelError> {
    let drawn = fresh(config, seed).into_iter().map(|(name, fresh)| {
        let values = fresh.values(|value| value);
        Ok((name, storage::tensor(values, fresh.shape)?))
    });
    Ok(Tensors::made("fresh weights", drawn.collect::<Result<BTreeMap<_, _>, ModelError>>()?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tensors_are_those_of_one_stream_drawn_in_order() {
        let config: DecoderConfig = serde_json::from_value(json!({
            "model_type": "qwen2", "hidden_size": 99, "intermediate_size": 77, "num_hidden_layers": 1,
            "num_attention_heads": 3, "num_key_value_heads": 1, "head_dim": 6, "vocab_size": 901,
        }))
        .unwrap();
        let mut random = ChaCha8Rng::seed_from_u64(7);
        for (name, fresh) in fresh(&config, 7) {
            let n = fresh.count();
            let expected = match fresh.shape.len() {
                1 if name.contains("bias") => vec![0.0; n],
                1 => vec![1.0; n],
                _ => deviates(&mut random, n, config.initializer_range),
            };
            assert_eq!(fresh.values(|value| value), expected, "{name}");
        }
    }
}
