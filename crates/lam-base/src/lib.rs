//! The base stage, used where no pretrained model is named: a tokenizer and a Mistral-shaped model from nothing,
//! taught to copy, to look up, and to read documentation text.
//!
//! It is called what it is: these models know no language beyond the application's. Where `model_name_or_path` names
//! a pretrained model, that model is taken instead, and nothing after this stage changes.
//!
//! Three kinds of synthetic examples (`synthetic/`) and windows of documentation text (`corpus.rs`) make batches
//! without end (`loader.rs`); the training loop is `lam-trainer`'s. Knows no environment but the trait.

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
pub use shapes::model_config;
pub use stage::register;
