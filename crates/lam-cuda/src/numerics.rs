//! In which order products are summed, as a person writes it.

use std::fmt;
use std::str::FromStr;

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

/// A word that names no numerics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownNumerics(String);

impl fmt::Display for UnknownNumerics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a kind of numerics: write `fast` or `portable`", self.0)
    }
}

impl std::error::Error for UnknownNumerics {}

impl FromStr for Numerics {
    type Err = UnknownNumerics;

    fn from_str(text: &str) -> Result<Self, UnknownNumerics> {
        match text {
            "fast" => Ok(Self::Fast),
            "portable" => Ok(Self::Portable),
            _ => Err(UnknownNumerics(text.to_owned())),
        }
    }
}

impl fmt::Display for Numerics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fast => "fast",
            Self::Portable => "portable",
        })
    }
}
