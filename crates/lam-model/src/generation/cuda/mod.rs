//! Generation on a CUDA device, with the weights that the decoder has there: keys and values in pages, a call of many
//! tokens of many slots as one pass over the layers.

mod adapter;
mod cache;
mod call;
mod graphs;
mod model;
mod pages;
mod plan;
mod rotations;
mod single;
mod step;

pub(crate) use cache::Cache;
