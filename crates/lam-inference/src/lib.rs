//! The generation loop: KV cache, requests that come and go, sampling, constrained decoding, and the policy over our
//! own model. Knows no training.
//!
//! ```text
//! let mut generator = Generator::new(&decoder, 32)?;
//! let completions = generator.run(requests)?;
//! ```

mod directory;
mod error;
mod generator;
mod live;
mod model;
mod policy;
mod request;
mod sampling;
mod score;
mod slots;

pub use directory::{ModelDirectory, ModelPlanner, check_model, not_a_model};
pub use error::InferenceError;
pub use generator::{Generator, RequestId};
pub use model::{CachedDecoder, CachedModel, Scores};
pub use policy::{ModelPolicy, PolicyOptions};
pub use request::{Completion, GenerationRequest, StopReason};
pub use sampling::{Choice, Sampler, Sampling};
pub use score::score;
