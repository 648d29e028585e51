//! A slice that several tasks write to at once, each in its own place.

use std::marker::PhantomData;

/// A mutable slice that can be handed to many tasks.
#[derive(Clone, Copy)]
pub(crate) struct SharedSlice<'a> {
    start: *mut f32,
    len: usize,
    owner: PhantomData<&'a mut [f32]>,
}

// SAFETY: it is only a pointer and a length; who writes through it promises, in `from`, to keep to its own places.
unsafe impl Send for SharedSlice<'_> {}
// SAFETY: as above.
unsafe impl Sync for SharedSlice<'_> {}

impl<'a> SharedSlice<'a> {
    pub(crate) fn new(slice: &'a mut [f32]) -> Self {
        Self { start: slice.as_mut_ptr(), len: slice.len(), owner: PhantomData }
    }

    /// Everything from `offset` on.
    ///
    /// # Safety
    /// No two tasks may touch the same element while both hold such a slice.
    #[expect(clippy::mut_from_ref, reason = "the tasks share the slice and write to places of their own")]
    pub(crate) unsafe fn from(&self, offset: usize) -> &mut [f32] {
        assert!(offset <= self.len, "offset {offset} of {}", self.len);
        // SAFETY: inside the slice, and the caller keeps the places apart.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(offset), self.len - offset) }
    }
}
