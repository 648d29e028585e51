//! Tiles whose sums are in memory: all but the processor's own. Only how a step is added differs.

use super::block::{SIDE, Side, Sums, Tiles};

/// Who adds the products of a step to sums in memory.
pub(super) trait AddStep {
    /// What a step needs memory for, besides the sums.
    type Scratch;
    /// That memory, at first.
    const SCRATCH: Self::Scratch;
    /// As [`Tiles::step`].
    ///
    /// # Safety
    /// As there.
    unsafe fn add(sums: &mut Sums, scratch: &mut Self::Scratch, left: Side, right: Side, rows: usize);
}

/// Such tiles.
pub(super) struct InMemory<A: AddStep>(Box<(Sums, A::Scratch)>);

impl<A: AddStep> Tiles for InMemory<A> {
    #[inline(always)]
    unsafe fn start() -> Self {
        Self(Box::new((Sums::ZERO, A::SCRATCH)))
    }

    #[inline(always)]
    unsafe fn finish(self) {}

    #[inline(always)]
    unsafe fn clear(&mut self) {
        self.0.0.0 = [[0.0; SIDE]; SIDE];
    }

    #[inline(always)]
    unsafe fn resume(&mut self, from: *const f32) {
        // SAFETY: the caller's.
        unsafe { self.0.0.resume(from) };
    }

    #[inline(always)]
    unsafe fn step(&mut self, left: Side, right: Side, rows: usize) {
        let (sums, scratch) = &mut *self.0;
        // SAFETY: the caller's.
        unsafe { A::add(sums, scratch, left, right, rows) };
    }

    #[inline(always)]
    unsafe fn put<const TALL: bool>(&mut self, to: *mut f32, stride: usize) {
        // SAFETY: the caller's.
        unsafe { self.0.0.put::<TALL>(to, stride) };
    }
}
