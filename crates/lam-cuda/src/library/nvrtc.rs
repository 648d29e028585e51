//! NVRTC's functions: the compiler of kernels at run time. It needs neither a device nor a driver.

use std::ffi::{CStr, c_char, c_int};

use crate::library::table::{Handle, functions};
use crate::version::Version;

functions! {
    /// NVRTC.
    Functions {
        version = "nvrtcVersion"(*mut c_int, *mut c_int) -> c_int;
        error_text = "nvrtcGetErrorString"(c_int) -> *const c_char;
        architecture_count = "nvrtcGetNumSupportedArchs"(*mut c_int) -> c_int;
        architectures = "nvrtcGetSupportedArchs"(*mut c_int) -> c_int;
        create = "nvrtcCreateProgram"(
            *mut Handle, *const c_char, *const c_char, c_int, *const *const c_char, *const *const c_char
        ) -> c_int;
        destroy = "nvrtcDestroyProgram"(*mut Handle) -> c_int;
        compile = "nvrtcCompileProgram"(Handle, c_int, *const *const c_char) -> c_int;
        log_size = "nvrtcGetProgramLogSize"(Handle, *mut usize) -> c_int;
        log = "nvrtcGetProgramLog"(Handle, *mut c_char) -> c_int;
        image_size = "nvrtcGetCUBINSize"(Handle, *mut usize) -> c_int;
        image = "nvrtcGetCUBIN"(Handle, *mut c_char) -> c_int;
    }
}

impl Functions {
    /// The library's version.
    pub fn library_version(&self) -> Version {
        let (mut major, mut minor) = (0, 0);
        // SAFETY: writes two numbers. It fails for null pointers only.
        unsafe { (self.version)(&raw mut major, &raw mut minor) };
        Version::new(major.unsigned_abs(), minor.unsigned_abs())
    }

    /// A failure's meaning.
    pub fn told(&self, code: c_int) -> String {
        // SAFETY: gives a text of its own that stays.
        unsafe { CStr::from_ptr((self.error_text)(code)) }.to_string_lossy().into_owned()
    }
}
