//! A slice that several tasks write to at once, each in its own place.

use std::marker::PhantomData;

/// A mutable slice that can be handed to many tasks.
#[derive(Debug)]
pub(crate) struct Shared<'a, T> {
    start: *mut T,
    len: usize,
    owner: PhantomData<&'a mut [T]>,
}

impl<T> Clone for Shared<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Shared<'_, T> {}

// SAFETY: it is only a pointer and a length; who writes through it promises, in `from`, to keep to its own places.
unsafe impl<T: Send> Send for Shared<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Shared<'_, T> {}

impl<'a, T> Shared<'a, T> {
    pub(crate) fn new(slice: &'a mut [T]) -> Self {
        Self { start: slice.as_mut_ptr(), len: slice.len(), owner: PhantomData }
    }

    /// Everything from `offset` on.
    ///
    /// # Safety
    /// No two tasks may touch the same element while both hold such a slice.
    #[expect(clippy::mut_from_ref, reason = "the tasks share the slice and write to places of their own")]
    pub(crate) unsafe fn from(&self, offset: usize) -> &mut [T] {
        assert!(offset <= self.len, "offset {offset} of {}", self.len);
        // SAFETY: inside the slice, and the caller keeps the places apart.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(offset), self.len - offset) }
    }

    /// Where the element at `offset` lies.
    pub(crate) fn pointer(&self, offset: usize) -> *mut T {
        assert!(offset <= self.len, "offset {offset} of {}", self.len);
        // SAFETY: inside the slice, or one past its end.
        unsafe { self.start.add(offset) }
    }
}
