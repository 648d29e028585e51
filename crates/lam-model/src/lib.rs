//! A trainable Mistral decoder with LoRA, in Hugging Face's names and files.
//!
//! [`Decoder`] is loaded or made, run over a [`PackedBatch`] with [`Decoder::forward`], scored with
//! [`Decoder::cross_entropy`] or [`Decoder::token_logprobs`], and asked for tokens with [`KvCache::read`]. The
//! whole stack of layers is one node of candle's tape: its backward is written by hand, layer by layer, over the
//! operations in `backend/`. Does not know tasks or text.

mod allocator;
mod backend;
mod batch;
mod config;
mod decoder;
mod error;
mod files;
#[cfg(test)]
mod finite_difference;
mod generation;
mod head;
mod init;
mod layout;
mod lora;
mod matrix_product;
mod precision;

pub use allocator::tune_allocator;
pub use batch::{PackedBatch, Prefix, Target, TextRows, shared_rows};
pub use config::MistralConfig;
pub use decoder::{Decoder, Mode};
pub use error::ModelError;
pub use generation::{AdapterId, AdapterUse, CacheOptions, KeyValueFormat, KvCache, Read, WeightFormat};
pub use generation::{argmax, exp_in_place, logsumexp};
pub use head::ScalarHead;
pub use init::{Induction, Initialization};
pub use lora::{Finetuning, LoraConfig, TargetModules};
pub use matrix_product::MatrixProduct;
pub use precision::Precision;
