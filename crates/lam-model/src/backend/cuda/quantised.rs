//! A quantised weight on the device: the processor's blocks, all rows of a group's layers one below the other. Blocks of
//! 34 and 18 bytes would lie at odd places for loads of 16 bytes: their quants come first, row by row, and their scales
//! behind those of all rows. Q4_K's blocks, of 144 bytes, stay as they are.

use std::ops::Range;

use lam_cuda::{Buffer, CudaError, Device, View};

use crate::backend::cpu::kernel::blocks::BlockForm;

/// Rows of a weight in blocks.
#[derive(Debug)]
pub(crate) struct Quantised {
    /// The quants of all rows, then their scales.
    bytes: Buffer<u8>,
    form: BlockForm,
    /// Rows and values of each.
    size: (usize, usize),
}

/// Rows of a weight in blocks, from a row and a column on.
#[derive(Clone, Copy)]
pub(crate) struct Quants<'a> {
    pub(crate) form: BlockForm,
    pub(crate) quants: View<'a, u8>,
    /// An f16 a block; nothing where the blocks hold them (Q4_K).
    pub(crate) scales: View<'a, u8>,
    /// Values from one row's beginning to the next one's.
    pub(crate) stride: usize,
}

/// Bytes of the quants and of the scales of so many values, whole blocks.
fn bytes_of(form: BlockForm, values: usize) -> (usize, usize) {
    let (of_block, bytes) = form.size();
    let scale = if form == BlockForm::Q4K { 0 } else { 2 };
    (values / of_block * (bytes - scale), values / of_block * scale)
}

impl Quantised {
    /// Room for rows that nobody has written yet.
    pub(crate) fn new(device: &Device, form: BlockForm, (n, k): (usize, usize)) -> Result<Self, CudaError> {
        assert!(k.is_multiple_of(form.size().0), "rows of {k} values in blocks of {}", form.size().0);
        let (quants, scales) = bytes_of(form, n * k);
        Ok(Self { bytes: device.alloc(quants + scales)?, form, size: (n, k) })
    }

    /// Writes the rows from `first` on: the processor's blocks.
    pub(crate) fn write(&mut self, device: &Device, first: usize, blocks: &[u8]) -> Result<(), CudaError> {
        let (n, k) = self.size;
        let (_, block) = self.form.size();
        let (quants, scales) = bytes_of(self.form, first * k);
        let behind = bytes_of(self.form, n * k).0;
        if self.form == BlockForm::Q4K {
            return device.write(self.bytes.view_mut(quants..quants + blocks.len()), blocks);
        }
        let own = blocks.chunks_exact(block).map(|block| &block[2..]).collect::<Vec<_>>().concat();
        device.write(self.bytes.view_mut(quants..quants + own.len()), &own)?;
        let own = blocks.chunks_exact(block).map(|block| &block[..2]).collect::<Vec<_>>().concat();
        device.write(self.bytes.view_mut(behind + scales..behind + scales + own.len()), &own)
    }

    pub(crate) fn form(&self) -> BlockForm {
        self.form
    }

    /// Some rows, from a column on that begins a block.
    pub(crate) fn part(&self, rows: Range<usize>, column: usize) -> Quants<'_> {
        let (n, k) = self.size;
        let place = |row: usize, column: usize| bytes_of(self.form, row * k + column);
        let (first, last, behind) = (place(rows.start, column), place(rows.end, 0), place(n, 0).0);
        Quants {
            form: self.form,
            quants: self.bytes.view(first.0..last.0),
            scales: self.bytes.view(behind + first.1..behind + last.1),
            stride: k,
        }
    }

    /// All rows.
    pub(crate) fn all(&self) -> Quants<'_> {
        self.part(0..self.size.0, 0)
    }
}

impl Quants<'_> {
    /// Panics unless rows of so many values are there.
    pub(crate) fn check(&self, rows: usize, columns: usize) {
        let of_block = self.form.size().0;
        assert!(columns.is_multiple_of(of_block), "rows of {columns} values in blocks of {of_block}");
        let needed = bytes_of(self.form, rows.saturating_sub(1) * self.stride + columns);
        let found = (self.quants.len(), self.scales.len());
        assert!(columns <= self.stride && needed.0 <= found.0 && needed.1 <= found.1, "{needed:?} of {found:?} bytes");
    }
}
