//! In which order products are summed, as a person writes it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `fast` or `portable`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Numerics {
    /// Each processor's own order: products in bf16 have other last bits on another kind of processor.
    #[default]
    Fast,
    /// One order on all processors: products in bf16 have the same bits everywhere. Processors without tiles pay for it.
    Portable,
}

lam_signal::words!(Numerics, "a kind of numerics", Fast => "fast", Portable => "portable");
