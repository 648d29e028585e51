//! Examples made from rows: tokenised, masked, checked, counted, drawn for people to see.
//!
//! The loss counts only what the model is to answer, its end of sequence included. Knows no model and no environment.

mod error;
mod example;
mod preview;

pub use error::DataError;
pub use example::{Example, limit_length, plan_example, step_example, step_examples, text_example};
pub use preview::preview;
