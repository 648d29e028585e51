//! Files of weights: safetensors headers and the index of shards, checked before a number is read, and files written.
//!
//! Whoever opens, inspects or downloads a model passes here, so that a file that is cut, lengthened or stitched
//! together, a shard that lies elsewhere, and a link that leaves the model's directory are refused in one place.
//! Knows names, types, shapes and places; no tensor library.
//!
//! ```
//! use lam_weights::WeightFiles;
//!
//! let folder = tempfile::tempdir()?;
//! let header = r#"{"embed":{"dtype":"BF16","shape":[2,3],"data_offsets":[0,12]}}"#;
//! let bytes = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &[0; 12]].concat();
//! std::fs::write(folder.path().join("model.safetensors"), &bytes)?;
//! assert_eq!(WeightFiles::open(folder.path(), "model")?.shards[0].parameters(), 6);
//!
//! std::fs::write(folder.path().join("model.safetensors"), [&bytes[..], b"more"].concat())?;
//! assert!(WeightFiles::open(folder.path(), "model").unwrap_err().to_string().contains("4 bytes after its last tensor"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod files;
mod header;
mod index;
mod links;
mod write;

pub use error::WeightsError;
pub use files::WeightFiles;
pub use header::{Header, Parsed, Shard};
pub use index::Index;
pub use links::refuse_links_outside;
pub use safetensors::tensor::{Dtype, TensorInfo};
pub use write::write_tensors;
