//! Models from the Hugging Face hub: listed, downloaded, resumed after an interruption, verified, kept.
//!
//! Downloads lie where every Hugging Face tool keeps them, so that a model is there once a machine; or in a directory
//! that is named. Only what a model needs is taken: its configuration, tokenizer, chat template and safetensors
//! weights. What is in the weights is read from their headers alone, over the network. Knows no tensor, no token and no
//! stage.
//!
//! ```
//! use lam_hub::ModelId;
//!
//! let id: ModelId = "mistralai/Mistral-7B-v0.3".parse()?;
//! assert_eq!((id.repository.as_str(), id.revision.as_str()), ("mistralai/Mistral-7B-v0.3", "main"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cache;
mod client;
mod error;
mod fetch;
mod id;
mod listing;
mod named;
mod settings;
mod transfer;
mod verify;

pub use error::HubError;
pub use fetch::{Fetched, Hub, Snapshot};
pub use id::ModelId;
pub use named::NamedModel;
pub use settings::HubSettings;
