//! The base stage, used where no pretrained model is named: a tokenizer and a Mistral-shaped model from nothing,
//! taught to copy, to look up, and to read documentation text.
//!
//! It is called what it is: these models know no language beyond the application's. Where `model_name_or_path` names
//! a pretrained model, that model is taken instead, and nothing after this stage changes.
//!
//! Three kinds of synthetic examples (`synthetic/`) and windows of documentation text (`corpus.rs`) make batches
//! without end (`loader.rs`); the training loop is `lam-trainer`'s. Knows no environment but the trait.
//!
//! ```
//! // The shapes that come with the program; a path to a config.json will do as well.
//! let config = lam_base::model_config("nano-2m")?;
//! assert!(config.parameters() < 3_000_000);
//! # Ok::<(), lam_base::BaseError>(())
//! ```

mod config;
mod corpus;
mod error;
mod loader;
mod make;
mod shapes;
mod stage;
mod synthetic;

pub use config::{BaseConfig, Mixture};
pub use error::BaseError;
pub use loader::SyntheticLoader;
pub use make::{BaseIo, REPLAY_FILE, run};
pub use shapes::{model_config, shape_names, with_special_tokens};
pub use stage::register;
