//! The generation loop: KV cache, requests that come and go, sampling, constrained decoding, and the policy over our
//! own model. Knows no training.
//!
//! ```
//! use lam_inference::{GenerationRequest, Generator};
//! use lam_model::{Decoder, Initialization};
//!
//! let config = serde_json::from_str(
//!     r#"{"model_type": "mistral", "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2,
//!         "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 50}"#,
//! )?;
//! let decoder = Decoder::init(config, &Initialization::Normal, 42)?;
//!
//! let (prompt, eos, max_new_tokens) = (vec![1, 2, 3], 0, 8);
//! let mut generator = Generator::new(&decoder, 32)?;
//! let completions = generator.run(vec![GenerationRequest::greedy(prompt, eos, max_new_tokens)])?;
//! assert!((1..=8).contains(&completions[0].tokens.len()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod directory;
mod dtype;
mod error;
mod generator;
mod live;
mod model;
mod policy;
mod request;
mod reward;
mod sampling;
mod score;
mod slots;

pub use directory::{ModelDirectory, ModelPlanner, model_name, not_a_model, open_model};
pub use dtype::Dtype;
pub use error::InferenceError;
pub use generator::{Finished, Generator, RequestId};
pub use model::{CachedDecoder, CachedModel, Scores};
pub use policy::{ModelPolicy, PolicyOptions};
pub use request::{Completion, GenerationRequest, PartialAnswer, StopReason};
pub use reward::{normalized_reward, reward_scores};
pub use sampling::{Choice, Sampler, Sampling};
pub use score::{Given, score, score_among};
