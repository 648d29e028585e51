//! Examples made from rows: tokenised, masked, checked, counted, drawn for people to see.
//!
//! The loss counts only what the model is to answer, its end of sequence included. Knows no model and no environment.

mod check;
mod error;
mod example;
mod file;
mod held_out;
mod near;
mod preview;
mod stats;
mod visit;

pub use check::{CheckConfig, CheckReport, Checker, Finding, Problem};
pub use error::DataError;
pub use example::{Example, limit_length, plan_example, step_example, step_examples, text_example};
pub use file::{read_examples, write_examples};
pub use held_out::is_held_out;
pub use near::{NearIndex, normalize};
pub use preview::preview;
pub use stats::{Counts, DataStats, Lengths};
pub use visit::{Place, Row, visit_rows};
