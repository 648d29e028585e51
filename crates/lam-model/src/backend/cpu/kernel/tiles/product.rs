//! How a product is cut into blocks. A strip of 32 left rows stays in the first cache, groups of right panels stream from
//! the second; what of the reduction does not fit at once waits as f32 sums.

use std::ops::Range;

use super::super::panel::Words;
use super::block::{PAIR, SIDE, Tiles};
use super::cut::{Pass, passes};
use super::part::{Part, Scratch};
use super::sides::{Left, Term, Work, pack_right};

/// Words of a group's right side that stay in the second cache beside what streams through it.
const NEAR: usize = 200 << 10;
/// Words of a right side that are packed once for all heights.
const KEPT: usize = 1 << 20;

/// Columns that are packed in one piece.
const AT_ONCE: usize = 64;

/// How a product is cut.
pub(super) struct Plan {
    pub(super) passes: Vec<Pass>,
    /// Steps of all passes.
    pub(super) steps: usize,
    /// Columns whose right tiles are held at once.
    pub(super) width: usize,
    /// Rows whose partial sums are held at once.
    height: usize,
}

impl Plan {
    pub(super) fn new(terms: &[Term<'_>]) -> Self {
        let passes = passes(&terms.iter().map(|term| term.reduction).collect::<Vec<_>>());
        let steps = passes.iter().map(|pass| pass.steps).sum::<usize>();
        let turns_left = terms.iter().any(|term| matches!(term.left, Left::Columns(..)));
        let words = |columns: usize| columns / SIDE * steps * PAIR;
        let (width, height) = match passes.len() {
            1 => (512, usize::MAX),
            // Sums that hardly leave the first cache, as long as all of the right side stays in the second. Turning the
            // left side again for each group costs more than that gains.
            _ if !turns_left && words(256) <= NEAR => (256, 64),
            _ => (512, 512),
        };
        Self { passes, steps, width, height }
    }

    /// The right side of `n` columns in pieces that threads may pack by themselves.
    pub(super) fn units(&self, n: usize) -> Vec<Packing> {
        let mut units = Vec::new();
        let mut first = 0;
        for group in (0..n).step_by(self.width) {
            let group = group..n.min(group + self.width);
            for (pass, Pass { steps, .. }) in self.passes.iter().enumerate() {
                for column in group.clone().step_by(AT_ONCE) {
                    let columns = column..group.end.min(column + AT_ONCE);
                    let words = columns.len().div_ceil(SIDE) * steps * PAIR;
                    units.push(Packing { pass, columns, first });
                    first += words;
                }
            }
        }
        units
    }

    /// Words of the right side of so many columns.
    pub(super) fn words(&self, columns: usize) -> usize {
        columns.div_ceil(SIDE) * self.steps * PAIR
    }
}

/// A piece of a right side to be packed.
pub(super) struct Packing {
    /// Number of the pass.
    pub(super) pass: usize,
    /// Columns, counted from the product's first.
    pub(super) columns: Range<usize>,
    /// Where its words start.
    pub(super) first: usize,
}

/// `bits`: of the processor's vector registers, 0 where nothing is known of them.
macro_rules! entry {
    ($(#[$meta:meta])* $name:ident, $tiles:ty, $pack:ident, $bits:literal) => {
        /// See [`super::unit::Unit::multiply`]. `packed` is the right side of all columns, where it is in tiles already.
        $(#[$meta])*
        pub(super) unsafe fn $name(work: &Work<'_>, plan: &Plan, packed: Option<&[u32]>) {
            // SAFETY: the caller's.
            unsafe { multiply::<$tiles, $bits>(work, plan, packed) }
        }

        /// See [`super::unit::Unit::multiply_parallel`].
        $(#[$meta])*
        pub(super) unsafe fn $pack(terms: &[Term<'_>], pass: &Pass, columns: Range<usize>, out: &mut [u32]) {
            pack_right::<$bits>(terms, pass, columns, out);
        }
    };
}

entry! {
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx512bf16,avx2,fma")]
    hardware, super::hardware::Hardware, pack_hardware, 512
}
entry! {
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]
    avx512, super::fused::Avx512, pack_avx512, 512
}
entry! {
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma")]
    avx2, super::fused::Avx2, pack_avx2, 256
}
entry! {
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]
    chain_avx512, super::chain::ChainAvx512, pack_chain_avx512, 512
}
entry! {
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma")]
    chain_avx2, super::chain::ChainAvx2, pack_chain_avx2, 256
}
entry! {
    #[cfg(target_arch = "aarch64")]
    neon, super::neon::Neon, pack_neon, 0
}
entry! {
    #[cfg(target_arch = "aarch64")]
    dots, super::dots::Dots, pack_dots, 0
}
entry! {
    model, super::model::Model, pack_model, 0
}

/// A product's part, group of columns by group.
#[inline(always)]
unsafe fn multiply<T: Tiles, const BITS: usize>(work: &Work<'_>, plan: &Plan, packed: Option<&[u32]>) {
    let mut scratch = Scratch::new();
    // SAFETY: the caller's, here and below.
    let mut tiles = unsafe { T::start() };
    for first in work.columns.clone().step_by(plan.width) {
        let columns = first..work.columns.end.min(first + plan.width);
        let packed =
            packed.map(|packed| &packed[plan.words(first - work.columns.start)..][..plan.words(columns.len())]);
        // SAFETY: as above.
        unsafe { group::<T, BITS>(&mut tiles, (work, plan), columns, packed, &mut scratch) };
    }
    // SAFETY: as above.
    unsafe {
        scratch.pending.finish::<T, BITS>(SIDE);
        tiles.finish();
    }
}

/// A group of columns by all rows.
#[inline(always)]
unsafe fn group<T: Tiles, const BITS: usize>(
    tiles: &mut T,
    (work, plan): (&Work<'_>, &Plan),
    columns: Range<usize>,
    packed: Option<&[u32]>,
    scratch: &mut Scratch,
) {
    let panels = columns.len().div_ceil(SIDE);
    let height = plan.height.min(work.rows.len().next_multiple_of(SIDE));
    let once = packed.is_some() || work.rows.len() > height && plan.words(columns.len()) <= KEPT;
    let largest = plan.passes.iter().map(|pass| pass.steps).max().unwrap_or(0);
    let held = if once { plan.steps } else { largest };
    let mut own = Words::take(if packed.is_some() { 0 } else { held * panels * PAIR });
    if plan.passes.len() > 1 {
        scratch.sums.grow(height * panels * SIDE);
    }
    let heights = work.rows.len().div_ceil(height.max(1));
    for (number, first) in work.rows.clone().step_by(height.max(1)).enumerate() {
        let rows = first..work.rows.end.min(first + height);
        let mut words = 0;
        for (at, pass) in plan.passes.iter().enumerate() {
            let range = if once { words..words + pass.steps * panels * PAIR } else { 0..pass.steps * panels * PAIR };
            words = range.end;
            if packed.is_none() && !(once && number > 0) {
                pack_right::<BITS>(work.terms, pass, columns.clone(), &mut own[range.clone()]);
            }
            let right = &packed.unwrap_or(&own)[range.clone()];
            let last = at + 1 == plan.passes.len();
            // What comes after this pass, to be asked for: the next pass over these rows, or the first over the next rows.
            let after =
                if last { (number + 1 < heights).then_some((first + height, 0)) } else { Some((first, at + 1)) };
            let part =
                Part { work, passes: &plan.passes, at, rows: rows.clone(), columns: columns.clone(), right, after };
            // SAFETY: as above.
            unsafe { part.strips::<T, BITS>(tiles, scratch) };
        }
    }
}
