//! What an innermost loop of a bf16 product reads, and where its sums go.

use half::bf16;

use super::element::Element;

/// A stretch of the reduction: where the left rows lie, and the panel they meet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece {
    /// First pair of row 0.
    pub(crate) left: *const bf16,
    /// Bytes from row to row.
    pub(crate) row: usize,
    /// Bytes from pair to pair.
    pub(crate) step: usize,
    /// Pairs of values.
    pub(crate) pairs: usize,
    /// [pairs, 16 V].
    pub(crate) panel: *const u32,
}

/// What becomes of the sums of row `i`: they go to `start + i stride`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Put {
    pub(crate) to: Destination,
    /// Values from row to row.
    pub(crate) stride: usize,
    /// Columns that exist.
    pub(crate) columns: usize,
    /// Factor of the sums.
    pub(crate) alpha: f32,
}

/// Where sums go.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Destination {
    Replace(*mut f32),
    /// Added to what stands in the first place, which may be the second.
    Add(*const f32, *mut f32),
    Bf16(*mut bf16),
}

/// Writes the sums of a row, from the place `at` on.
///
/// # Safety
/// As [`super::tile::rows`].
pub(super) unsafe fn store(sums: &[f32], at: usize, put: Put) {
    for (j, sum) in sums.iter().enumerate() {
        let value = sum * put.alpha;
        // SAFETY: as promised by the caller of `rows`.
        unsafe {
            match put.to {
                Destination::Replace(c) => *c.add(at + j) = value,
                Destination::Add(from, c) => *c.add(at + j) = *from.add(at + j) + value,
                Destination::Bf16(c) => *c.add(at + j) = bf16::narrow(value),
            }
        }
    }
}
