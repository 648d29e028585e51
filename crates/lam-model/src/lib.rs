//! A trainable decoder with LoRA, in Hugging Face's names and files: Mistral, Llama, Qwen2 and Qwen3 ([`Architecture`]).
//!
//! [`Decoder`] is loaded or made, run over a [`PackedBatch`] with [`Decoder::forward`], scored with
//! [`Decoder::cross_entropy`] or [`Decoder::token_logprobs`], and asked for tokens with [`KvCache::read`]. The
//! whole stack of layers is one node of candle's tape: its backward is written by hand, layer by layer, over the
//! operations in `backend/`. Does not know tasks or text.
//!
//! ```
//! use lam_model::{Decoder, Initialization, DecoderConfig, Mode, PackedBatch, Target};
//!
//! let config: DecoderConfig = serde_json::from_str(
//!     r#"{"model_type": "mistral", "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2,
//!         "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 50}"#,
//! )?;
//! let decoder = Decoder::init(config, &Initialization::Normal, 42)?;
//!
//! // A loss on the tape, whose backward gives every trained weight its gradient.
//! let batch = PackedBatch::from_documents([[1_u32, 2, 3]]);
//! let hidden = decoder.forward(&batch, Mode::Train { dropout_seed: None })?;
//! let loss = decoder.cross_entropy(&hidden, &[Target { position: 1, token: 3, weight: 1.0 }])?;
//! let gradients = loss.backward()?;
//! assert!(decoder.variables().iter().all(|(_, variable)| gradients.get(variable).is_some()));
//!
//! // Scores of what may follow a prompt, over cached keys and values.
//! let mut cache = decoder.new_cache(1)?;
//! assert_eq!(cache.decode(&[(0, &[1, 2])])?.len(), 50);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod allocator;
mod architecture;
mod backend;
mod batch;
mod config;
mod decoder;
mod device;
mod error;
mod files;
#[cfg(test)]
mod finite_difference;
mod generation;
mod head;
mod hub_model;
mod init;
mod keys;
mod layout;
mod lora;
mod matrix_product;
#[cfg(test)]
#[path = "../../../tests/not_run.rs"]
mod not_run;
mod precision;
mod processor;
mod rotary;
mod source;
mod threads;
mod token_set;
mod window;

pub use allocator::tune_allocator;
pub use architecture::Architecture;
pub use backend::cpu::storage::buffer::give_back_freed;
pub use backend::cuda::PANEL_BYTES;
pub use batch::{Answer, AnswerBatch, PackedBatch, Prefix, Target, TextRows, shared_rows};
pub use config::{DecoderConfig, TokenIds};
pub use decoder::{CrossEntropy, Decoder, Hidden, Mode};
pub use device::Device;
pub use error::ModelError;
pub use generation::{AdapterId, AdapterUse, CacheOptions, KeyValueFormat, KvCache, Read, WeightFormat};
pub use generation::{are_scores, argmax, exp_in_place, logsumexp};
pub use head::ScalarHead;
pub use hub_model::HubModel;
pub use init::{Induction, Initialization, write_fresh};
pub use lora::{Finetuning, LoraConfig, Rounding, TargetModules};
pub use matrix_product::MatrixProduct;
pub use precision::Precision;
pub use processor::Processor;
pub use source::{AdapterOutline, ModelSource, is_reward_model, open_reward_model, record_base};
pub use threads::tune_threads;
pub use token_set::{Allowed, TokenSet};
