//! Which parts of one reserved stretch of memory are in use: best fit, neighbours joined. Knows offsets, no device.

use std::collections::{BTreeMap, BTreeSet};

/// Every place begins at a multiple of this: wide loads, cuBLASLt's fastest algorithms and TMA want no more.
pub(crate) const ALIGNMENT: usize = 1024;

/// A part of the arena that is in use; `Arena::give_back` takes it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub offset: usize,
    pub bytes: usize,
}

/// The arena had no place: its figures at that time.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Full {
    pub asked: usize,
    pub used: usize,
    pub free: usize,
    pub largest: usize,
}

/// Free parts, by where they are and by their size; no two of them touch.
#[derive(Debug, Default)]
pub(crate) struct FreeParts {
    by_offset: BTreeMap<usize, usize>,
    by_size: BTreeSet<(usize, usize)>,
}

impl FreeParts {
    /// The smallest part that is large enough, or its beginning. Nothing takes a place as well: places differ.
    pub fn take(&mut self, bytes: usize) -> Option<Place> {
        let asked = bytes.max(1).checked_next_multiple_of(ALIGNMENT)?;
        let &(size, offset) = self.by_size.range((asked, 0)..).next()?;
        self.remove(offset, size);
        self.insert(offset + asked, size - asked);
        Some(Place { offset, bytes: asked })
    }

    /// Free again, and one with the free parts beside it.
    pub fn give_back(&mut self, place: Place) {
        let (mut offset, mut size) = (place.offset, place.bytes);
        if let Some((&before, &length)) = self.by_offset.range(..offset).next_back()
            && before + length == offset
        {
            self.remove(before, length);
            (offset, size) = (before, size + length);
        }
        if let Some(&length) = self.by_offset.get(&(offset + size)) {
            self.remove(offset + size, length);
            size += length;
        }
        self.insert(offset, size);
    }

    /// All of them, for somebody else.
    pub fn into_places(self) -> impl Iterator<Item = Place> {
        self.by_offset.into_iter().map(|(offset, bytes)| Place { offset, bytes })
    }

    fn largest(&self) -> usize {
        self.by_size.last().map_or(0, |&(size, _)| size)
    }

    fn insert(&mut self, offset: usize, size: usize) {
        if size > 0 {
            self.by_offset.insert(offset, size);
            self.by_size.insert((size, offset));
        }
    }

    fn remove(&mut self, offset: usize, size: usize) {
        self.by_offset.remove(&offset);
        self.by_size.remove(&(size, offset));
    }
}

/// What is free of the stretch, and how much is not.
#[derive(Debug)]
pub(crate) struct Arena {
    free: FreeParts,
    capacity: usize,
    used: usize,
    peak: usize,
}

impl Arena {
    /// All free; what does not fill a whole step of the alignment is left out.
    pub fn new(bytes: usize) -> Self {
        let capacity = bytes / ALIGNMENT * ALIGNMENT;
        let mut free = FreeParts::default();
        free.insert(0, capacity);
        Self { free, capacity, used: 0, peak: 0 }
    }

    /// A place of so many bytes.
    pub fn take(&mut self, bytes: usize) -> Result<Place, Full> {
        let Some(place) = self.free.take(bytes) else { return Err(self.full(bytes)) };
        self.used += place.bytes;
        self.peak = self.peak.max(self.used);
        Ok(place)
    }

    /// Free again.
    pub fn give_back(&mut self, place: Place) {
        self.used -= place.bytes;
        self.free.give_back(place);
    }

    /// Bytes in all.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Bytes in use.
    pub fn used(&self) -> usize {
        self.used
    }

    /// The most that was in use at once since the last reset.
    pub fn peak(&self) -> usize {
        self.peak
    }

    /// The peak is what is in use now.
    pub fn reset_peak(&mut self) {
        self.peak = self.used;
    }

    fn full(&self, asked: usize) -> Full {
        Full { asked, used: self.used, free: self.capacity - self.used, largest: self.free.largest() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arena(steps: usize) -> Arena {
        Arena::new(steps * ALIGNMENT + 7)
    }

    #[test]
    fn places_are_aligned_and_do_not_overlap() {
        let mut arena = arena(8);
        let places: Vec<_> = [1, 1024, 1025, 0].map(|bytes| arena.take(bytes).unwrap()).into();
        assert_eq!(places.iter().map(|place| place.offset).collect::<Vec<_>>(), [0, 1024, 2048, 4096]);
        assert_eq!(arena.used(), 5 * ALIGNMENT);
        assert_eq!(arena.capacity(), 8 * ALIGNMENT);
    }

    #[test]
    fn the_smallest_gap_that_fits_is_taken() {
        let mut arena = arena(16);
        let mut places: Vec<_> = [4, 1, 2, 1].map(|steps| Some(arena.take(steps * ALIGNMENT).unwrap())).into();
        arena.give_back(places[0].take().unwrap());
        arena.give_back(places[2].take().unwrap());
        assert_eq!(arena.take(2 * ALIGNMENT).unwrap().offset, 5 * ALIGNMENT);
        assert_eq!(arena.take(ALIGNMENT).unwrap().offset, 0);
    }

    #[test]
    fn neighbours_are_joined_in_any_order() {
        for order in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2], [2, 0, 3, 1]] {
            let mut arena = arena(4);
            let mut places: Vec<_> = (0..4).map(|_| Some(arena.take(1).unwrap())).collect();
            for index in order {
                arena.give_back(places[index].take().unwrap());
            }
            assert_eq!(arena.used(), 0);
            assert_eq!(arena.take(4 * ALIGNMENT).unwrap(), Place { offset: 0, bytes: 4 * ALIGNMENT });
        }
    }

    #[test]
    fn a_full_arena_tells_its_figures() {
        let mut arena = arena(4);
        let mut places: Vec<_> = (0..4).map(|_| Some(arena.take(1).unwrap())).collect();
        arena.give_back(places[0].take().unwrap());
        arena.give_back(places[2].take().unwrap());
        let full = arena.take(1500).unwrap_err();
        assert_eq!(full, Full { asked: 1500, used: 2048, free: 2048, largest: 1024 });
        assert_eq!(arena.take(usize::MAX).unwrap_err().asked, usize::MAX);
    }

    #[test]
    fn the_peak_is_the_most_at_once() {
        let mut arena = arena(8);
        let place = arena.take(3 * ALIGNMENT).unwrap();
        arena.give_back(place);
        let _kept = arena.take(1).unwrap();
        assert_eq!(arena.peak(), 3 * ALIGNMENT);
        arena.reset_peak();
        assert_eq!(arena.peak(), ALIGNMENT);
    }

    #[test]
    fn nothing_is_lost_over_many_random_steps() {
        let mut arena = arena(512);
        let (mut places, mut state) = (Vec::new(), 1u64);
        for _ in 0..20_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let draw = (state >> 33) as usize;
            if draw.is_multiple_of(2) {
                places.extend(arena.take(draw / 2 % (40 * ALIGNMENT)));
            } else if !places.is_empty() {
                arena.give_back(places.swap_remove(draw / 2 % places.len()));
            }
            assert_eq!(arena.used(), places.iter().map(|place: &Place| place.bytes).sum::<usize>());
        }
        places.sort_by_key(|place| place.offset);
        assert!(places.windows(2).all(|pair| pair[0].offset + pair[0].bytes <= pair[1].offset));
        places.into_iter().for_each(|place| arena.give_back(place));
        assert_eq!(arena.take(512 * ALIGNMENT).unwrap().offset, 0);
    }
}
