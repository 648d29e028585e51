//! The driver's functions, with their symbols of CUDA 12.0: `libcuda.so.1` keeps older versions under the plain names.

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};

use crate::error::CudaError;
use crate::library::table::{Handle, functions};
use crate::version::Version;

/// The oldest driver that has all of these: tensor maps came with 12.0.
pub(crate) const OLDEST: Version = Version::new(12, 0);

/// Attributes of devices (`CUdevice_attribute`).
pub(crate) mod attribute {
    pub const MULTIPROCESSORS: i32 = 16;
    pub const CAPABILITY_MAJOR: i32 = 75;
    pub const CAPABILITY_MINOR: i32 = 76;
    pub const SHARED_MEMORY_OF_BLOCK: i32 = 97;
    /// Of functions (`CUfunction_attribute`).
    pub const STATIC_SHARED_MEMORY: i32 = 1;
    /// Of functions.
    pub const DYNAMIC_SHARED_MEMORY: i32 = 8;
}

/// `CU_STREAM_NON_BLOCKING`: does not wait for the default stream.
pub(crate) const STREAM_NON_BLOCKING: u32 = 1;
/// `CU_STREAM_CAPTURE_MODE_RELAXED`: other threads may go on.
pub(crate) const CAPTURE_RELAXED: c_int = 2;
const NO_DEVICE: c_int = 100;

functions! {
    /// The driver.
    Functions {
        init = "cuInit"(c_uint) -> c_int;
        version = "cuDriverGetVersion"(*mut c_int) -> c_int;
        error_name = "cuGetErrorName"(c_int, *mut *const c_char) -> c_int;
        error_text = "cuGetErrorString"(c_int, *mut *const c_char) -> c_int;
        device_count = "cuDeviceGetCount"(*mut c_int) -> c_int;
        device = "cuDeviceGet"(*mut c_int, c_int) -> c_int;
        device_name = "cuDeviceGetName"(*mut c_char, c_int, c_int) -> c_int;
        device_attribute = "cuDeviceGetAttribute"(*mut c_int, c_int, c_int) -> c_int;
        device_memory = "cuDeviceTotalMem_v2"(*mut usize, c_int) -> c_int;
        context_retain = "cuDevicePrimaryCtxRetain"(*mut Handle, c_int) -> c_int;
        context_release = "cuDevicePrimaryCtxRelease_v2"(c_int) -> c_int;
        context_set = "cuCtxSetCurrent"(Handle) -> c_int;
        memory_info = "cuMemGetInfo_v2"(*mut usize, *mut usize) -> c_int;
        memory_alloc = "cuMemAlloc_v2"(*mut u64, usize) -> c_int;
        memory_free = "cuMemFree_v2"(u64) -> c_int;
        pinned_alloc = "cuMemAllocHost_v2"(*mut *mut c_void, usize) -> c_int;
        pinned_free = "cuMemFreeHost"(*mut c_void) -> c_int;
        copy_in = "cuMemcpyHtoDAsync_v2"(u64, *const c_void, usize, Handle) -> c_int;
        copy_out = "cuMemcpyDtoHAsync_v2"(*mut c_void, u64, usize, Handle) -> c_int;
        copy = "cuMemcpyDtoDAsync_v2"(u64, u64, usize, Handle) -> c_int;
        fill = "cuMemsetD8Async"(u64, u8, usize, Handle) -> c_int;
        stream_create = "cuStreamCreate"(*mut Handle, c_uint) -> c_int;
        stream_destroy = "cuStreamDestroy_v2"(Handle) -> c_int;
        stream_synchronize = "cuStreamSynchronize"(Handle) -> c_int;
        capture_begin = "cuStreamBeginCapture_v2"(Handle, c_int) -> c_int;
        capture_end = "cuStreamEndCapture"(Handle, *mut Handle) -> c_int;
        graph_instantiate = "cuGraphInstantiateWithFlags"(*mut Handle, Handle, u64) -> c_int;
        graph_launch = "cuGraphLaunch"(Handle, Handle) -> c_int;
        graph_destroy = "cuGraphDestroy"(Handle) -> c_int;
        executable_destroy = "cuGraphExecDestroy"(Handle) -> c_int;
        event_create = "cuEventCreate"(*mut Handle, c_uint) -> c_int;
        event_destroy = "cuEventDestroy_v2"(Handle) -> c_int;
        event_record = "cuEventRecord"(Handle, Handle) -> c_int;
        event_synchronize = "cuEventSynchronize"(Handle) -> c_int;
        event_elapsed = "cuEventElapsedTime"(*mut f32, Handle, Handle) -> c_int;
        module_load = "cuModuleLoadData"(*mut Handle, *const c_void) -> c_int;
        module_unload = "cuModuleUnload"(Handle) -> c_int;
        module_function = "cuModuleGetFunction"(*mut Handle, Handle, *const c_char) -> c_int;
        function_attribute = "cuFuncGetAttribute"(*mut c_int, c_int, Handle) -> c_int;
        function_set = "cuFuncSetAttribute"(Handle, c_int, c_int) -> c_int;
        launch = "cuLaunchKernel"(
            Handle, c_uint, c_uint, c_uint, c_uint, c_uint, c_uint, c_uint, Handle, *mut *mut c_void, *mut *mut c_void
        ) -> c_int;
        tensor_map = "cuTensorMapEncodeTiled"(
            *mut c_void, c_int, c_uint, *mut c_void, *const u64, *const u64, *const u32, *const u32,
            c_int, c_int, c_int, c_int
        ) -> c_int;
    }
}

impl Functions {
    /// An error if the call's result is one.
    pub fn check(&self, function: &'static str, result: c_int) -> Result<(), CudaError> {
        if result == 0 { Ok(()) } else { Err(CudaError::Call { function, code: self.told(result) }) }
    }

    /// A failure's name, number and meaning.
    pub fn told(&self, code: c_int) -> String {
        let text = |function: unsafe extern "C" fn(c_int, *mut *const c_char) -> c_int| {
            let mut text = std::ptr::null();
            // SAFETY: the driver writes a pointer to a text of its own that stays, or to nothing.
            unsafe {
                (function(code, &raw mut text) == 0 && !text.is_null())
                    .then(|| CStr::from_ptr(text).to_string_lossy().into_owned())
            }
        };
        let name = text(self.error_name).unwrap_or_else(|| "unknown failure".into());
        let meaning = text(self.error_text).map_or(String::new(), |meaning| format!(", {meaning}"));
        format!("{name} ({code}{meaning})")
    }

    /// The version of CUDA that the driver has.
    pub fn cuda_version(&self) -> Result<Version, CudaError> {
        let mut packed = 0;
        // SAFETY: writes one number.
        self.check("cuDriverGetVersion", unsafe { (self.version)(&raw mut packed) })?;
        Ok(Version::of_driver(packed.unsigned_abs()))
    }

    /// How many devices there are.
    pub fn count(&self) -> Result<usize, CudaError> {
        // SAFETY: no pointers.
        let started = unsafe { (self.init)(0) };
        if started == NO_DEVICE {
            return Ok(0);
        }
        self.check("cuInit", started)?;
        let mut count = 0;
        // SAFETY: writes one number.
        self.check("cuDeviceGetCount", unsafe { (self.device_count)(&raw mut count) })?;
        Ok(usize::try_from(count).unwrap_or(0))
    }
}
