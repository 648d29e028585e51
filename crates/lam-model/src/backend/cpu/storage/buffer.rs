//! Memory for what lives for a part of a step: starts at a cache line, lies on large pages where it is large, and is
//! handed from one buffer to the next, neither mapped nor cleared again.

use std::fmt::{Debug, Formatter};
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

use half::bf16;
use rayon::prelude::*;

use crate::allocator;
use crate::backend::cpu::kernel::element::Element;
use crate::backend::cpu::kernel::pages::Pages;

/// A number of which all patterns of bits are values, so that what memory held before may be read as it.
///
/// # Safety
/// No pattern is invalid, and four bytes hold a whole number of them.
pub(crate) unsafe trait AnyBits: Element {}

// SAFETY: every pattern is a number or NaN.
unsafe impl AnyBits for f32 {}
// SAFETY: as above.
unsafe impl AnyBits for bf16 {}

/// Numbers in memory that is used again.
pub(crate) struct Buffer<T> {
    /// Nothing where there is no number.
    pages: Option<Pages>,
    len: usize,
    kind: PhantomData<T>,
}

/// Bytes from which memory is kept for the next buffer; less is the allocator's.
const KEPT: usize = 1 << 16;
/// Numbers that a thread copies at once.
const CHUNK: usize = 1 << 16;

impl<T: AnyBits> Buffer<T> {
    /// `len` numbers without a meaning, for who writes them all.
    pub(crate) fn room(len: usize) -> Self {
        Self { pages: take(bytes_of::<T>(len)).map(|(pages, _)| pages), len, kind: PhantomData }
    }

    /// `len` zeros.
    pub(crate) fn zeros(len: usize) -> Self {
        let taken = take(bytes_of::<T>(len));
        let cleared = taken.as_ref().is_none_or(|(_, cleared)| *cleared);
        let mut buffer = Self { pages: taken.map(|(pages, _)| pages), len, kind: PhantomData };
        if !cleared {
            buffer.par_chunks_mut(CHUNK).for_each(|part| part.fill(T::default()));
        }
        buffer
    }

    /// A copy of these.
    pub(crate) fn of(values: &[T]) -> Self {
        let mut buffer = Self::room(values.len());
        buffer.par_chunks_mut(CHUNK).zip(values.par_chunks(CHUNK)).for_each(|(to, from)| to.copy_from_slice(from));
        buffer
    }
}

fn bytes_of<T>(len: usize) -> usize {
    len.checked_mul(size_of::<T>()).expect("so many numbers fit in memory")
}

impl<T> Drop for Buffer<T> {
    fn drop(&mut self) {
        if let Some(pages) = self.pages.take().filter(|pages| pages.bytes() >= KEPT) {
            lock().give(pages);
        }
    }
}

impl<T: AnyBits> Clone for Buffer<T> {
    fn clone(&self) -> Self {
        Self::of(self)
    }
}

impl<T: AnyBits> From<Vec<T>> for Buffer<T> {
    fn from(values: Vec<T>) -> Self {
        Self::of(&values)
    }
}

impl<T: AnyBits> Deref for Buffer<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: the pages have room for `len` numbers, were zero at first, and hold what buffers of numbers wrote since;
        // all patterns of bits are numbers.
        self.pages.as_ref().map_or(&[], |pages| unsafe { std::slice::from_raw_parts(pages.raw().cast(), self.len) })
    }
}

impl<T: AnyBits> DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        match &mut self.pages {
            // SAFETY: as above, and this is the only one that has the pages.
            Some(pages) => unsafe { std::slice::from_raw_parts_mut(pages.raw().cast(), self.len) },
            None => &mut [],
        }
    }
}

impl<T> Debug for Buffer<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "a buffer of {} numbers", self.len)
    }
}

/// Memory that no buffer has, the longest unused first.
struct Spare {
    pages: Vec<Pages>,
    /// Bytes of them.
    spare: usize,
    /// Bytes that buffers have, and the most that they ever had at once.
    lent: usize,
    most: usize,
}

static SPARE: Mutex<Spare> = Mutex::new(Spare { pages: Vec::new(), spare: 0, lent: 0, most: 0 });

fn lock() -> impl DerefMut<Target = Spare> {
    SPARE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Hands freed memory back to the kernel: buffers that are kept for the next step, and blocks that the C allocator keeps.
/// For what is not needed again, such as weights that were laid out elsewhere, or the activations of a training that has
/// ended.
pub fn give_back_freed() {
    let given_up = lock().give_up();
    drop(given_up);
    allocator::trim();
}

/// Memory of at least so many bytes, and whether it is cleared; nothing for none.
fn take(bytes: usize) -> Option<(Pages, bool)> {
    // Whole words, which is what pages have: what is taken and what is given back are counted alike.
    let bytes = bytes.next_multiple_of(size_of::<u32>());
    let fresh = || (Pages::zeroed(bytes / size_of::<u32>()), true);
    if bytes < KEPT {
        return (bytes > 0).then(fresh);
    }
    let (found, given_up) = lock().take(bytes);
    drop(given_up);
    Some(found.map_or_else(fresh, |pages| (pages, false)))
}

impl Spare {
    /// The smallest that fits and is not much larger than asked for, of equal ones the last that was used. Where there is
    /// none, and new memory would make more of it than [`Spare::limit`], the longest unused is given up.
    fn take(&mut self, bytes: usize) -> (Option<Pages>, Vec<Pages>) {
        let fits = |(_, pages): &(usize, &Pages)| (bytes..=bytes + bytes / 4).contains(&pages.bytes());
        let smallest = self.pages.iter().enumerate().rev().filter(fits).min_by_key(|(_, pages)| pages.bytes());
        let found = smallest.map(|(at, _)| at).map(|at| self.pages.remove(at));
        let had = found.as_ref().map_or(0, Pages::bytes);
        self.spare -= had;
        self.lent += found.as_ref().map_or(bytes, Pages::bytes);
        self.most = self.most.max(self.lent);
        let mut given_up = Vec::new();
        while found.is_none() && !self.pages.is_empty() && self.lent + self.spare > self.limit() {
            let pages = self.pages.remove(0);
            self.spare -= pages.bytes();
            given_up.push(pages);
        }
        (found, given_up)
    }

    /// Bytes that are held at most, spare ones included: an eighth more than were ever lent, for steps whose buffers are not
    /// asked for in the order in which they are given back.
    fn limit(&self) -> usize {
        self.most + self.most / 8
    }

    fn give(&mut self, pages: Pages) {
        self.lent -= pages.bytes();
        self.spare += pages.bytes();
        self.pages.push(pages);
    }

    /// All of it; from now on the most that buffers had is what they have now.
    fn give_up(&mut self) -> Vec<Pages> {
        self.spare = 0;
        self.most = self.lent;
        std::mem::take(&mut self.pages)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spare() -> Spare {
        Spare { pages: Vec::new(), spare: 0, lent: 0, most: 0 }
    }

    fn get(spare: &mut Spare, bytes: usize) -> (Pages, bool) {
        let (found, _) = spare.take(bytes);
        let again = found.is_some();
        (found.unwrap_or_else(|| Pages::zeroed(bytes / 4)), again)
    }

    #[test]
    fn what_was_given_back_is_taken_again_where_it_fits() {
        let mut spare = spare();
        let [(large, _), (small, again)] = [1 << 20, 1 << 17].map(|bytes| get(&mut spare, bytes));
        assert!(!again);
        spare.give(large);
        spare.give(small);
        assert_eq!((spare.lent, spare.spare), (0, (1 << 20) + (1 << 17)));
        let (near, again) = get(&mut spare, (1 << 20) - 4096);
        assert!(again && near.bytes() == 1 << 20);
        spare.give(near);
        let (other, again) = get(&mut spare, 1 << 18);
        assert!(!again && other.bytes() == 1 << 18, "one is too large, the other too small");
    }

    #[test]
    fn of_equal_ones_the_last_used_is_taken() {
        let mut spare = spare();
        let [(first, _), (last, _)] = [1 << 18, 1 << 18].map(|bytes| get(&mut spare, bytes));
        let warm = last.raw();
        spare.give(first);
        spare.give(last);
        assert_eq!(get(&mut spare, 1 << 18).0.raw(), warm);
    }

    #[test]
    fn all_that_is_spare_can_be_given_up() {
        let mut spare = spare();
        let [(kept, _), (other, _)] = [1 << 18, 1 << 19].map(|bytes| get(&mut spare, bytes));
        spare.give(other);
        assert_eq!(spare.give_up().len(), 1);
        assert_eq!((spare.spare, spare.lent, spare.most), (0, kept.bytes(), kept.bytes()));
        spare.give(kept);
        assert_eq!(spare.lent, 0);
    }

    #[test]
    fn numbers_of_half_a_word_are_counted_in_whole_words() {
        // One number of 2 bytes less than what is kept: its pages have as many bytes as kept ones.
        for len in [KEPT / 2 - 1, KEPT / 2 + 1, 3 * KEPT + 1] {
            for _ in 0..3 {
                assert_eq!(Buffer::<bf16>::zeros(len).len(), len);
            }
        }
        assert!(lock().lent < 1 << 50, "more was given back than taken");
    }

    #[test]
    fn little_more_is_held_than_was_ever_used_at_once() {
        let mut spare = spare();
        for kib in 1..200 {
            let (pages, _) = get(&mut spare, (kib * 37 % 200 + 64) << 10);
            spare.give(pages);
            assert!(spare.lent + spare.spare <= spare.limit(), "{kib}");
        }
    }

    #[test]
    fn buffers_start_at_cache_lines_and_zeros_are_zero_whatever_was_there() {
        for len in [0, 1, 5, 40_000, 3_000_000] {
            let mut buffer = Buffer::<f32>::room(len);
            buffer.fill(7.0);
            assert!(len == 0 || buffer.as_ptr().align_offset(64) == 0);
            let copy = buffer.clone();
            assert!(copy.len() == len && copy.iter().all(|value| *value == 7.0));
            drop(buffer);
            assert!(Buffer::<f32>::zeros(len).iter().all(|value| *value == 0.0));
            assert!(Buffer::<bf16>::zeros(2 * len).iter().all(|value| *value == bf16::ZERO));
        }
    }
}
