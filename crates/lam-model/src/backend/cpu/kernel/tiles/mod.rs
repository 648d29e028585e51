//! Products of bf16 on tiles, in one order of sums whatever multiplies them.
//!
//! A block is 32 × 32 sums; a step adds the products over 32 values of the reduction. For each sum of a step, the
//! values at even places and those at odd places make a chain each, from zero, by fused steps: E = rn(a b + E),
//! O = rn(a b + O); then C = rn(C + rn(E + O)). Numbers too small to be normal count as zero, going in and coming out.
//! That is what Intel's AMX does (`tdpbf16ps`). Each summand of a product starts a step of its own, and its last step is
//! filled up with zeros; how else a product is cut changes no bit, because partial sums wait as f32.
//!
//! Three more sum tiles in orders of their own: Arm's products of bf16 (see `dots.rs`), multiply-adds of AVX-512 and AVX2
//! where no order is asked for (see `chain.rs`), and the blocks of attention where there is neither.

mod ask;
mod block;
mod by_blocks;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod bytes;
#[cfg(target_arch = "x86_64")]
mod chain;
mod cut;
#[cfg(target_arch = "aarch64")]
mod dots;
mod each_unit;
mod few;
#[cfg(target_arch = "x86_64")]
mod fused;
#[cfg(target_arch = "x86_64")]
mod hardware;
mod in_memory;
mod model;
#[cfg(target_arch = "aarch64")]
mod neon;
mod order;
mod pack;
#[cfg(target_arch = "x86_64")]
mod pairs;
mod part;
mod pending;
mod product;
mod sides;
mod team;
#[cfg(test)]
mod tests;
#[cfg(not(target_arch = "aarch64"))]
mod unfused;
mod unit;

pub(crate) use block::{BEYOND, SIDE, STEP, Sums, Tiles};
pub(crate) use by_blocks::{BLOCK, RightBlocks, RowsByBlocks};
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
pub(crate) use bytes::ByteRows;
pub(crate) use few::FewRows;
pub(crate) use order::{Blocks, Multiplier, OwnOrder, Pair};
pub(super) use sides::{Left, Term, Work};
pub(crate) use unit::{Unit, run_by};
