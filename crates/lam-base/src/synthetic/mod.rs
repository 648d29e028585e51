//! Synthetic examples that the base model practises on: following spelled-out instructions, looking up, repeating.

mod instructions;
mod lookup;

pub use instructions::{Material, instruction};
pub use lookup::{Masked, look_up, repeated_span};
