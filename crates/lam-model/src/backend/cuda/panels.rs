//! A group's matrix E, whole where it is there, and otherwise in panels: parts of it that are expanded one after the other
//! into the same room.
//!
//! A panel never cuts a sum: a product by E's transpose takes rows of E and writes columns of y, one by E takes columns of
//! E and writes columns of the gradient. So every number is one sum in f32 that is rounded once, as with the whole E.

use std::ops::Range;

use half::bf16;
use lam_cuda::CudaError;

use super::group::Group;
use super::ops::{Ops, Place, PlaceMut};

/// Rows and columns of panels are multiples of this: whole blocks, and whole tiles of products.
const STEP: usize = 256;

/// `count` rows or columns of so many bytes, cut into ranges of about the same size that fit into a panel.
fn ranges(count: usize, bytes: usize, limit: usize) -> impl Iterator<Item = Range<usize>> {
    let most = (limit / bytes.max(1) / STEP * STEP).max(STEP);
    let each = count.div_ceil(count.div_ceil(most).max(1)).next_multiple_of(STEP);
    (0..count).step_by(each).map(move |first| first..count.min(first + each))
}

impl Group {
    /// Runs something with [W | s B], some rows at a time, which lie in its place from the first on.
    pub(crate) fn over_rows(
        &self,
        ops: &Ops,
        mut run: impl FnMut(Place<'_>, Range<usize>) -> Result<(), CudaError>,
    ) -> Result<(), CudaError> {
        let ((n, k, r), stride) = (self.size, self.stride());
        let Some(quantised) = &self.quantised else {
            return run(Place { values: self.matrix.all(), stride }, 0..n);
        };
        let mut panel = None;
        for rows in ranges(n, 2 * stride, ops.panel_bytes()) {
            let count = rows.len();
            let room = match &mut panel {
                Some(room) => room,
                // The first is the largest.
                None => panel.insert(ops.device().alloc::<bf16>(count * stride)?),
            };
            ops.dequantise(quantised.part(rows.clone(), 0), (count, k), PlaceMut { values: room.all_mut(), stride })?;
            if let Some(b) = self.apart_from(rows.start) {
                // The rows of both have room for a whole number of eights.
                let to = PlaceMut { values: room.view_mut(k..), stride };
                ops.copy_columns(b, (count, r.next_multiple_of(8)), to)?;
            }
            run(Place { values: room.all(), stride }, rows)?;
        }
        Ok(())
    }

    /// Runs something with [W ; A], some columns at a time, which lie in its place from the first on.
    pub(crate) fn over_columns(
        &self,
        ops: &Ops,
        mut run: impl FnMut(Place<'_>, Range<usize>) -> Result<(), CudaError>,
    ) -> Result<(), CudaError> {
        let (n, k, r) = self.size;
        let Some(quantised) = &self.quantised else {
            return run(Place { values: self.matrix.all(), stride: self.stride() }, 0..k);
        };
        let mut panel = None;
        for columns in ranges(k, 2 * (n + r), ops.panel_bytes()) {
            let (count, stride) = (columns.len(), columns.len());
            let room = match &mut panel {
                Some(room) => room,
                None => panel.insert(ops.device().alloc::<bf16>((n + r) * stride)?),
            };
            let to = PlaceMut { values: room.all_mut(), stride };
            ops.dequantise(quantised.part(0..n, columns.start), (n, count), to)?;
            if r > 0 {
                let a = Place { values: self.matrix.view(columns.start..), stride: self.stride() };
                ops.copy_columns(a, (r, count), PlaceMut { values: room.view_mut(n * stride..), stride })?;
            }
            run(Place { values: room.all(), stride }, columns)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
