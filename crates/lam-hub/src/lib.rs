//! Models from the Hugging Face hub: listed, downloaded, resumed after an interruption, verified, kept.
//!
//! Downloads lie where every Hugging Face tool keeps them, so that a model is there once a machine; or in a directory
//! that is named. Only what a model needs is taken: its configuration, tokenizer, chat template and safetensors
//! weights. What is in the weights is read from their headers alone, here or over the network. Knows no tensor, no
//! token and no stage.
//!
//! ```
//! use lam_hub::{ModelId, read_headers};
//!
//! let id: ModelId = "mistralai/Mistral-7B-v0.3".parse()?;
//! assert_eq!((id.repository.as_str(), id.revision.as_str()), ("mistralai/Mistral-7B-v0.3", "main"));
//!
//! let folder = tempfile::tempdir()?;
//! let header = r#"{"embed":{"dtype":"BF16","shape":[2,3],"data_offsets":[0,12]}}"#;
//! let bytes = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &[0; 12]].concat();
//! std::fs::write(folder.path().join("model.safetensors"), bytes)?;
//! assert_eq!(read_headers(folder.path())?[0].parameters(), 6);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cache;
mod client;
mod error;
mod fetch;
mod id;
mod listing;
mod named;
mod safetensors_header;
mod settings;
mod transfer;
mod verify;

pub use error::HubError;
pub use fetch::{Fetched, Hub, Snapshot};
pub use id::ModelId;
pub use named::NamedModel;
pub use safetensors_header::{Shard, read_headers};
pub use settings::HubSettings;
