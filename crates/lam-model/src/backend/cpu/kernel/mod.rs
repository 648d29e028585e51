//! Loops over f32 slices that everything else is made of. Know no tensors and no model.

#[cfg(target_arch = "x86_64")]
mod amx;
pub(crate) mod blocks;
pub(crate) mod dispatch;
pub(crate) mod element;
pub(crate) mod features;
mod fitted;
pub(crate) mod lanes;
pub(crate) mod matmul;
#[cfg(target_arch = "aarch64")]
pub(crate) mod neon;
pub(crate) mod numbers;
pub(crate) mod numerics;
mod out;
mod packed;
pub(crate) mod pages;
pub(crate) mod panel;
mod piece;
pub(crate) mod product;
pub(crate) mod quantise;
pub(crate) mod rows;
pub(crate) mod shared;
pub(crate) mod spin_pool;
mod tile;
pub(crate) mod tiles;
#[cfg(target_arch = "x86_64")]
pub(crate) mod turn;
pub(crate) mod vector;
pub(crate) mod with_lanes;

/// Rows that one task works on. Fixed, so that results do not depend on the number of threads.
pub(crate) const ROWS_PER_TASK: usize = 128;
