//! Weights drawn from a normal distribution, norms of one, biases of zero, as Hugging Face initialises a decoder.

use std::collections::BTreeMap;
use std::f64::consts::TAU;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

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

/// All tensors.
pub(crate) fn tensors(config: &DecoderConfig, seed: u64) -> Result<Tensors, ModelError> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut map = BTreeMap::new();
    for (name, shape) in shapes(config) {
        let n = shape.iter().product();
        let values = match shape.as_slice() {
            [_] if name.ends_with(BIAS) => vec![0.0; n],
            [_] => vec![1.0; n],
            _ => deviates(&mut random, n, config.initializer_range),
        };
        map.insert(name, storage::tensor(values, shape)?);
    }
    Ok(Tensors::made("fresh weights", map))
}
