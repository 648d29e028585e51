//! Generation on the processor: weights in panels, keys and values in blocks, short pieces of work on threads that spin.

mod adapter;
mod attention;
mod cache;
mod key_values;
mod model;
mod panels;
mod row_reader;
mod step;
mod workspace;

pub(crate) use cache::Cache;
