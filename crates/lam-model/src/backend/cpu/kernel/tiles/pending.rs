//! Sums that have left the tiles and are still to be scaled, added, rounded and written. The vector unit does that while
//! the tiles work at the next block. Plain Rust, so that every processor rounds alike.

use half::bf16;

use super::super::element::Element;
use super::super::tile::{Destination, Put};
use super::block::SIDE;

/// 32 × 32 sums on their way.
#[repr(align(64))]
pub(super) struct Room([f32; SIDE * SIDE]);

impl Room {
    pub(super) const EMPTY: Self = Self([0.0; SIDE * SIDE]);

    pub(super) fn start(&mut self) -> *mut f32 {
        self.0.as_mut_ptr()
    }
}

/// Rows of a room that are still to be written.
pub(super) struct Pending {
    sums: *const f32,
    row: usize,
    high: usize,
    put: Put,
}

impl Pending {
    /// `high` rows from `sums` on, 32 values apart.
    pub(super) fn new(sums: *const f32, high: usize, put: Put) -> Self {
        Self { sums, row: 0, high, put }
    }

    /// Nothing.
    pub(super) fn none() -> Self {
        let put = Put { to: Destination::Replace(std::ptr::null_mut()), stride: 0, columns: 0, alpha: 1.0 };
        Self { sums: std::ptr::null(), row: 0, high: 0, put }
    }

    /// Writes the next rows.
    ///
    /// # Safety
    /// Sums and results are as large as was said, and nobody else touches them.
    #[inline(always)]
    pub(super) unsafe fn finish(&mut self, rows: usize) {
        let end = self.high.min(self.row + rows);
        for i in self.row..end {
            // SAFETY: the caller's.
            unsafe { write(&*self.sums.add(i * SIDE).cast::<[f32; SIDE]>(), i * self.put.stride, self.put) };
        }
        self.row = end;
    }
}

/// Writes a row to the place `at`.
#[inline(always)]
unsafe fn write(sums: &[f32; SIDE], at: usize, put: Put) {
    let scaled = sums.map(|sum| sum * put.alpha);
    let n = put.columns;
    // SAFETY: the caller's: `columns` results may be written.
    unsafe {
        match put.to {
            Destination::Replace(c) if n == SIDE => c.add(at).cast::<[f32; SIDE]>().write_unaligned(scaled),
            Destination::Replace(c) => std::slice::from_raw_parts_mut(c.add(at), n).copy_from_slice(&scaled[..n]),
            Destination::Add(c) if n == SIDE => {
                let c = c.add(at).cast::<[f32; SIDE]>();
                let before = c.read_unaligned();
                c.write_unaligned(std::array::from_fn(|j| before[j] + scaled[j]));
            }
            Destination::Add(c) => {
                std::slice::from_raw_parts_mut(c.add(at), n).iter_mut().zip(scaled).for_each(|(c, value)| *c += value);
            }
            Destination::Bf16(c) => {
                let narrow = scaled.map(<bf16 as Element>::narrow);
                if n == SIDE {
                    c.add(at).cast::<[bf16; SIDE]>().write_unaligned(narrow);
                } else {
                    std::slice::from_raw_parts_mut(c.add(at), n).copy_from_slice(&narrow[..n]);
                }
            }
        }
    }
}
