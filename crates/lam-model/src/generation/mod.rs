//! Generation: the same decoder without the tape, over cached keys and values.
//!
//! Every row is computed in an order of its own, so that a request's logits are the same bits whatever else is in
//! the batch, however its prompt is cut into calls, and for any number of threads.

mod cpu;
mod format;
mod scores;

pub use cpu::{AdapterId, KvCache, Read};
pub use format::{AdapterUse, CacheOptions, KeyValueFormat, WeightFormat};
pub use scores::{argmax, exp_in_place, logsumexp};
