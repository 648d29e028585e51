//! Models from the Hugging Face hub: listed, downloaded, resumed after an interruption, verified, kept. And sent there.
//!
//! Downloads lie where every Hugging Face tool keeps them, so that a model is there once a machine; or in a directory
//! that is named. Only what a model needs is taken: its configuration, tokenizer, chat template and safetensors
//! weights. What is in the weights is read from their headers alone, over the network.
//!
//! [`Hub::push`] sends files to a repository of models or data sets: what the hub has is not sent again, and all of it
//! appears in one commit, or nothing. Knows no tensor, no token and no stage.
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
mod directory;
mod error;
mod fetch;
mod id;
mod listing;
mod local_copy;
mod named;
mod settings;
mod transfer;
mod upload;
mod verify;

pub use error::HubError;
pub use fetch::{Fetched, Hub, Snapshot};
pub use id::ModelId;
pub use named::NamedModel;
pub use settings::HubSettings;
pub use upload::{Folder, LeftOut, OutgoingFile, Push, Pushed, PushedFile, Repository, RepositoryKind, Sent, Source};
