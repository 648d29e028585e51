//! Activations on the device: rows of bf16 with room behind them, and rows of f32.

use half::bf16;
use lam_cuda::{Buffer, CudaError, Device, Matrix, View, ViewMut};

use super::ops::{Place, PlaceMut};

/// Rows begin at multiples of so many values: what products like best.
const ALIGNMENT: usize = 64;

/// The length of a row of `columns` values with room for `room` more.
pub(crate) fn stride_of(columns: usize, room: usize) -> usize {
    (columns + room).next_multiple_of(ALIGNMENT)
}

/// Rows of bf16 with room behind each, where an adapter's inner values go. Shape: [T, columns].
#[derive(Debug)]
pub(crate) struct Rows {
    values: Buffer<bf16>,
    pub(crate) count: usize,
    pub(crate) columns: usize,
    pub(crate) stride: usize,
}

/// The residual stream, or the gradient by it, in f32. Shape: [T, D].
#[derive(Debug)]
pub(crate) struct Wide {
    pub(crate) values: Buffer<f32>,
    /// A gradient's values once more in bf16, as products read them.
    pub(crate) narrow: Option<Rows>,
}

impl Rows {
    /// Rows that nobody has written yet.
    pub(crate) fn new(device: &Device, count: usize, columns: usize, room: usize) -> Result<Self, CudaError> {
        let stride = stride_of(columns, room);
        Ok(Self { values: device.alloc(count * stride)?, count, columns, stride })
    }

    /// All columns.
    pub(crate) fn place(&self) -> Place<'_> {
        self.columns_from(0)
    }

    /// The columns from `first` on, the room with them.
    pub(crate) fn columns_from(&self, first: usize) -> Place<'_> {
        Place { values: self.values.view(first..self.values.len()), stride: self.stride }
    }

    /// All columns, to be written.
    pub(crate) fn place_mut(&mut self) -> PlaceMut<'_> {
        PlaceMut { stride: self.stride, values: self.values.all_mut() }
    }

    /// The columns from `first` on, to be written.
    pub(crate) fn columns_from_mut(&mut self, first: usize) -> PlaceMut<'_> {
        PlaceMut { stride: self.stride, values: self.values.view_mut(first..) }
    }

    /// All values, the room with them.
    pub(crate) fn values(&self) -> View<'_, bf16> {
        self.values.all()
    }

    /// All values, the room with them, to be written.
    pub(crate) fn values_mut(&mut self) -> ViewMut<'_, bf16> {
        self.values.all_mut()
    }

    /// The columns from `first` on, to be written while the columns before are read.
    ///
    /// # Safety
    /// No launch that gets them reads them.
    pub(crate) unsafe fn behind(&self, first: usize) -> ViewMut<'_, bf16> {
        // SAFETY: the caller's promise.
        unsafe { self.values.alias_mut(first..self.values.len()) }
    }

    /// As a factor of a product.
    pub(crate) fn matrix(&self) -> Matrix<'_> {
        Matrix::new(self.values.all(), self.stride)
    }
}
