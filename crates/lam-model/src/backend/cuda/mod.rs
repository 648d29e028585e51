//! The decoder's arithmetic on a CUDA device: kernels (`kernels/`), what NVRTC gets of them, and operations over buffers.
//! `kernels/PROVEN.md` says which kernels ran on which card.

pub(crate) mod ops;
pub(crate) mod sources;
