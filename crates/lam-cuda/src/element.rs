//! What device memory holds, and what a kernel takes by value.

mod sealed {
    pub trait Sealed {}
}

/// A number that device memory holds: any pattern of its bits is one.
pub trait Element: sealed::Sealed + Copy + Send + Sync + 'static {}

/// What a kernel takes by value.
///
/// # Safety
///
/// The kernel's parameter has the same layout: `repr(C)` for structures, without padding that a kernel would read.
pub unsafe trait Scalar: Copy {}

macro_rules! elements {
    ($($type:ty),+) => {$(
        impl sealed::Sealed for $type {}
        impl Element for $type {}
    )+};
}
elements!(half::bf16, f32, u32, i32, u64, i64, u8);

macro_rules! scalars {
    ($($type:ty),+) => {$(
        // SAFETY: CUDA's numbers of these widths are the host's.
        unsafe impl Scalar for $type {}
    )+};
}
scalars!(half::bf16, f32, u32, i32, u64, i64, u8);
