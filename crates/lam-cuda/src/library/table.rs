//! Tables of functions: each is looked up by its symbol once, when the library is opened. Knows no library.

use std::error::Error;
use std::ffi::c_void;
use std::path::Path;

use libloading::Library;

/// A thing of the driver's or a library's own: a stream, a module, a description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct Handle(pub *mut c_void);

impl Handle {
    pub const NULL: Self = Self(std::ptr::null_mut());
}

// SAFETY: CUDA's handles name things inside its libraries, which any thread may use; this crate never follows them.
unsafe impl Send for Handle {}
// SAFETY: as above.
unsafe impl Sync for Handle {}

/// Opens a library; the reason why it cannot be, in the loader's words.
pub(crate) fn open(path: &Path) -> Result<Library, String> {
    // SAFETY: loading runs the library's initialisers. These are NVIDIA's own libraries by name, or what the user put in
    // their place on purpose; neither wants anything of the process.
    unsafe { Library::new(path) }.map_err(|error| error.source().unwrap_or(&error).to_string())
}

/// Makes a struct of C functions, and `load`, which finds them all or names the first that is missing.
macro_rules! functions {
    ($(#[$doc:meta])* $table:ident { $($field:ident = $symbol:literal ($($argument:ty),*) -> $result:ty;)+ }) => {
        $(#[$doc])*
        pub(crate) struct $table {
            $(pub $field: unsafe extern "C" fn($($argument),*) -> $result,)+
            /// Keeps the functions' code where it is.
            _library: libloading::Library,
        }

        impl $table {
            /// The functions of an opened library.
            pub fn load(library: libloading::Library) -> Result<Self, String> {
                // SAFETY: the types are those of CUDA's headers for these symbols, and the library stays loaded as long
                // as the table.
                unsafe {
                    Ok(Self {
                        $($field: *library
                            .get(concat!($symbol, "\0").as_bytes())
                            .map_err(|_| concat!("it has no function ", $symbol).to_owned())?,)+
                        _library: library,
                    })
                }
            }
        }
    };
}
pub(crate) use functions;
