//! Fresh weights. Knows names and shapes, not how they are used.

mod induction;
pub(crate) mod normal;
mod write;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::files::Tensors;
use crate::{DecoderConfig, ModelError};
pub use induction::Induction;
pub use write::write_fresh;

/// How fresh weights are drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Initialization {
    /// Normal with the config's `initializer_range`, ones for norms: Hugging Face's.
    Normal,
    /// As `Normal`, with heads that copy and look up from the first step on.
    Induction(Induction),
}

/// All tensors of a fresh model.
pub(crate) fn tensors(
    config: &DecoderConfig,
    initialization: &Initialization,
    seed: u64,
) -> Result<Tensors, ModelError> {
    match initialization {
        Initialization::Normal => normal::tensors(config, seed),
        Initialization::Induction(induction) => induction.tensors(config, seed),
    }
}
