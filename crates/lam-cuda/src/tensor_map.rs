//! Descriptions of matrices for the Tensor Memory Accelerator of Hopper and later cards.

use std::ffi::c_void;

use half::bf16;

use crate::buffer::View;
use crate::context::Context;
use crate::element::Scalar;
use crate::error::CudaError;

/// `CU_TENSOR_MAP_DATA_TYPE_BFLOAT16`.
const BF16: i32 = 9;
/// `CU_TENSOR_MAP_SWIZZLE_128B`: 16-byte pieces are swapped within rows of 128 bytes, as wgmma wants them.
const SWIZZLE_128: i32 = 3;
/// `CU_TENSOR_MAP_L2_PROMOTION_L2_256B`.
const PROMOTION_256: i32 = 3;

/// A matrix of bf16 as TMA fetches it: boxes of 32 rows and 64 columns, swizzled by 128 bytes, zeros outside. Kernels take
/// it as a `__grid_constant__` parameter. It names the memory by its address, and does not keep it.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(128))]
pub struct TensorMap([u64; 16]);

// SAFETY: the kernel's parameter has this size and alignment; it is opaque.
unsafe impl Scalar for TensorMap {}

impl TensorMap {
    /// Rows and columns of a box.
    pub const BOX: (usize, usize) = (32, 64);

    /// Of `rows` rows, `stride` numbers apart, of `columns` numbers each.
    ///
    /// # Panics
    ///
    /// If the memory ends before the last row.
    pub(crate) fn new(
        context: &Context,
        matrix: View<'_, bf16>,
        (rows, columns): (usize, usize),
        stride: usize,
    ) -> Result<Self, CudaError> {
        let needed = rows.saturating_sub(1) * stride + columns;
        assert!(columns <= stride && needed <= matrix.len(), "{rows} x {columns} of {} numbers", matrix.len());
        let mut map = Self([0; 16]);
        // SAFETY: writes the map; the driver reads two sizes, one stride in bytes, two sides of a box and two steps.
        let result = unsafe {
            (context.enter()?.tensor_map)(
                (&raw mut map).cast::<c_void>(),
                BF16,
                2,
                matrix.address() as *mut c_void,
                [columns as u64, rows as u64].as_ptr(),
                [stride as u64 * 2].as_ptr(),
                [Self::BOX.1 as u32, Self::BOX.0 as u32].as_ptr(),
                [1, 1].as_ptr(),
                0,
                SWIZZLE_128,
                PROMOTION_256,
                0,
            )
        };
        context.check("cuTensorMapEncodeTiled", result).map(|()| map)
    }
}
