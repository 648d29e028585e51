//! GGUF files (llama.cpp's): header, metadata and places of tensors, checked before anything is believed, and what they
//! say in Hugging Face's names; and files written of the same. Knows no tensor library, no tokenizer and no model: bytes,
//! names, numbers.
//!
//! Lengths in the file are compared with what is left of it before anything is made room for, so that a damaged or hostile
//! file is an error and neither a panic nor a gigabyte.
//!
//! ```
//! use lam_gguf::{Gguf, find};
//!
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("tiny.gguf");
//! // Version 3, no tensors, one key: `general.architecture` = "llama".
//! let text = |text: &str| [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat();
//! let header = [b"GGUF".as_slice(), &3_u32.to_le_bytes(), &0_u64.to_le_bytes(), &1_u64.to_le_bytes()].concat();
//! let pair = [text("general.architecture"), 8_u32.to_le_bytes().to_vec(), text("llama")].concat();
//! std::fs::write(&path, [header, pair].concat())?;
//!
//! assert_eq!(find(folder.path())?, Some(path.clone()));
//! assert_eq!(Gguf::open(&path)?.text("general.architecture")?, Some("llama"));
//!
//! std::fs::write(&path, b"GGUF")?;
//! assert!(Gguf::open(&path).unwrap_err().to_string().contains("ends at byte 4"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod config;
mod cursor;
mod describe;
mod error;
mod file;
mod file_type;
mod keys;
mod names;
mod place;
mod read;
mod rope;
mod tensor;
mod value;
mod write;

pub use config::OTHER_MODEL;
pub use describe::{Described, describe};
pub use error::GgufError;
pub use file::Gguf;
pub use file_type::FileType;
pub use names::{Name, hugging_face, llama_cpp};
pub use place::{find, is_model};
pub use rope::FACTORS;
pub use tensor::{Format, Tensor};
pub use value::Value;
pub use write::{Outline, Planned};
