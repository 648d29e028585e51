//! Examples made from rows: tokenised, masked, checked, counted, drawn for people to see. And the rounds of an
//! exploration, as its directory keeps them for the stages after it.
//!
//! The loss counts only what the model is to answer, its end of sequence included. Knows no model and no environment.
//!
//! ```
//! use lam_data::{Example, NearIndex};
//!
//! let (prompt, answer) = (vec![5, 6, 7], [8, 2]);
//! let example = Example::new("plan-1".to_owned(), prompt, &answer)?;
//! assert_eq!(example.loss_mask, [false, false, false, true, true]);
//!
//! // Tasks that are nearly the same stay on one side of a split.
//! let mut tasks = NearIndex::new(0.9);
//! tasks.insert("Add a border to the table");
//! assert!(tasks.nearest("add a border to the table!").is_some());
//! assert!(tasks.nearest("delete the table").is_none());
//! # Ok::<(), lam_data::DataError>(())
//! ```

mod check;
mod error;
mod example;
mod file;
mod held_out;
mod near;
mod preview;
mod rounds;
mod sound;
mod stats;
mod visit;

pub use check::{CheckConfig, CheckReport, Checker, Finding, Problem};
pub use error::DataError;
pub use example::{Example, limit_length, plan_example, step_example, step_examples, text_example};
pub use file::{read_examples, write_examples};
pub use held_out::is_held_out;
pub use near::{NearIndex, normalize};
pub use preview::{Inputs, preview};
pub use rounds::{COVERAGE_FILE, ExplorationRound, read_rounds};
pub use sound::SoundRows;
pub use stats::{Counts, DataStats, Lengths};
pub use visit::{Place, Row, visit_rows};
