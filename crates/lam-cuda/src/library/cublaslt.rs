//! cuBLASLt's functions and constants: matrix products whose algorithm the caller chooses.

use std::ffi::{CStr, c_char, c_int, c_void};

use crate::error::CudaError;
use crate::library::table::{Handle, functions};
use crate::version::Version;

/// `CUDA_R_32F`.
pub(crate) const F32: c_int = 0;
/// `CUDA_R_16BF`.
pub(crate) const BF16: c_int = 14;
/// `CUBLAS_COMPUTE_32F`: products and sums in f32.
pub(crate) const COMPUTE_F32: c_int = 68;
/// `CUBLASLT_MATMUL_DESC_TRANSA`.
pub(crate) const TRANSPOSE_A: c_int = 3;
/// `CUBLASLT_MATMUL_DESC_TRANSB`.
pub(crate) const TRANSPOSE_B: c_int = 4;
/// `CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES`.
pub(crate) const MOST_WORKSPACE: c_int = 1;
/// `CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_{A,B,C,D}_BYTES`.
pub(crate) const ALIGNMENTS: [c_int; 4] = [5, 6, 7, 8];

/// An algorithm with its choices, as cuBLASLt packs them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub(crate) struct Algorithm(pub [u64; 8]);

/// What cuBLASLt says about an algorithm for a product.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct Candidate {
    pub algorithm: Algorithm,
    pub workspace: usize,
    pub state: c_int,
    pub waves: f32,
    reserved: [c_int; 4],
}

functions! {
    /// cuBLASLt.
    Functions {
        version = "cublasLtGetVersion"() -> usize;
        status_name = "cublasLtGetStatusName"(c_int) -> *const c_char;
        create = "cublasLtCreate"(*mut Handle) -> c_int;
        destroy = "cublasLtDestroy"(Handle) -> c_int;
        product_create = "cublasLtMatmulDescCreate"(*mut Handle, c_int, c_int) -> c_int;
        product_destroy = "cublasLtMatmulDescDestroy"(Handle) -> c_int;
        product_set = "cublasLtMatmulDescSetAttribute"(Handle, c_int, *const c_void, usize) -> c_int;
        layout_create = "cublasLtMatrixLayoutCreate"(*mut Handle, c_int, u64, u64, i64) -> c_int;
        layout_destroy = "cublasLtMatrixLayoutDestroy"(Handle) -> c_int;
        preference_create = "cublasLtMatmulPreferenceCreate"(*mut Handle) -> c_int;
        preference_destroy = "cublasLtMatmulPreferenceDestroy"(Handle) -> c_int;
        preference_set = "cublasLtMatmulPreferenceSetAttribute"(Handle, c_int, *const c_void, usize) -> c_int;
        candidates = "cublasLtMatmulAlgoGetHeuristic"(
            Handle, Handle, Handle, Handle, Handle, Handle, Handle, c_int, *mut Candidate, *mut c_int
        ) -> c_int;
        candidate_check = "cublasLtMatmulAlgoCheck"(
            Handle, Handle, Handle, Handle, Handle, Handle, *const Algorithm, *mut Candidate
        ) -> c_int;
        product = "cublasLtMatmul"(
            Handle, Handle, *const c_void, *const c_void, Handle, *const c_void, Handle, *const c_void, *const c_void,
            Handle, *mut c_void, Handle, *const Algorithm, *mut c_void, usize, Handle
        ) -> c_int;
    }
}

impl Functions {
    /// An error if the call's result is one.
    pub fn check(&self, function: &'static str, result: c_int) -> Result<(), CudaError> {
        if result == 0 {
            return Ok(());
        }
        // SAFETY: gives a text of its own that stays.
        let name = unsafe { CStr::from_ptr((self.status_name)(result)) };
        Err(CudaError::Call { function, code: format!("{} ({result})", name.to_string_lossy()) })
    }

    /// The library's version.
    pub fn library_version(&self) -> Version {
        // SAFETY: no pointers.
        Version::of_cublas(u32::try_from(unsafe { (self.version)() }).unwrap_or(u32::MAX))
    }
}
