//! Who multiplies tiles in this process, and how the work is shared between threads.

use lam_cuda::Numerics;
use rayon::prelude::*;

use super::super::features::{Features, Level, TileUnit};
use super::super::numerics::numerics;
use super::block::SIDE;
use super::few::{self, FewRows, TakeRow};
use super::product::{self, GROUP, Work};

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
    /// The same of NEON.
    #[cfg(target_arch = "aarch64")]
    Neon,
    /// Plain Rust.
    Model,
}

/// Tasks for each thread that a product is cut into, where its rows allow it.
const TASKS: usize = 4;
/// Rows from which on the processor's tiles are faster than its vectors in generation.
#[cfg(target_arch = "x86_64")]
const TILES_FROM: usize = 4;

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
            None if features.bf16 => None,
            None => Self::fused(features.level),
        }
    }

    /// The same for generation, which without tiles has loops of its own for each level.
    pub(crate) fn for_generation() -> Option<Self> {
        let has_tiles = Features::here().tiles.is_some();
        Self::here().filter(|_| has_tiles || numerics() == Numerics::Portable)
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

    /// Rows of a task at least. Each task packs its right side for itself, which real tiles make the dearer part.
    fn least_rows(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Hardware => 512,
            _ => 128,
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
        unsafe {
            match self {
                #[cfg(target_arch = "x86_64")]
                Self::Hardware => product::hardware(work),
                #[cfg(target_arch = "x86_64")]
                Self::Avx512 => product::avx512(work),
                #[cfg(target_arch = "x86_64")]
                Self::Avx2 => product::avx2(work),
                #[cfg(target_arch = "aarch64")]
                Self::Neon => product::neon(work),
                Self::Model => product::model(work),
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
                #[cfg(target_arch = "aarch64")]
                Self::Neon => few::neon(job, take),
                Self::Model => few::model(job, take),
            }
        }
    }

    /// As [`Unit::multiply`], on all threads: rows by groups of columns. How it is cut changes no sum.
    ///
    /// # Safety
    /// As [`Unit::multiply`].
    pub(in super::super) unsafe fn multiply_parallel(self, work: &Work<'_>) {
        let (m, n) = (work.rows.len(), work.columns.len());
        let (threads, groups) = (rayon::current_num_threads(), n.div_ceil(GROUP).max(1));
        let wanted = if threads == 1 { 1 } else { (TASKS * threads).div_ceil(groups) };
        let blocks = wanted.clamp(1, m.div_ceil(self.least_rows()).max(1));
        let rows = m.div_ceil(blocks).next_multiple_of(SIDE).max(SIDE);
        (0..m.div_ceil(rows) * groups).into_par_iter().for_each(|task| {
            let (row, column) = (work.rows.start + task / groups * rows, work.columns.start + task % groups * GROUP);
            let own = Work {
                rows: row..work.rows.end.min(row + rows),
                columns: column..work.columns.end.min(column + GROUP),
                ..*work
            };
            // SAFETY: the caller's; each task has rows and columns of its own.
            unsafe { self.multiply(&own) };
        });
    }
}
