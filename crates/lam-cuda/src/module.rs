//! Compiled kernels on the device, and kept on disk: by source, architecture and compiler.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ffi::{CString, c_void};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use crate::cache::{digest, file_name, write_whole};
use crate::compiler::{Architecture, Compiler, Source};
use crate::context::{Context, locked};
use crate::error::CudaError;
use crate::library::driver::attribute;
use crate::library::table::Handle;

/// The driver's number for a name that a module does not have.
const NOT_FOUND: i32 = 500;

/// The kernels of one source, loaded; clones share them.
#[derive(Clone)]
pub struct Module(Arc<Loaded>);

struct Loaded {
    context: Arc<Context>,
    handle: Handle,
    name: &'static str,
    found: Mutex<HashMap<String, Found>>,
}

/// A kernel of a module: what the driver calls it, and what we do.
#[derive(Clone)]
struct Found {
    function: Handle,
    name: Arc<str>,
}

/// One kernel, ready to be launched; clones share it, and keep its module.
#[derive(Clone)]
pub struct Kernel {
    found: Found,
    module: Module,
}

impl Kernel {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.found.name
    }

    pub(crate) fn shared_name(&self) -> &Arc<str> {
        &self.found.name
    }

    pub(crate) fn function(&self) -> Handle {
        self.found.function
    }

    pub(crate) fn context(&self) -> &Context {
        &self.module.0.context
    }
}

impl Module {
    /// The kernel of this name; asking again is cheap.
    pub fn kernel(&self, name: &str) -> Result<Kernel, CudaError> {
        let mut known = locked(&self.0.found);
        let found = match known.get(name) {
            Some(found) => found.clone(),
            None => {
                let found = Found { function: self.find(name)?, name: name.into() };
                known.insert(name.to_owned(), found.clone());
                found
            }
        };
        Ok(Kernel { found, module: self.clone() })
    }

    fn find(&self, name: &str) -> Result<Handle, CudaError> {
        let missing = || CudaError::NoKernel { module: self.0.name.into(), kernel: name.into() };
        let symbol = CString::new(name).map_err(|_| missing())?;
        let (context, mut function) = (&self.0.context, Handle::NULL);
        // SAFETY: the module is loaded as long as `self.0`, and the name ends with zero.
        let result = unsafe { (context.enter()?.module_function)(&raw mut function, self.0.handle, symbol.as_ptr()) };
        if result == NOT_FOUND {
            return Err(missing());
        }
        context.check("cuModuleGetFunction", result)?;
        allow_shared_memory(context, function)?;
        Ok(function)
    }
}

/// A block may have more than 48 KiB of shared memory only where the kernel allows it; set once, to all there is, so that
/// no launch needs to know what an earlier one has set.
fn allow_shared_memory(context: &Context, function: Handle) -> Result<(), CudaError> {
    let (driver, mut fixed) = (context.enter()?, 0);
    // SAFETY: writes one number; the function was found above.
    let result = unsafe { (driver.function_attribute)(&raw mut fixed, attribute::STATIC_SHARED_MEMORY, function) };
    context.check("cuFuncGetAttribute", result)?;
    let most = i32::try_from(context.properties.shared_memory).unwrap_or(i32::MAX) - fixed;
    // SAFETY: the function was found above.
    let result = unsafe { (driver.function_set)(function, attribute::DYNAMIC_SHARED_MEMORY, most) };
    context.check("cuFuncSetAttribute", result)
}

impl Drop for Loaded {
    fn drop(&mut self) {
        if let Ok(driver) = self.context.enter() {
            // SAFETY: loaded once, unloaded once. Kernels that were launched have their code until they are done.
            unsafe { (driver.module_unload)(self.handle) };
        }
    }
}

/// The modules of one device.
pub(crate) struct Modules {
    context: Arc<Context>,
    compiler: Compiler,
    /// Where binaries are kept; `None` keeps them nowhere.
    folder: Option<PathBuf>,
    loaded: Mutex<HashMap<String, Module>>,
    /// The same for texts that stay where they are: asking for them again costs no look at the text.
    fixed: Mutex<HashMap<(usize, usize), Module>>,
}

impl Modules {
    pub fn new(context: &Arc<Context>, cache: Option<&PathBuf>) -> Self {
        Self {
            context: Arc::clone(context),
            compiler: Compiler::of(&context.libraries.compiler),
            folder: cache.map(|cache| cache.join("kernels")),
            loaded: Mutex::new(HashMap::new()),
            fixed: Mutex::new(HashMap::new()),
        }
    }

    /// The source's kernels: those of the process, of the disk, or new ones.
    pub fn get(&self, source: &Source) -> Result<Module, CudaError> {
        let Cow::Borrowed(text) = source.text else { return self.by_content(source) };
        let place = (text.as_ptr() as usize, text.len());
        if let Some(module) = locked(&self.fixed).get(&place) {
            return Ok(module.clone());
        }
        let module = self.by_content(source)?;
        locked(&self.fixed).insert(place, module.clone());
        Ok(module)
    }

    fn by_content(&self, source: &Source) -> Result<Module, CudaError> {
        let architecture = self.compiler.architecture_for(self.context.properties.capability)?;
        let key = digest([source.text.as_bytes(), self.compiler.identity(architecture).as_bytes()]);
        let mut loaded = locked(&self.loaded);
        if let Some(module) = loaded.get(&key) {
            return Ok(module.clone());
        }
        let module = self.load(source, architecture, &key)?;
        loaded.insert(key, module.clone());
        Ok(module)
    }

    fn load(&self, source: &Source, architecture: Architecture, key: &str) -> Result<Module, CudaError> {
        let name = file_name(&format!("{}-{architecture}-{key}.cubin", source.name));
        let file = self.folder.as_ref().map(|folder| folder.join(name));
        // One that cannot be read or loaded is made again.
        if let Some(image) = file.as_ref().and_then(|file| std::fs::read(file).ok())
            && let Ok(module) = self.place(source, &image)
        {
            return Ok(module);
        }
        let image = self.compiler.compile(source, architecture)?;
        let module = self.place(source, &image)?;
        if let Some(file) = file {
            // A disk that is full or read-only costs the next process its time, and this one nothing.
            let _ = write_whole(&file, &image);
        }
        Ok(module)
    }

    fn place(&self, source: &Source, image: &[u8]) -> Result<Module, CudaError> {
        let mut handle = Handle::NULL;
        // SAFETY: the driver reads the binary, whose header says how long it is.
        let result = unsafe { (self.context.enter()?.module_load)(&raw mut handle, image.as_ptr().cast::<c_void>()) };
        self.context.check("cuModuleLoadData", result)?;
        let context = Arc::clone(&self.context);
        Ok(Module(Arc::new(Loaded { context, handle, name: source.name, found: Mutex::new(HashMap::new()) })))
    }
}
