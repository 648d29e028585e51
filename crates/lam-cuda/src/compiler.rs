//! Kernels from their sources, by NVRTC. Needs no device: a source can be tried for any card anywhere.

use std::borrow::Cow;
use std::ffi::{CString, c_char};
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use crate::error::CudaError;
use crate::library::places::Places;
use crate::library::table::Handle;
use crate::library::{self, Loaded, nvrtc};
use crate::version::Version;

/// Beside the architecture. Without the second, lambdas and `constexpr` functions belong to the host and cannot be called.
const OPTIONS: [&str; 2] = ["--std=c++17", "--device-as-default-execution-space"];

/// The text of one module: CUDA C++ that includes nothing.
#[derive(Clone, Debug)]
pub struct Source {
    /// What it is called: in messages, and as its file in the cache.
    pub name: &'static str,
    /// The whole text, headers and definitions of macros first.
    pub text: Cow<'static, str>,
}

impl Source {
    /// Of this name and text.
    pub fn new(name: &'static str, text: impl Into<Cow<'static, str>>) -> Self {
        Self { name, text: text.into() }
    }
}

/// What kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Architecture {
    major: u32,
    minor: u32,
}

impl Architecture {
    /// Of a compute capability.
    pub const fn of(capability: (u32, u32)) -> Self {
        Self { major: capability.0, minor: capability.1 }
    }

    /// As NVRTC numbers it: 90.
    fn number(self) -> u32 {
        self.major * 10 + self.minor
    }

    /// As NVRTC knows it. On Hopper, with what only Hopper has: wgmma and `setmaxnreg` are not in plain `sm_90`.
    pub fn name(self) -> String {
        let own = if self.number() == 90 { "a" } else { "" };
        format!("sm_{}{own}", self.number())
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

/// NVRTC; clones share it.
#[derive(Clone)]
pub struct Compiler(Arc<Loaded<nvrtc::Functions>>);

impl Compiler {
    /// NVRTC alone, where [`crate::Libraries::find`] would look for it.
    pub fn find() -> Result<Self, CudaError> {
        Self::find_in(&Places::here())
    }

    /// NVRTC alone, in these places.
    pub fn find_in(places: &Places) -> Result<Self, CudaError> {
        library::find_any_compiler(places).map(|found| Self(Arc::new(found)))
    }

    pub(crate) fn of(library: &Arc<Loaded<nvrtc::Functions>>) -> Self {
        Self(Arc::clone(library))
    }

    /// Its version.
    pub fn version(&self) -> Version {
        self.0.version
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// What to compile for a card of this capability: the same, or the newest of its generation that this NVRTC knows and
    /// the card runs as well.
    pub fn architecture_for(&self, capability: (u32, u32)) -> Result<Architecture, CudaError> {
        let wanted = Architecture::of(capability);
        let known = self.architectures().into_iter().filter(|known| known.major == wanted.major && *known <= wanted);
        known.max().ok_or_else(|| CudaError::Library {
            part: "NVRTC",
            reason: format!("{}: version {} does not know {wanted}", self.path().display(), self.version()),
            mend: "scripts/fetch_cuda.sh".into(),
        })
    }

    /// What it can compile for.
    pub fn architectures(&self) -> Vec<Architecture> {
        let functions = &self.0.functions;
        let mut count = 0;
        // SAFETY: writes one number.
        if unsafe { (functions.architecture_count)(&raw mut count) } != 0 {
            return Vec::new();
        }
        let mut numbers = vec![0; usize::try_from(count).unwrap_or(0)];
        // SAFETY: writes as many numbers as it has just said.
        if unsafe { (functions.architectures)(numbers.as_mut_ptr()) } != 0 {
            return Vec::new();
        }
        numbers
            .into_iter()
            .map(|number: i32| number.unsigned_abs())
            .map(|n| Architecture::of((n / 10, n % 10)))
            .collect()
    }

    /// The binary of a source; the compiler's words if it does not take it.
    pub fn compile(&self, source: &Source, architecture: Architecture) -> Result<Vec<u8>, CudaError> {
        self.compile_and_tell(source, architecture).map(|(image, _)| image)
    }

    /// The binary of a source, and what the compiler warns of.
    pub fn compile_and_tell(
        &self,
        source: &Source,
        architecture: Architecture,
    ) -> Result<(Vec<u8>, String), CudaError> {
        let program = Program::new(&self.0.functions, source)?;
        let options = [format!("--gpu-architecture={architecture}"), OPTIONS[0].into(), OPTIONS[1].into()];
        program.compile(&options, source, architecture)?;
        Ok((program.image()?, program.log().unwrap_or_default()))
    }

    /// What decides about the binary beside the text: a binary of the same source by another compiler is another one.
    pub(crate) fn identity(&self, architecture: Architecture) -> String {
        let file = self.path().canonicalize().unwrap_or_else(|_| self.path().to_path_buf());
        format!("{} {} {architecture} {}", file.display(), self.version(), OPTIONS.join(" "))
    }
}

/// A source on its way through NVRTC.
struct Program<'a> {
    functions: &'a nvrtc::Functions,
    handle: Handle,
}

impl<'a> Program<'a> {
    fn new(functions: &'a nvrtc::Functions, source: &Source) -> Result<Self, CudaError> {
        let (text, name) = (terminated(&source.text), terminated(&format!("{}.cu", source.name)));
        let mut program = Self { functions, handle: Handle::NULL };
        // SAFETY: both texts end with zero and are copied; there are no headers.
        let result = unsafe {
            (functions.create)(
                &raw mut program.handle,
                text.as_ptr(),
                name.as_ptr(),
                0,
                std::ptr::null(),
                std::ptr::null(),
            )
        };
        program.check("nvrtcCreateProgram", result).map(|()| program)
    }

    fn compile(&self, options: &[String], source: &Source, architecture: Architecture) -> Result<(), CudaError> {
        let options: Vec<_> = options.iter().map(|option| terminated(option)).collect();
        let pointers: Vec<*const c_char> = options.iter().map(|option| option.as_ptr()).collect();
        // SAFETY: as many texts as it is told, each ending with zero.
        let result = unsafe { (self.functions.compile)(self.handle, pointers.len() as i32, pointers.as_ptr()) };
        if result == 0 {
            return Ok(());
        }
        let log = self.log().filter(|log| !log.is_empty()).unwrap_or_else(|| self.functions.told(result));
        Err(CudaError::Compile { source_name: source.name.into(), architecture: architecture.name(), log })
    }

    fn log(&self) -> Option<String> {
        let mut size = 0;
        // SAFETY: writes one number.
        if unsafe { (self.functions.log_size)(self.handle, &raw mut size) } != 0 {
            return None;
        }
        let mut text = vec![0u8; size];
        // SAFETY: writes as many characters as it has just said.
        let result = unsafe { (self.functions.log)(self.handle, text.as_mut_ptr().cast()) };
        (result == 0).then(|| String::from_utf8_lossy(&text).trim_end_matches('\0').trim().to_owned())
    }

    fn image(&self) -> Result<Vec<u8>, CudaError> {
        let mut size = 0;
        // SAFETY: writes one number.
        self.check("nvrtcGetCUBINSize", unsafe { (self.functions.image_size)(self.handle, &raw mut size) })?;
        let mut image = vec![0u8; size];
        // SAFETY: writes as many bytes as it has just said.
        let result = unsafe { (self.functions.image)(self.handle, image.as_mut_ptr().cast()) };
        self.check("nvrtcGetCUBIN", result).map(|()| image)
    }

    fn check(&self, function: &'static str, result: i32) -> Result<(), CudaError> {
        if result == 0 { Ok(()) } else { Err(CudaError::Call { function, code: self.functions.told(result) }) }
    }
}

impl Drop for Program<'_> {
    fn drop(&mut self) {
        if self.handle != Handle::NULL {
            // SAFETY: made by `new`, destroyed once.
            unsafe { (self.functions.destroy)(&raw mut self.handle) };
        }
    }
}

/// A text as C has it; one with a zero inside ends there, and the compiler says what is missing.
fn terminated(text: &str) -> CString {
    let whole = text.split('\0').next().unwrap_or_default();
    CString::new(whole).expect("cut before the first zero")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hopper_is_compiled_for_with_what_only_it_has() {
        let names = [(8, 0), (8, 9), (9, 0), (10, 0), (12, 1)].map(|of| Architecture::of(of).name());
        assert_eq!(names, ["sm_80", "sm_89", "sm_90a", "sm_100", "sm_121"]);
    }
}
