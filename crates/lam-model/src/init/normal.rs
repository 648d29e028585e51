//! Weights drawn from a normal distribution, norms of one, as Hugging Face initialises a Mistral.

use std::collections::BTreeMap;
use std::f64::consts::TAU;

use candle_core::{Device, Tensor};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::decoder::build::{linear_name, linear_size};
use crate::files::Tensors;
use crate::lora::MODULES;
use crate::{MistralConfig, ModelError};

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

/// Name and shape of every tensor, in the order of the forward pass.
pub(crate) fn shapes(config: &MistralConfig) -> Vec<(String, Vec<usize>)> {
    let (v, d) = (config.vocab_size, config.hidden_size);
    let mut shapes = vec![("model.embed_tokens.weight".to_string(), vec![v, d])];
    for layer in 0..config.num_hidden_layers {
        for norm in ["input_layernorm", "post_attention_layernorm"] {
            shapes.push((format!("model.layers.{layer}.{norm}.weight"), vec![d]));
        }
        for module in MODULES {
            let (n, k) = linear_size(config, module);
            shapes.push((format!("{}.weight", linear_name(layer, module)), vec![n, k]));
        }
    }
    shapes.push(("model.norm.weight".into(), vec![d]));
    if !config.tie_word_embeddings {
        shapes.push(("lm_head.weight".into(), vec![v, d]));
    }
    shapes
}

/// All tensors.
pub(crate) fn tensors(config: &MistralConfig, seed: u64) -> Result<Tensors, ModelError> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut map = BTreeMap::new();
    for (name, shape) in shapes(config) {
        let n = shape.iter().product();
        let values = if shape.len() == 1 { vec![1.0; n] } else { deviates(&mut random, n, config.initializer_range) };
        map.insert(name, Tensor::from_vec(values, shape, &Device::Cpu)?);
    }
    Ok(Tensors::made("fresh weights", map))
}
