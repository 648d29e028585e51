//! Work that multiplies tiles in an order of its own: between its products it does with their sums what it likes. Knows no
//! such work.

use half::bf16;

use super::super::panel::Words;
#[cfg(target_arch = "x86_64")]
use super::super::vector::{Halves, Wide};
use super::super::vector::{Plain, Vector};
use super::block::{PAIR, SIDE, Side, Sums, Tiles};

/// What a block reads of one side in one step: two tiles, each 16 rows of 16 pairs.
#[repr(C, align(64))]
pub(crate) struct Pair(pub(crate) [[bf16; 2 * 16]; SIDE]);

impl Pair {
    #[inline(always)]
    fn side(&self) -> Side {
        Side { at: (&raw const self.0).cast(), row: 64, tile: 1024 }
    }
}

const _: () = assert!(size_of::<Pair>() == 4 * PAIR && size_of::<Sums>() == 4 * SIDE * SIDE);

/// Tiles in use. Whoever is handed one may multiply: the processor has been asked.
pub(crate) struct Multiplier<T>(T);

impl<T: Tiles> Multiplier<T> {
    /// The sums over some steps, each a left and a right side, of the first `rows` rows; added to what is there if
    /// `started`. What becomes of the other rows has no meaning.
    #[inline(always)]
    pub(crate) fn sum<'a>(
        &mut self,
        steps: impl Iterator<Item = (&'a Pair, &'a Pair)>,
        rows: usize,
        started: bool,
        sums: &mut Sums,
    ) {
        let at = sums.start();
        // SAFETY: the processor has this unit; sides and sums are as large as what is read and written.
        unsafe {
            if started {
                self.0.resume(at)
            } else {
                self.0.clear()
            }
            for (left, right) in steps {
                self.0.step(left.side(), right.side(), rows);
            }
            if rows > SIDE / 2 { self.0.put::<true>(at, SIDE) } else { self.0.put::<false>(at, SIDE) }
        }
    }
}

/// Such work.
pub(crate) trait OwnOrder {
    /// Does it, on this thread. May be called only where the processor has the vectors' instructions.
    unsafe fn run<T: Tiles, V: Vector>(self, tiles: &mut Multiplier<T>);
}

/// Does it between the start of tiles and their end.
#[inline(always)]
pub(super) unsafe fn run<T: Tiles, V: Vector>(work: impl OwnOrder) {
    // SAFETY: the caller's.
    unsafe {
        let mut tiles = Multiplier(T::start());
        work.run::<T, V>(&mut tiles);
        tiles.0.finish();
    }
}

macro_rules! entry {
    ($(#[$meta:meta])* $name:ident, $tiles:ty, $vector:ty) => {
        $(#[$meta])*
        pub(super) unsafe fn $name(work: impl OwnOrder) {
            // SAFETY: the caller's.
            unsafe { run::<$tiles, $vector>(work) }
        }
    };
}

entry! {
    /// See [`super::unit::run_by`]. What has tiles of bf16 has the vectors' conversions too.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx512bf16,avx2,fma")]
    hardware, super::hardware::Hardware, Wide<true>
}
entry! {
    /// See [`super::unit::run_by`].
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]
    avx512, super::fused::Avx512, Wide<false>
}
entry! {
    /// See [`super::unit::run_by`].
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma")]
    avx2, super::fused::Avx2, Halves
}
entry! {
    /// See [`super::unit::run_by`].
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]
    chain_avx512, super::chain::ChainAvx512, Wide<false>
}
entry! {
    /// See [`super::unit::run_by`].
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma")]
    chain_avx2, super::chain::ChainAvx2, Halves
}
entry! {
    /// See [`super::unit::run_by`].
    #[cfg(target_arch = "aarch64")]
    neon, super::neon::Neon, Plain<true>
}
entry! {
    /// See [`super::unit::run_by`].
    #[cfg(target_arch = "aarch64")]
    dots, super::dots::Dots, Plain<true>
}
entry! {
    /// See [`super::unit::run_by`].
    model, super::model::Model, Plain<true>
}

entry! {
    /// Where products are taken in the order of pairs.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx512bf16,avx2,fma")]
    pairs, super::pairs::Pairs, Wide<true>
}
entry! {
    /// Where there is nothing else.
    #[cfg(not(target_arch = "aarch64"))]
    unfused, super::unfused::Unfused, Plain<false>
}

/// Memory of a thread that work of its own order carves its blocks from. What lies there has no meaning.
pub(crate) struct Blocks(Words);

/// What is left of it.
pub(crate) struct Rest<'a>(&'a mut [u32]);

impl Blocks {
    /// Room for so many pairs of tiles.
    pub(crate) fn of_pairs(pairs: usize) -> Self {
        Self(Words::take(pairs * PAIR))
    }

    /// All of it.
    pub(crate) fn rest(&mut self) -> Rest<'_> {
        Rest(&mut self.0)
    }
}

impl<'a> Rest<'a> {
    /// So many pairs of tiles.
    pub(crate) fn pairs(&mut self, count: usize) -> &'a mut [Pair] {
        let words = self.take(count * PAIR);
        // SAFETY: as many words, from a cache line on, and any words are a pair.
        unsafe { std::slice::from_raw_parts_mut(words.as_mut_ptr().cast(), count) }
    }

    /// So many blocks of sums, each of which takes the room of two pairs.
    pub(crate) fn sums(&mut self, count: usize) -> &'a mut [Sums] {
        let words = self.take(2 * count * PAIR);
        // SAFETY: as many words, from a cache line on, and any words are numbers.
        unsafe { std::slice::from_raw_parts_mut(words.as_mut_ptr().cast(), count) }
    }

    fn take(&mut self, words: usize) -> &'a mut [u32] {
        let (taken, rest) = std::mem::take(&mut self.0).split_at_mut(words);
        self.0 = rest;
        taken
    }
}
