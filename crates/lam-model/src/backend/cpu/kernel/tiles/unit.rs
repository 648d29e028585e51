//! Who multiplies tiles in this process, and how the work is shared between threads.

use std::ops::Range;

use lam_cuda::Numerics;
use rayon::prelude::*;

use super::super::features::{Features, LanesLevel, Level, TileUnit};
use super::super::numerics::numerics;
use super::super::panel::Words;
use super::super::shared::Shared;
use super::block::{PAIR, SIDE};
use super::by_blocks::{self, RightBlocks, RowsByBlocks};
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use super::bytes::{self, ByteRows};
use super::cut::Pass;
use super::few::{self, FewRows, TakeRow};
use super::order::{self, OwnOrder};
use super::product::{self, Packing, Plan};
use super::sides::{Term, Work};
use super::team;

/// Who multiplies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// The processor's tiles.
    #[cfg(target_arch = "x86_64")]
    Hardware,
    /// Multiply-adds of AVX-512 in the tiles' order.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// The same of AVX2.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// Multiply-adds of AVX-512 in one chain.
    #[cfg(target_arch = "x86_64")]
    ChainAvx512,
    /// The same of AVX2.
    #[cfg(target_arch = "x86_64")]
    ChainAvx2,
    /// Multiply-adds of NEON in the tiles' order.
    #[cfg(target_arch = "aarch64")]
    Neon,
    /// Arm's matrix products of bf16, in an order of their own.
    #[cfg(target_arch = "aarch64")]
    Dots,
    /// Plain Rust.
    Model,
}

/// Tasks for each thread that a product is cut into, where its rows allow it.
const TASKS: usize = 4;
/// Rows of a task at least, where each packs its right side for itself.
const OWN_ROWS: usize = 512;
/// Words of a right side that is packed once for all threads, at most.
const SHARED: usize = 6 << 20;
/// Results by steps of a product that is not worth waking another thread for.
const ALONE: usize = 1 << 17;
/// Rows from which on the processor's tiles are faster than its vectors in generation.
#[cfg(target_arch = "x86_64")]
const TILES_FROM: usize = 4;
/// Rows from which on a chain of multiply-adds over a strip of rows is faster than over single ones in generation.
const CHAINS_FROM: usize = 4;
/// Rows of bytes from which on matrices of them are multiplied faster than vectors: measured with AMX, reckoned for Arm,
/// where laying a panel's bytes side by side takes as long as the products of two rows.
#[cfg(target_arch = "x86_64")]
const BYTES_FROM: usize = 9;
#[cfg(target_arch = "aarch64")]
const BYTES_FROM: usize = 4;

impl Unit {
    /// Who multiplies in this process; nobody where products are taken in another order.
    #[inline]
    pub(crate) fn here() -> Option<Self> {
        let features = Features::here();
        match features.tiles {
            #[cfg(target_arch = "x86_64")]
            Some(TileUnit::Hardware) => Some(Self::Hardware),
            #[cfg(not(target_arch = "x86_64"))]
            Some(TileUnit::Hardware) => None,
            Some(TileUnit::Model) => Some(Self::Model),
            None if numerics() == Numerics::Portable => Some(Self::fused(features.level).unwrap_or(Self::Model)),
            #[cfg(target_arch = "aarch64")]
            None if features.bf16 => Some(Self::Dots),
            #[cfg(not(target_arch = "aarch64"))]
            None if features.bf16 => None,
            None => Self::fastest(features.level),
        }
    }

    /// The same for generation, which without tiles has loops of its own for each level.
    pub(crate) fn for_generation() -> Option<Self> {
        let features = Features::here();
        let has_tiles = features.tiles.is_some() || cfg!(target_arch = "aarch64") && features.bf16;
        Self::here().filter(|_| has_tiles || numerics() == Numerics::Portable)
    }

    /// The same for its products with weights, whose loops sum in one chain too where they round once.
    pub(crate) fn for_panels() -> Option<Self> {
        let rounds_once = Features::here().lanes != LanesLevel::Baseline;
        Self::for_generation().or_else(|| Self::here().filter(|unit| unit.is_chain() && rounds_once))
    }

    /// Whether so many rows are multiplied by panels as tiles: fewer have the same bits by the loops of generation, and
    /// sooner.
    pub(crate) fn takes(self, rows: usize) -> bool {
        !self.is_chain() || rows >= CHAINS_FROM
    }

    fn is_chain(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        return matches!(self, Self::ChainAvx512 | Self::ChainAvx2);
        #[cfg(not(target_arch = "x86_64"))]
        false
    }

    /// Everybody who can follow the order of tiles in this process.
    #[cfg(test)]
    pub(crate) fn all_here() -> Vec<Self> {
        let features = Features::here();
        let hardware = Self::here().filter(|_| features.tiles == Some(TileUnit::Hardware));
        #[cfg(target_arch = "x86_64")]
        let below = (features.level == Level::Avx512).then_some(Self::Avx2);
        #[cfg(not(target_arch = "x86_64"))]
        let below = None;
        [Some(Self::Model), hardware, Self::fused(features.level), below].into_iter().flatten().collect()
    }

    /// Who multiplies where neither tiles nor pairs do, and no order is asked for.
    fn fastest(level: Level) -> Option<Self> {
        match level {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => Some(Self::ChainAvx512),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => Some(Self::ChainAvx2),
            Level::Baseline => Self::fused(level),
        }
    }

    /// Everybody here who sums in one chain.
    #[cfg(test)]
    pub(crate) fn all_chains_here() -> Vec<Self> {
        #[cfg(target_arch = "x86_64")]
        return match Features::here().level {
            Level::Avx512 => vec![Self::ChainAvx512, Self::ChainAvx2],
            Level::Avx2 => vec![Self::ChainAvx2],
            Level::Baseline => Vec::new(),
        };
        #[cfg(not(target_arch = "x86_64"))]
        Vec::new()
    }

    /// Who follows the tiles' order where there are none; nobody where multiply-adds are not fused.
    fn fused(level: Level) -> Option<Self> {
        match level {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => Some(Self::Avx512),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => Some(Self::Avx2),
            #[cfg(target_arch = "aarch64")]
            Level::Baseline => Some(Self::Neon),
            #[cfg(not(target_arch = "aarch64"))]
            Level::Baseline => None,
        }
    }

    /// Rows of a task at least: each reads all of the right side again.
    fn least_rows(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Hardware => 256,
            _ => 64,
        }
    }

    /// A part of a product, on this thread.
    ///
    /// # Safety
    /// Left sides, right sides and results hold what `work` says, nobody else writes to these rows and columns, and the
    /// processor has this unit.
    pub(in super::super) unsafe fn multiply(self, work: &Work<'_>) {
        if work.rows.is_empty() || work.columns.is_empty() {
            return;
        }
        // SAFETY: the caller's.
        unsafe { self.multiply_with(work, &Plan::new(work.terms), None) };
    }

    /// As [`Unit::multiply`], cut as `plan` says; `packed` is the right side of all columns, if it is in tiles already.
    unsafe fn multiply_with(self, work: &Work<'_>, plan: &Plan, packed: Option<&[u32]>) {
        // SAFETY: the caller's.
        unsafe {
            match self {
                #[cfg(target_arch = "x86_64")]
                Self::Hardware => product::hardware(work, plan, packed),
                #[cfg(target_arch = "x86_64")]
                Self::Avx512 => product::avx512(work, plan, packed),
                #[cfg(target_arch = "x86_64")]
                Self::Avx2 => product::avx2(work, plan, packed),
                #[cfg(target_arch = "x86_64")]
                Self::ChainAvx512 => product::chain_avx512(work, plan, packed),
                #[cfg(target_arch = "x86_64")]
                Self::ChainAvx2 => product::chain_avx2(work, plan, packed),
                #[cfg(target_arch = "aarch64")]
                Self::Neon => product::neon(work, plan, packed),
                #[cfg(target_arch = "aarch64")]
                Self::Dots => product::dots(work, plan, packed),
                Self::Model => product::model(work, plan, packed),
            }
        }
    }

    /// Packs the right side of a pass over some columns.
    unsafe fn pack(self, terms: &[Term<'_>], pass: &Pass, columns: Range<usize>, out: &mut [u32]) {
        // SAFETY: the caller's.
        unsafe {
            match self {
                #[cfg(target_arch = "x86_64")]
                Self::Hardware => product::pack_hardware(terms, pass, columns, out),
                #[cfg(target_arch = "x86_64")]
                Self::Avx512 => product::pack_avx512(terms, pass, columns, out),
                #[cfg(target_arch = "x86_64")]
                Self::Avx2 => product::pack_avx2(terms, pass, columns, out),
                #[cfg(target_arch = "x86_64")]
                Self::ChainAvx512 => product::pack_chain_avx512(terms, pass, columns, out),
                #[cfg(target_arch = "x86_64")]
                Self::ChainAvx2 => product::pack_chain_avx2(terms, pass, columns, out),
                #[cfg(target_arch = "aarch64")]
                Self::Neon => product::pack_neon(terms, pass, columns, out),
                #[cfg(target_arch = "aarch64")]
                Self::Dots => product::pack_dots(terms, pass, columns, out),
                Self::Model => product::pack_model(terms, pass, columns, out),
            }
        }
    }

    /// Few rows by whole panels, on this thread. The sums of a row have the same bits in any company.
    ///
    /// # Safety
    /// The pointers are good for what `job` says, and the processor has this unit.
    pub(crate) unsafe fn multiply_few(self, job: FewRows, take: &mut TakeRow<'_>) {
        // SAFETY: the caller's.
        unsafe {
            match self {
                // A tile of one row takes as long as one of eight.
                #[cfg(target_arch = "x86_64")]
                Self::Hardware if job.rows < TILES_FROM => few::avx512(job, take),
                #[cfg(target_arch = "x86_64")]
                Self::Hardware => few::hardware(job, take),
                #[cfg(target_arch = "x86_64")]
                Self::Avx512 => few::avx512(job, take),
                #[cfg(target_arch = "x86_64")]
                Self::Avx2 => few::avx2(job, take),
                #[cfg(target_arch = "x86_64")]
                Self::ChainAvx512 => few::chain_avx512(job, take),
                #[cfg(target_arch = "x86_64")]
                Self::ChainAvx2 => few::chain_avx2(job, take),
                #[cfg(target_arch = "aarch64")]
                Self::Neon => few::neon(job, take),
                #[cfg(target_arch = "aarch64")]
                Self::Dots => few::dots(job, take),
                Self::Model => few::model(job, take),
            }
        }
    }

    /// Whether so many rows of bytes are multiplied as matrices. They have the bits that vectors give them.
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    pub(crate) fn takes_bytes(rows: usize) -> bool {
        #[cfg(target_arch = "x86_64")]
        let has_them = Features::here().tiles == Some(TileUnit::Hardware);
        #[cfg(target_arch = "aarch64")]
        let has_them = Features::here().lanes == LanesLevel::Neon;
        rows >= BYTES_FROM && has_them
    }

    /// Rows of bytes by whole panels, on this thread.
    ///
    /// # Safety
    /// The pointers are good for what `job` says, and [`Unit::takes_bytes`] says so.
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    pub(crate) unsafe fn multiply_bytes(job: ByteRows, take: &mut TakeRow<'_>) {
        // SAFETY: the caller's.
        unsafe { bytes::multiply(job, take) }
    }

    /// Rows by blocks of keys or of values, on this thread. The sums of a row have the same bits in any company.
    ///
    /// # Safety
    /// The pointers are good for what the jobs and `blocks` say, and the processor has this unit.
    pub(crate) unsafe fn multiply_by_blocks(self, jobs: &[RowsByBlocks<'_>], blocks: RightBlocks) {
        // SAFETY: the caller's.
        unsafe {
            match self {
                #[cfg(target_arch = "x86_64")]
                Self::Hardware => by_blocks::hardware(jobs, blocks),
                #[cfg(target_arch = "x86_64")]
                Self::Avx512 => by_blocks::avx512(jobs, blocks),
                #[cfg(target_arch = "x86_64")]
                Self::Avx2 => by_blocks::avx2(jobs, blocks),
                #[cfg(target_arch = "x86_64")]
                Self::ChainAvx512 => by_blocks::chain_avx512(jobs, blocks),
                #[cfg(target_arch = "x86_64")]
                Self::ChainAvx2 => by_blocks::chain_avx2(jobs, blocks),
                #[cfg(target_arch = "aarch64")]
                Self::Neon => by_blocks::neon(jobs, blocks),
                #[cfg(target_arch = "aarch64")]
                Self::Dots => by_blocks::dots(jobs, blocks),
                Self::Model => by_blocks::model(jobs, blocks),
            }
        }
    }

    /// As [`Unit::multiply`], on all threads. How it is cut changes no sum.
    ///
    /// # Safety
    /// As [`Unit::multiply`].
    pub(in super::super) unsafe fn multiply_parallel(self, work: &Work<'_>) {
        let (m, n) = (work.rows.len(), work.columns.len());
        let plan = Plan::new(work.terms);
        let threads = rayon::current_num_threads();
        if threads == 1 || m * n * plan.steps < ALONE {
            // SAFETY: the caller's.
            return unsafe { self.multiply(work) };
        }
        if n.div_ceil(plan.width) >= TASKS * threads || plan.words(n) > SHARED {
            // SAFETY: as above.
            return unsafe { self.by_groups(work, &plan, threads) };
        }
        let units = plan.units(n);
        let rows = m.div_ceil(TASKS * threads).max(self.least_rows()).next_multiple_of(SIDE);
        let mut words = Words::take(plan.words(n));
        let packed = Shared::new(&mut words);
        let pack = |unit: usize| {
            let Packing { pass, columns, first } = &units[unit];
            let columns = work.columns.start + columns.start..work.columns.start + columns.end;
            let count = columns.len().div_ceil(SIDE) * plan.passes[*pass].steps * PAIR;
            // SAFETY: the caller's; each unit has words of its own.
            unsafe { self.pack(work.terms, &plan.passes[*pass], columns, packed.part(*first, count)) };
        };
        let multiply = |task: usize| {
            let row = work.rows.start + task * rows;
            let own = Work { rows: row..work.rows.end.min(row + rows), columns: work.columns.clone(), ..*work };
            // SAFETY: as above; each task has rows of its own, and reads words that are written.
            unsafe { self.multiply_with(&own, &plan, Some(packed.read(0, plan.words(n)))) };
        };
        team::in_two_phases(threads, (units.len(), &pack), (m.div_ceil(rows), &multiply));
    }

    /// Groups of columns, and rows where there are few groups: each task packs its right side for itself.
    unsafe fn by_groups(self, work: &Work<'_>, plan: &Plan, threads: usize) {
        let (m, groups) = (work.rows.len(), work.columns.len().div_ceil(plan.width));
        let blocks = (TASKS * threads).div_ceil(groups).clamp(1, m.div_ceil(OWN_ROWS).max(1));
        let rows = m.div_ceil(blocks).next_multiple_of(SIDE).max(SIDE);
        (0..m.div_ceil(rows) * groups).into_par_iter().with_max_len(1).for_each(|task| {
            let (row, column) =
                (work.rows.start + task / groups * rows, work.columns.start + task % groups * plan.width);
            let own = Work {
                rows: row..work.rows.end.min(row + rows),
                columns: column..work.columns.end.min(column + plan.width),
                ..*work
            };
            // SAFETY: the caller's; each task has rows and columns of its own.
            unsafe { self.multiply_with(&own, plan, None) };
        });
    }
}

/// Work that multiplies in an order of its own, on this thread: by a unit, or by what the processor has without tiles.
///
/// # Safety
/// The processor has this unit.
pub(crate) unsafe fn run_by(unit: Option<Unit>, work: impl OwnOrder) {
    // SAFETY: the caller's; without a unit, the processor has been asked.
    unsafe {
        match unit {
            #[cfg(target_arch = "x86_64")]
            Some(Unit::Hardware) => order::hardware(work),
            #[cfg(target_arch = "x86_64")]
            Some(Unit::Avx512) => order::avx512(work),
            #[cfg(target_arch = "x86_64")]
            Some(Unit::Avx2) => order::avx2(work),
            #[cfg(target_arch = "x86_64")]
            Some(Unit::ChainAvx512) => order::chain_avx512(work),
            #[cfg(target_arch = "x86_64")]
            Some(Unit::ChainAvx2) => order::chain_avx2(work),
            #[cfg(target_arch = "aarch64")]
            Some(Unit::Neon) => order::neon(work),
            #[cfg(target_arch = "aarch64")]
            Some(Unit::Dots) => order::dots(work),
            Some(Unit::Model) => order::model(work),
            #[cfg(target_arch = "x86_64")]
            None if Features::here().bf16 => order::pairs(work),
            #[cfg(not(target_arch = "aarch64"))]
            None => order::unfused(work),
            // Where there is a unit always.
            #[cfg(target_arch = "aarch64")]
            None => order::neon(work),
        }
    }
}
