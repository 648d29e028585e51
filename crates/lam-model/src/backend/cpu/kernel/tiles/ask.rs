//! Asking for memory before it is wanted. Knows no tiles.

/// A cache line.
pub(super) const LINE: usize = 64;

/// Lines that are asked for a few at a time: `count` of them, `stride` bytes apart, then the ones after those.
#[derive(Clone, Copy)]
pub(super) struct Ahead {
    pub(super) at: *const u8,
    pub(super) stride: usize,
    pub(super) count: usize,
    /// Bytes from one time to the next.
    pub(super) next: usize,
}

impl Ahead {
    /// Asks for nothing.
    pub(super) const NONE: Self = Self { at: std::ptr::null(), stride: 0, count: 0, next: 0 };

    /// Asks for the next lines: into the first cache where `NEAR`, into the second otherwise. An address that is
    /// nobody's does no harm.
    #[inline(always)]
    pub(super) fn ask<const NEAR: bool>(&mut self) {
        for i in 0..self.count {
            line::<NEAR>(self.at.wrapping_add(i * self.stride));
        }
        self.at = self.at.wrapping_add(self.next);
    }
}

#[inline(always)]
#[cfg_attr(not(target_arch = "x86_64"), expect(unused_variables, reason = "only x86-64 is asked"))]
fn line<const NEAR: bool>(at: *const u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every x86-64 has the instruction, which reads nothing.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _MM_HINT_T1, _mm_prefetch};
        if NEAR { _mm_prefetch::<_MM_HINT_T0>(at.cast()) } else { _mm_prefetch::<_MM_HINT_T1>(at.cast()) }
    }
}
