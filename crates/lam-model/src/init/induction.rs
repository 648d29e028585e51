//! Weights that copy and look up before any training: a previous-token head, then two heads that match.
//!
//! The residual stream is cut into a constant part, an identity code of the token (±1), room for the previous
//! token's code, and room for what is found. In block 0, one head moves the previous token's code into its room (rotary
//! scores that peak one position back). In block 1, two heads compare the present token with what stood before each
//! position, and put the code of the token at the match where the output layer reads it.

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::normal;
use crate::backend::storage;
use crate::files::Tensors;
use crate::layout::linear_name;
use crate::{DecoderConfig, ModelError};

/// Widths of the constant part and of the identity code.
const CONSTANT: usize = 8;
const CODE: usize = 64;
/// Where the previous token's code begins.
const PREVIOUS: usize = CONSTANT + CODE;
/// Rotary pairs from here on turn slowly enough to compare tokens at any distance.
const SLOW_PAIR: usize = 6;
const MATCH_HEADS: usize = 2;
/// Weights of the fast rotary pairs in the previous-token head.
const FAST_PAIRS: [f64; SLOW_PAIR] = [1.0, 0.6, 0.6, 0.6, 0.5, 0.4];

/// Strengths of the parts. The defaults look up 24 pairs with 99 % accuracy at step 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Induction {
    /// Score of a match.
    #[schemars(range(min = 0.0, max = 1e6))]
    pub match_score: f64,
    /// Size of the identity code in the embedding.
    #[schemars(range(min = 0.0, max = 1e6))]
    pub code_scale: f64,
    /// Size of the constant part in the embedding.
    #[schemars(range(min = 0.0, max = 1e6))]
    pub constant_scale: f64,
    /// Score of the previous position.
    #[schemars(range(min = 0.0, max = 1e6))]
    pub previous_score: f64,
    /// Weight of what was found in the output layer.
    #[schemars(range(min = 0.0, max = 1e6))]
    pub gain: f64,
}

impl Default for Induction {
    fn default() -> Self {
        Self { match_score: 12.0, code_scale: 0.3, constant_scale: 0.3, previous_score: 8.0, gain: 2.0 }
    }
}

/// A matrix being edited. Row-major.
struct Grid {
    name: String,
    columns: usize,
    values: Vec<f32>,
}

impl Grid {
    fn take(tensors: &mut Tensors, name: String) -> Result<Self, ModelError> {
        let tensor = tensors.take_made(&name)?;
        let (_, columns) = tensor.dims2()?;
        Ok(Self { name, columns, values: tensor.flatten_all()?.to_vec1()? })
    }

    fn put(self, tensors: &mut Tensors) -> Result<(), ModelError> {
        let rows = self.values.len() / self.columns;
        tensors.put(self.name, storage::tensor(self.values, (rows, self.columns))?);
        Ok(())
    }

    fn set(&mut self, row: usize, column: usize, value: f64) {
        self.values[row * self.columns + column] = value as f32;
    }

    fn clear_rows(&mut self, rows: std::ops::Range<usize>) {
        self.values[rows.start * self.columns..rows.end * self.columns].fill(0.0);
    }

    fn clear_columns(&mut self, columns: std::ops::Range<usize>) {
        self.values.chunks_mut(self.columns).for_each(|row| row[columns.clone()].fill(0.0));
    }

    fn scale(&mut self, factor: f64) {
        self.values.iter_mut().for_each(|value| *value *= factor as f32);
    }
}

/// Orthonormal rows in the space of the code.
fn orthonormal(random: &mut ChaCha8Rng, count: usize) -> Vec<Vec<f64>> {
    let mut rows: Vec<Vec<f64>> = Vec::new();
    while rows.len() < count {
        let mut row: Vec<f64> = normal::deviates(random, CODE, 1.0).into_iter().map(f64::from).collect();
        for earlier in &rows {
            let along: f64 = row.iter().zip(earlier).map(|(a, b)| a * b).sum();
            row.iter_mut().zip(earlier).for_each(|(a, b)| *a -= along * b);
        }
        let length = row.iter().map(|a| a * a).sum::<f64>().sqrt();
        row.iter_mut().for_each(|a| *a /= length);
        rows.push(row);
    }
    rows
}

/// Sizes that every part needs.
struct Plan {
    d: usize,
    e: usize,
    /// Query heads a key-value head serves: special query heads stand that far apart.
    group: usize,
    theta: f64,
    layers: usize,
    vocabulary: usize,
}

impl Plan {
    fn of(config: &DecoderConfig) -> Result<Self, ModelError> {
        let e = config.head_dim();
        let refuse = |key, value: String, reason: String| Err(ModelError::Config { key, value, reason });
        if config.hidden_size < PREVIOUS + e + 32 {
            let least = PREVIOUS + e + 32;
            return refuse("hidden_size", config.hidden_size.to_string(), format!("induction needs at least {least}"));
        }
        if !(16..=CODE).contains(&e) {
            return refuse("head_dim", e.to_string(), format!("induction needs 16 to {CODE}"));
        }
        if config.num_hidden_layers < 2 || config.num_key_value_heads < MATCH_HEADS || config.tie_word_embeddings {
            let reason = "induction needs two layers, two key-value heads and untied embeddings";
            return refuse("num_hidden_layers", config.num_hidden_layers.to_string(), reason.into());
        }
        if config.model_type.has_head_norms() {
            let reason = "induction sizes queries and keys, which this architecture norms; initialise it as `normal`";
            return refuse("model_type", config.model_type.model_type().into(), reason.into());
        }
        Ok(Self {
            d: config.hidden_size,
            e,
            group: config.num_attention_heads / config.num_key_value_heads,
            theta: config.theta(),
            layers: config.num_hidden_layers,
            vocabulary: config.vocab_size,
        })
    }
}

impl Induction {
    /// All tensors of a fresh model.
    pub(crate) fn tensors(&self, config: &DecoderConfig, seed: u64) -> Result<Tensors, ModelError> {
        let plan = Plan::of(config)?;
        let mut tensors = normal::tensors(config, seed)?;
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(1);
        for layer in 0..plan.layers {
            for module in ["o_proj", "down_proj"] {
                let mut grid = Grid::take(&mut tensors, format!("{}.weight", linear_name(layer, module)))?;
                grid.scale(1.0 / (2.0 * plan.layers as f64).sqrt());
                grid.put(&mut tensors)?;
            }
        }
        let codes = self.embed(&plan, &mut tensors, &mut random)?;
        let carried = orthonormal(&mut random, plan.e);
        self.previous_token_head(&plan, &mut tensors, &carried)?;
        for head in 0..MATCH_HEADS {
            self.match_head(&plan, head, &mut tensors, (&carried, &codes), &mut random)?;
        }
        Ok(tensors)
    }

    /// The root mean square of the residual stream's structured parts; `parts` says how many codes it holds.
    fn root_mean_square(&self, plan: &Plan, code_width: usize) -> f64 {
        let constant = CONSTANT as f64 * self.constant_scale.powi(2);
        ((constant + code_width as f64 * self.code_scale.powi(2)) / plan.d as f64).sqrt()
    }

    fn embed(&self, plan: &Plan, tensors: &mut Tensors, random: &mut ChaCha8Rng) -> Result<Vec<f64>, ModelError> {
        let mut table = Grid::take(tensors, "model.embed_tokens.weight".into())?;
        let draw = |_| if random.random::<bool>() { 1.0 } else { -1.0 };
        let codes: Vec<f64> = (0..plan.vocabulary * CODE).map(draw).collect();
        for token in 0..plan.vocabulary {
            (0..CONSTANT).for_each(|i| table.set(token, i, self.constant_scale));
            (0..CODE).for_each(|i| table.set(token, CONSTANT + i, self.code_scale * codes[token * CODE + i]));
        }
        table.put(tensors)?;
        Ok(codes)
    }

    /// Block 0, head 0. Score of the key Δ back: Σ amplitude_i cos(f_i (Δ - 1)), which peaks at Δ = 1.
    fn previous_token_head(&self, plan: &Plan, tensors: &mut Tensors, carried: &[Vec<f64>]) -> Result<(), ModelError> {
        let (e, half) = (plan.e, plan.e / 2);
        let rms = self.root_mean_square(plan, CODE);
        let (constant, code) = (self.constant_scale / rms, self.code_scale / rms);
        let mut grids = special_grids(tensors, 0)?;
        let [q, k, v, o] = &mut grids;
        [&mut *q, &mut *k, &mut *v].into_iter().for_each(|grid| grid.clear_rows(0..e));
        o.clear_columns(0..e);
        for (i, weight) in FAST_PAIRS.into_iter().enumerate() {
            let frequency = plan.theta.powf(-2.0 * i as f64 / e as f64);
            let strength = (weight * self.previous_score * (e as f64).sqrt()).sqrt() / (CONSTANT as f64 * constant);
            for c in 0..CONSTANT {
                q.set(i, c, strength * (-frequency).cos());
                q.set(i + half, c, strength * (-frequency).sin());
                k.set(i, c, strength);
            }
        }
        for (i, row) in carried.iter().enumerate() {
            row.iter().enumerate().for_each(|(c, value)| v.set(i, CONSTANT + c, value / code));
            o.set(PREVIOUS + i, i, self.code_scale);
        }
        grids.into_iter().try_for_each(|grid| grid.put(tensors))
    }

    /// Block 1, one of the heads that find where the present token stood before and bring what followed it.
    fn match_head(
        &self,
        plan: &Plan,
        head: usize,
        tensors: &mut Tensors,
        (carried, codes): (&[Vec<f64>], &[f64]),
        random: &mut ChaCha8Rng,
    ) -> Result<(), ModelError> {
        let (e, half) = (plan.e, plan.e / 2);
        let (query, key) = (head * plan.group * e, head * e);
        let code = self.code_scale / self.root_mean_square(plan, CODE + e);
        let slow: Vec<usize> = (SLOW_PAIR..half).chain(half + SLOW_PAIR..e).collect();
        let strength = (self.match_score * (e as f64).sqrt() / slow.len() as f64).sqrt() / code;
        let mut chosen: Vec<usize> = (0..e).collect();
        chosen.shuffle(random);
        let found = orthonormal(random, e);
        let mut grids = special_grids(tensors, 1)?;
        let [q, k, v, o] = &mut grids;
        q.clear_rows(query..query + e);
        [&mut *k, &mut *v].into_iter().for_each(|grid| grid.clear_rows(key..key + e));
        o.clear_columns(query..query + e);
        for (row, &dimension) in slow.into_iter().zip(&chosen) {
            let compared = &carried[dimension];
            compared.iter().enumerate().for_each(|(c, value)| q.set(query + row, CONSTANT + c, value * strength));
            k.set(key + row, PREVIOUS + dimension, strength);
        }
        for (i, row) in found.iter().enumerate() {
            row.iter().enumerate().for_each(|(c, value)| v.set(key + i, CONSTANT + c, value / code));
        }
        let room = (plan.d - PREVIOUS - e) / MATCH_HEADS;
        let (start, used) = (PREVIOUS + e + head * room, e.min(room));
        (0..used).for_each(|i| o.set(start + i, query + i, 2.0 * self.code_scale));
        let mut output = Grid::take(tensors, "lm_head.weight".into())?;
        for token in 0..plan.vocabulary {
            let own = &codes[token * CODE..(token + 1) * CODE];
            for (i, row) in found.iter().take(used).enumerate() {
                let along: f64 = row.iter().zip(own).map(|(a, b)| a * b).sum();
                output.set(token, start + i, along * self.gain / (MATCH_HEADS * used) as f64);
            }
        }
        output.put(tensors)?;
        grids.into_iter().try_for_each(|grid| grid.put(tensors))
    }
}

/// Query, key, value and output weights of a block.
fn special_grids(tensors: &mut Tensors, layer: usize) -> Result<[Grid; 4], ModelError> {
    let mut take = |module| Grid::take(tensors, format!("{}.weight", linear_name(layer, module)));
    Ok([take("q_proj")?, take("k_proj")?, take("v_proj")?, take("o_proj")?])
}
