//! Memory of a device that holds numbers of one type: buffers, and views of parts of them. Knows no kernels.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Bound, RangeBounds};
use std::sync::Arc;

use crate::arena::Place;
use crate::context::Context;
use crate::element::Element;
use crate::error::CudaError;

/// Numbers on a device. Dropped, it gives its memory back at once; work that was launched before still sees it.
pub struct Buffer<T: Element> {
    context: Arc<Context>,
    /// `None` while it is dropped.
    place: Option<Place>,
    address: u64,
    length: usize,
    element: PhantomData<T>,
}

impl<T: Element> Buffer<T> {
    /// Of so many numbers, whatever they are.
    pub(crate) fn new(context: &Arc<Context>, length: usize) -> Result<Self, CudaError> {
        let place = context.take(length.saturating_mul(size_of::<T>()))?;
        Ok(Self {
            context: Arc::clone(context),
            address: context.address(&place),
            place: Some(place),
            length,
            element: PhantomData,
        })
    }

    /// How many numbers there are.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Where the number of this index is on the device, for tables of addresses that kernels read.
    ///
    /// # Panics
    ///
    /// If there is none, as a slice does; the one after the last is allowed.
    pub fn address(&self, index: usize) -> u64 {
        self.view(index..).address()
    }

    /// All of them, to be read.
    pub fn all(&self) -> View<'_, T> {
        View { address: self.address, length: self.length, lent: PhantomData }
    }

    /// All of them, to be written.
    pub fn all_mut(&mut self) -> ViewMut<'_, T> {
        ViewMut { address: self.address, length: self.length, lent: PhantomData }
    }

    /// Some of them, to be read.
    ///
    /// # Panics
    ///
    /// If the range ends after the last, as a slice does.
    pub fn view(&self, range: impl RangeBounds<usize>) -> View<'_, T> {
        self.all().part(range)
    }

    /// Some of them, to be written.
    ///
    /// # Panics
    ///
    /// If the range ends after the last, as a slice does.
    pub fn view_mut(&mut self, range: impl RangeBounds<usize>) -> ViewMut<'_, T> {
        self.all_mut().part(range)
    }

    /// Some of them, to be written by a launch that reads others of them: a product writes behind the rows that it reads.
    ///
    /// # Safety
    ///
    /// No launch that gets them reads them by another view, and no other writes them at the same time.
    ///
    /// # Panics
    ///
    /// If the range ends after the last, as a slice does.
    pub unsafe fn alias_mut(&self, range: impl RangeBounds<usize>) -> ViewMut<'_, T> {
        ViewMut { address: self.address, length: self.length, lent: PhantomData }.part(range)
    }
}

impl<T: Element> Drop for Buffer<T> {
    fn drop(&mut self) {
        if let Some(place) = self.place.take() {
            self.context.give_back(place);
        }
    }
}

impl<T: Element> fmt::Debug for Buffer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer<{}>[{}]", std::any::type_name::<T>(), self.length)
    }
}

/// Numbers of a buffer, to be read.
#[derive(Clone, Copy)]
pub struct View<'a, T: Element> {
    address: u64,
    length: usize,
    lent: PhantomData<&'a T>,
}

impl<'a, T: Element> View<'a, T> {
    /// How many numbers there are.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Some of them.
    ///
    /// # Panics
    ///
    /// If the range ends after the last, as a slice does.
    pub fn part(self, range: impl RangeBounds<usize>) -> View<'a, T> {
        let (begin, end) = limits(range, self.length);
        View { address: self.address + (begin * size_of::<T>()) as u64, length: end - begin, lent: PhantomData }
    }

    /// Where they are on the device, for tables of addresses that kernels read.
    pub fn address(&self) -> u64 {
        self.address
    }

    pub(crate) fn bytes(&self) -> usize {
        self.length * size_of::<T>()
    }
}

/// Numbers of a buffer, to be written.
pub struct ViewMut<'a, T: Element> {
    address: u64,
    length: usize,
    lent: PhantomData<&'a mut T>,
}

impl<'a, T: Element> ViewMut<'a, T> {
    /// How many numbers there are.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Some of them.
    ///
    /// # Panics
    ///
    /// If the range ends after the last, as a slice does.
    pub fn part(self, range: impl RangeBounds<usize>) -> ViewMut<'a, T> {
        let View { address, length, .. } = View::<T>::from(self).part(range);
        ViewMut { address, length, lent: PhantomData }
    }

    /// The first so many, and the others.
    ///
    /// # Panics
    ///
    /// If there are fewer.
    pub fn split_at(self, middle: usize) -> (ViewMut<'a, T>, ViewMut<'a, T>) {
        let all = View::<T>::from(self);
        let [first, second] = [all.part(..middle), all.part(middle..)];
        let own = |View { address, length, .. }: View<'a, T>| ViewMut { address, length, lent: PhantomData };
        (own(first), own(second))
    }

    /// The same for a shorter time.
    pub fn again(&mut self) -> ViewMut<'_, T> {
        ViewMut { address: self.address, length: self.length, lent: PhantomData }
    }

    /// The same, to be read.
    pub fn as_view(&self) -> View<'_, T> {
        View { address: self.address, length: self.length, lent: PhantomData }
    }

    /// Where they are on the device, for tables of addresses that kernels write to.
    pub fn address(&self) -> u64 {
        self.address
    }
}

impl<'a, T: Element> From<&'a Buffer<T>> for View<'a, T> {
    fn from(buffer: &'a Buffer<T>) -> Self {
        buffer.all()
    }
}

impl<'a, T: Element> From<ViewMut<'a, T>> for View<'a, T> {
    fn from(view: ViewMut<'a, T>) -> Self {
        View { address: view.address, length: view.length, lent: PhantomData }
    }
}

impl<'a, T: Element> From<&'a mut Buffer<T>> for ViewMut<'a, T> {
    fn from(buffer: &'a mut Buffer<T>) -> Self {
        buffer.all_mut()
    }
}

/// The first index of a range and the one after its last.
fn limits(range: impl RangeBounds<usize>, length: usize) -> (usize, usize) {
    let begin = match range.start_bound() {
        Bound::Included(&first) => first,
        Bound::Excluded(&before) => before + 1,
        Bound::Unbounded => 0,
    };
    let end = match range.end_bound() {
        Bound::Included(&last) => last + 1,
        Bound::Excluded(&end) => end,
        Bound::Unbounded => length,
    };
    assert!(begin <= end && end <= length, "{begin}..{end} of {length} numbers on a device");
    (begin, end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_those_of_slices() {
        assert_eq!(limits(.., 5), (0, 5));
        assert_eq!(limits(2..4, 5), (2, 4));
        assert_eq!(limits(2..=4, 5), (2, 5));
        assert_eq!(limits(5.., 5), (5, 5));
    }

    #[test]
    #[should_panic(expected = "3..6 of 5 numbers on a device")]
    fn a_range_that_is_too_long_panics() {
        limits(3..6, 5);
    }
}
