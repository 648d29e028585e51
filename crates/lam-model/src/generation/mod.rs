//! Generation: the same decoder without the tape, over cached keys and values.
//!
//! [`KvCache`] is the door. On the processor (`cpu/`) every row is computed in an order of its own, so that a request's
//! logits are the same bits whatever else is in the batch, however its prompt is cut into calls, and for any number of
//! threads. On a CUDA device (`cuda/`) a row's attention and norms depend on nothing else either; but the matrix products
//! take another algorithm for another number of rows, and prompts that are read together are packed into the same tiles:
//! company may change a request's last bits there.

mod adapter;
mod cache;
mod cpu;
mod cuda;
mod format;
mod read;
mod scores;

pub use cache::KvCache;
pub use format::{AdapterUse, CacheOptions, KeyValueFormat, WeightFormat};
pub use read::{AdapterId, Read};
pub use scores::{are_scores, argmax, exp_in_place, logsumexp};
