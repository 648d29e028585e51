//! Generation: the same decoder without the tape, over cached keys and values.
//!
//! Every row is computed in an order of its own, so that a request's logits are the same bits whatever else is in
//! the batch, however its prompt is cut into calls, and for any number of threads.

mod cache;
mod panels;
mod step;

pub use cache::KvCache;
