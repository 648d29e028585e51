//! In which order this process sums products of bf16.

use std::sync::OnceLock;

use lam_cuda::Numerics;

static CHOSEN: OnceLock<Numerics> = OnceLock::new();

/// What was chosen.
#[inline]
pub(crate) fn numerics() -> Numerics {
    CHOSEN.get().copied().unwrap_or_default()
}

/// Chooses. The first choice of a process stays: what was packed in one order is of no use in another.
pub(crate) fn choose(numerics: Numerics) {
    CHOSEN.get_or_init(|| numerics);
}
