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

// SAFETY: it is only a pointer and a length; who writes through it promises, in `part`, to keep to its own places.
unsafe impl<T: Send> Send for Shared<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Shared<'_, T> {}

impl<'a, T> Shared<'a, T> {
    pub(crate) fn new(slice: &'a mut [T]) -> Self {
        Self { start: slice.as_mut_ptr(), len: slice.len(), owner: PhantomData }
    }

    /// `len` elements from `offset` on, to be written.
    ///
    /// # Safety
    /// Nobody else may read or write any of them while such a slice is held.
    #[expect(clippy::mut_from_ref, reason = "the tasks share the slice and write to places of their own")]
    pub(crate) unsafe fn part(&self, offset: usize, len: usize) -> &mut [T] {
        // SAFETY: inside the slice, and the caller keeps the places apart.
        unsafe { std::slice::from_raw_parts_mut(self.within(offset, len), len) }
    }

    /// `len` elements from `offset` on, to be read.
    ///
    /// # Safety
    /// Nobody may write to any of them while such a slice is held.
    pub(crate) unsafe fn read(&self, offset: usize, len: usize) -> &[T] {
        // SAFETY: as above.
        unsafe { std::slice::from_raw_parts(self.within(offset, len), len) }
    }

    /// Where `len` elements from `offset` on lie.
    fn within(&self, offset: usize, len: usize) -> *mut T {
        assert!(offset <= self.len && len <= self.len - offset, "{len} elements from {offset} on, of {}", self.len);
        self.pointer(offset)
    }

    /// Where the element at `offset` lies.
    pub(crate) fn pointer(&self, offset: usize) -> *mut T {
        assert!(offset <= self.len, "offset {offset} of {}", self.len);
        // SAFETY: inside the slice, or one past its end.
        unsafe { self.start.add(offset) }
    }
}
