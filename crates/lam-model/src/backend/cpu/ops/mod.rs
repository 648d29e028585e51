//! The operations of the decoder, each with its own backward, over f32 slices.
//!
//! One file an operation: its formula and shapes, the forward, the backward, and a test of the backward against
//! finite differences. The decoder calls them in order; another device has a folder of its own beside `cpu/`.
//! T tokens, D width, H query heads, K key-value heads, E head width, F feed-forward width, V vocabulary.

pub(crate) mod attention;
pub(crate) mod bias;
pub(crate) mod cross_entropy;
pub(crate) mod dropout;
pub(crate) mod embedding;
pub(crate) mod head_norm;
pub(crate) mod linear;
pub(crate) mod log_probs;
pub(crate) mod lora;
pub(crate) mod rms_norm;
pub(crate) mod rope;
pub(crate) mod swiglu;
