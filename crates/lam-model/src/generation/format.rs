//! In which numbers generation keeps weights, keys and values. Knows no layout.

use serde::{Deserialize, Serialize};

/// Numbers that weights are kept in for generation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WeightFormat {
    /// f32: log-probabilities are those of the training forward.
    #[default]
    F32,
    /// bf16, half the memory; products of bf16, summed in f32. Exact for weights that were bf16 on disk.
    Bf16,
    /// Blocks of 32 inputs of an output: 8-bit integers with a common f16 factor (GGUF's Q8_0, which keeps its values),
    /// a quarter of the memory. A layer's inputs are rounded to 8 bits in blocks of 32 too; sums within a block are exact.
    Q8,
    /// Blocks of 32 inputs of an output in 4 bits with a factor and a minimum, five bits a weight in all: where a layer's
    /// weights lie in such blocks (GGUF's Q4_0 and Q4_K), as they are, without an adapter in them. All else is as with
    /// [`WeightFormat::Q8`], and so are inputs.
    Q4,
}

impl WeightFormat {
    /// The numbers of the inputs of such weights, and of what lies beside weights in 4 bits.
    pub(crate) fn of_inputs(self) -> Self {
        if self == Self::Q4 { Self::Q8 } else { self }
    }
}

/// Numbers that keys and values are kept in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyValueFormat {
    /// f32, exact.
    #[default]
    F32,
    /// bf16, half the memory; queries and attention weights are rounded to bf16 too, sums are f32.
    Bf16,
}

/// What becomes of the decoder's adapter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdapterUse {
    /// Its product is added to the weights.
    #[default]
    Merged,
    /// It is left out: the cache holds the weights under it, and adapters are put on slots.
    Apart,
}

/// How a cache keeps weights, keys and values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CacheOptions {
    /// Numbers of the weights.
    pub weights: WeightFormat,
    /// Numbers of keys and values.
    pub key_values: KeyValueFormat,
    /// The decoder's own adapter.
    pub adapter: AdapterUse,
}

impl CacheOptions {
    /// Weights in `weights`; keys and values in f32 beside f32 weights, else in bf16.
    pub fn of(weights: WeightFormat) -> Self {
        let key_values = if weights == WeightFormat::F32 { KeyValueFormat::F32 } else { KeyValueFormat::Bf16 };
        Self { weights, key_values, adapter: AdapterUse::default() }
    }
}
