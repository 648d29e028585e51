//! A kernel's launch: its arguments in their order, then its shape.

use std::ffi::c_void;

use crate::buffer::{Buffer, View, ViewMut};
use crate::context::Context;
use crate::element::{Element, Scalar};
use crate::error::CudaError;
use crate::module::Kernel;

/// How many blocks, or threads of a block, in each direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent(pub u32, pub u32, pub u32);

impl From<u32> for Extent {
    fn from(x: u32) -> Self {
        Self(x, 1, 1)
    }
}

impl From<(u32, u32)> for Extent {
    fn from((x, y): (u32, u32)) -> Self {
        Self(x, y, 1)
    }
}

impl From<(u32, u32, u32)> for Extent {
    fn from((x, y, z): (u32, u32, u32)) -> Self {
        Self(x, y, z)
    }
}

/// A launch under construction: the kernel's arguments in their order, then [`Launch::run`].
#[must_use = "a launch does nothing before `run`"]
pub struct Launch<'a> {
    context: &'a Context,
    kernel: &'a Kernel,
    /// The arguments' bytes, each at a multiple of eight.
    words: Vec<u64>,
    begins: Vec<usize>,
}

impl<'a> Launch<'a> {
    pub(crate) fn new(context: &'a Context, kernel: &'a Kernel) -> Self {
        assert!(std::ptr::eq(context, kernel.context()), "kernel `{}` is another device's", kernel.name());
        Self { context, kernel, words: Vec::with_capacity(32), begins: Vec::with_capacity(16) }
    }

    /// Memory that the kernel reads.
    pub fn read<T: Element>(self, memory: impl Readable<T>) -> Self {
        self.word(memory.address())
    }

    /// Memory that the kernel writes, or reads and writes.
    pub fn write<T: Element>(self, memory: impl Writable<T>) -> Self {
        self.word(memory.address())
    }

    /// No memory: a null pointer.
    pub fn null(self) -> Self {
        self.word(0)
    }

    /// A number or a structure.
    pub fn value<S: Scalar>(mut self, value: S) -> Self {
        let begin = self.words.len();
        self.begins.push(begin);
        self.words.resize(begin + size_of::<S>().div_ceil(8), 0);
        // SAFETY: there is room for the value, and bytes of any kind may be there.
        unsafe { self.words.as_mut_ptr().add(begin).cast::<S>().write_unaligned(value) };
        self
    }

    fn word(self, word: u64) -> Self {
        self.value(word)
    }

    /// Launches it behind all work so far and returns at once. `shared`: bytes of dynamic shared memory a block.
    ///
    /// # Safety
    ///
    /// The arguments are those that the kernel declares, in number, order and size; launched in this shape, it reads and
    /// writes nothing but the memory that was passed, and that memory is as long as the kernel takes it to be.
    ///
    /// # Errors
    ///
    /// If the driver refuses the launch, or an earlier kernel failed.
    pub unsafe fn run(
        mut self,
        grid: impl Into<Extent>,
        block: impl Into<Extent>,
        shared: usize,
    ) -> Result<(), CudaError> {
        let (grid, block) = (grid.into(), block.into());
        let base = self.words.as_mut_ptr();
        // SAFETY: each beginning lies within the words.
        let mut arguments: Vec<*mut c_void> =
            self.begins.iter().map(|&begin| unsafe { base.add(begin) }.cast()).collect();
        let shared = u32::try_from(shared).unwrap_or(u32::MAX);
        let driver = self.context.enter()?;
        // SAFETY: the driver copies the arguments before it returns; that they fit the kernel is the caller's promise.
        let result = unsafe {
            (driver.launch)(
                self.kernel.function(),
                grid.0,
                grid.1,
                grid.2,
                block.0,
                block.1,
                block.2,
                shared,
                self.context.stream(),
                arguments.as_mut_ptr(),
                std::ptr::null_mut(),
            )
        };
        self.told(result)?;
        self.context.launched(self.kernel.shared_name())
    }

    /// A refusal with what was asked for.
    fn told(&self, result: i32) -> Result<(), CudaError> {
        self.context.check("cuLaunchKernel", result).map_err(|error| match error {
            CudaError::Call { code, .. } => CudaError::Kernel { name: self.kernel.name().to_owned(), code },
            other => other,
        })
    }
}

mod sealed {
    pub trait Sealed {}
}

/// Memory that a kernel may read: a buffer or a view.
pub trait Readable<T: Element>: sealed::Sealed {
    /// Where it is.
    fn address(&self) -> u64;
}

/// Memory that a kernel may write: a buffer or a view, borrowed alone.
pub trait Writable<T: Element>: sealed::Sealed {
    /// Where it is.
    fn address(&self) -> u64;
}

impl<T: Element> sealed::Sealed for &Buffer<T> {}
impl<T: Element> sealed::Sealed for &mut Buffer<T> {}
impl<T: Element> sealed::Sealed for View<'_, T> {}
impl<T: Element> sealed::Sealed for ViewMut<'_, T> {}
impl<T: Element> sealed::Sealed for &mut ViewMut<'_, T> {}

impl<T: Element> Readable<T> for &Buffer<T> {
    fn address(&self) -> u64 {
        self.all().address()
    }
}

impl<T: Element> Readable<T> for View<'_, T> {
    fn address(&self) -> u64 {
        View::address(self)
    }
}

impl<T: Element> Writable<T> for &mut Buffer<T> {
    fn address(&self) -> u64 {
        self.all().address()
    }
}

impl<T: Element> Writable<T> for ViewMut<'_, T> {
    fn address(&self) -> u64 {
        ViewMut::address(self)
    }
}

impl<T: Element> Writable<T> for &mut ViewMut<'_, T> {
    fn address(&self) -> u64 {
        ViewMut::address(self)
    }
}
