//! A device and what it does: one stream of work, in the order in which it is asked for.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use half::bf16;

use crate::arena::Arena;
use crate::buffer::{Buffer, View, ViewMut};
use crate::cache;
use crate::compiler::Source;
use crate::context::{Context, Habits, locked};
use crate::element::Element;
use crate::error::CudaError;
use crate::event::{Share, median, shares};
use crate::graph::{Graph, Scratch};
use crate::late::{Late, Slots};
use crate::launch::Launch;
use crate::library::Libraries;
use crate::module::{Kernel, Module, Modules};
use crate::product::{Addend, Output, Product, Products};
use crate::properties::Properties;
use crate::staging::{PIECE_BYTES, Staging};
use crate::tensor_map::TensorMap;

/// How a device is opened.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its number: 0 is the first.
    pub ordinal: usize,
    /// Memory that is reserved for buffers, in bytes; [`ALL_FREE`](crate::ALL_FREE) for all that is free but 1 GiB.
    /// Beside it, the products take 64 MiB and the driver some hundred.
    pub memory_bytes: usize,
    /// The folder for compiled kernels and chosen algorithms; `None` keeps neither.
    pub cache: Option<PathBuf>,
    /// Fresh memory is filled with NaN (0xff): what reads before it writes is found. For tests; costs time.
    pub poison: bool,
    /// Every kernel is waited for, so that the one that fails is the one that is named. Costs time.
    pub synchronous: bool,
}

impl Settings {
    /// As the environment has them: the user's cache, `LAM_CUDA_POISON`, `LAM_CUDA_SYNCHRONOUS`.
    pub fn new(ordinal: usize, memory_bytes: usize) -> Self {
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
        Self {
            ordinal,
            memory_bytes,
            cache: cache::of_user(),
            poison: set("LAM_CUDA_POISON"),
            synchronous: set("LAM_CUDA_SYNCHRONOUS"),
        }
    }
}

/// A CUDA device of this process: memory, kernels, products. Clones share it; it is closed with the last of them and of
/// its buffers. Any thread may use it; all work is done in the order in which it was asked for.
#[derive(Clone)]
pub struct Device(Arc<Parts>);

struct Parts {
    context: Arc<Context>,
    modules: Modules,
    products: Products,
    staging: Mutex<Staging>,
    late: Arc<Slots>,
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Device({}, {})", self.properties().ordinal, self.properties().name)
    }
}

impl Device {
    /// How many devices there are.
    pub fn count() -> Result<usize, CudaError> {
        Libraries::find()?.driver.functions.count()
    }

    /// What a device is, without opening it.
    pub fn properties_of(libraries: &Libraries, ordinal: usize) -> Result<Properties, CudaError> {
        Properties::of(&libraries.driver, ordinal)
    }

    /// Opens a device and reserves so much of its memory for buffers.
    pub fn open(ordinal: usize, memory_bytes: usize) -> Result<Self, CudaError> {
        Self::open_with(&Libraries::find()?, &Settings::new(ordinal, memory_bytes))
    }

    /// Opens a device of these libraries.
    pub fn open_with(libraries: &Libraries, settings: &Settings) -> Result<Self, CudaError> {
        let habits = Habits { poison: settings.poison, synchronous: settings.synchronous };
        let context = Context::open(libraries, settings.ordinal, settings.memory_bytes, habits)?;
        let cache = settings.cache.as_ref();
        Ok(Self(Arc::new(Parts {
            modules: Modules::new(&context, cache),
            products: Products::new(&context, cache)?,
            staging: Mutex::new(Staging::new(&context)),
            late: Slots::new(&context),
            context,
        })))
    }

    /// What it is.
    pub fn properties(&self) -> &Properties {
        &self.0.context.properties
    }

    /// Bytes that are reserved for buffers.
    pub fn capacity(&self) -> usize {
        self.0.context.arena(|arena| arena.capacity())
    }

    /// Bytes that buffers have.
    pub fn used(&self) -> usize {
        self.0.context.arena(|arena| arena.used())
    }

    /// The most bytes that buffers had at once since the last [`Self::reset_peak`].
    pub fn peak(&self) -> usize {
        self.0.context.arena(|arena| arena.peak())
    }

    /// The peak is what buffers have now.
    pub fn reset_peak(&self) {
        self.0.context.arena(Arena::reset_peak);
    }

    /// Bytes of the device that nobody has reserved, and bytes in all.
    pub fn memory(&self) -> Result<(usize, usize), CudaError> {
        self.0.context.memory()
    }

    /// Memory for so many numbers, with whatever was in it before.
    pub fn alloc<T: Element>(&self, length: usize) -> Result<Buffer<T>, CudaError> {
        Buffer::new(&self.0.context, length)
    }

    /// So many zeros.
    pub fn zeros<T: Element>(&self, length: usize) -> Result<Buffer<T>, CudaError> {
        let mut buffer = self.alloc(length)?;
        self.fill_zero(&mut buffer)?;
        Ok(buffer)
    }

    /// These numbers: as [`Self::write`].
    pub fn upload<T: Element>(&self, values: &[T]) -> Result<Buffer<T>, CudaError> {
        let mut buffer = self.alloc(values.len())?;
        self.write(&mut buffer, values)?;
        Ok(buffer)
    }

    /// Writes numbers over all of a view, on their way while the caller goes on: the values may be dropped at once, and
    /// later work sees them there. They go through memory of the processor that is filled in turn: whoever sends much waits
    /// for what was sent before (8 MiB of lists, 32 MiB of weights), and nobody for work.
    ///
    /// # Errors
    ///
    /// If earlier work failed, or work is being captured.
    ///
    /// # Panics
    ///
    /// If there are more or fewer numbers than the view has.
    pub fn write<'a, T: Element>(&self, to: impl Into<ViewMut<'a, T>>, values: &[T]) -> Result<(), CudaError> {
        let to = to.into();
        assert_eq!(to.len(), values.len(), "numbers to be written");
        // SAFETY: elements are plain numbers, and are read as the bytes that they are.
        let bytes = unsafe { std::slice::from_raw_parts(values.as_ptr().cast::<u8>(), size_of_val(values)) };
        // SAFETY: the view is as long as the values, and borrowed alone.
        unsafe { locked(&self.0.staging).send(to.address(), bytes) }
    }

    /// Asks for the numbers of a view, as they are when all work so far is done, and does not wait for them: the view's
    /// buffer may be written or dropped at once. The pinned memory that they come through stays with the device.
    pub fn read_late<'a, T: Element>(&self, from: impl Into<View<'a, T>>) -> Result<Late<T>, CudaError> {
        self.0.late.read(from.into())
    }

    /// As [`Self::write`], of numbers that `make` writes where the device reads them from, a piece at a time: it gets
    /// the index of the first and room for them. While a piece travels the next one is made. Pieces begin at multiples of
    /// `unit` numbers, such as a row's, and what was in their memory before is still there. A device's pieces are made one
    /// after the other: `make` must not stream.
    ///
    /// # Errors
    ///
    /// What `make` or the device says; the view then holds part of the numbers.
    ///
    /// # Panics
    ///
    /// If a unit has more than 16 MiB.
    pub fn stream_made<'a, T: Element, E: From<CudaError>>(
        &self,
        to: impl Into<ViewMut<'a, T>>,
        unit: usize,
        mut make: impl FnMut(usize, &mut [T]) -> Result<(), E>,
    ) -> Result<(), E> {
        let (mut to, mut first) = (to.into(), 0);
        let most = PIECE_BYTES / size_of::<T>() / unit.max(1) * unit.max(1);
        assert!(most > 0, "a unit of {unit} numbers is more than a piece");
        let mut staging = locked(&self.0.staging);
        while !to.is_empty() {
            let length = most.min(to.len());
            let (part, rest) = to.split_at(length);
            let numbers = |bytes: &mut [u8]| {
                // SAFETY: pieces are aligned to pages and as long as these numbers, which any bytes are.
                make(first, unsafe { std::slice::from_raw_parts_mut(bytes.as_mut_ptr().cast::<T>(), length) })
            };
            // SAFETY: the view has so many numbers, and is borrowed alone.
            unsafe { staging.send_made(part.address(), length * size_of::<T>(), numbers)? };
            (to, first) = (rest, first + length);
        }
        Ok(())
    }

    /// The numbers of a view, when all work so far is done.
    pub fn read<'a, T: Element>(&self, from: impl Into<View<'a, T>>) -> Result<Vec<T>, CudaError> {
        let (from, context) = (from.into(), &self.0.context);
        let mut values = Vec::with_capacity(from.len());
        if from.is_empty() {
            return Ok(values);
        }
        // SAFETY: there is room for what the view has.
        let result = unsafe {
            (context.enter()?.copy_out)(values.as_mut_ptr().cast(), from.address(), from.bytes(), context.stream())
        };
        context.check("cuMemcpyDtoHAsync", result)?;
        context.synchronize()?;
        // SAFETY: written above, and any bits are a number.
        unsafe { values.set_len(from.len()) };
        Ok(values)
    }

    /// Copies numbers on the device.
    ///
    /// # Panics
    ///
    /// If the views differ in length.
    pub fn copy<'a, 'b, T: Element>(
        &self,
        to: impl Into<ViewMut<'a, T>>,
        from: impl Into<View<'b, T>>,
    ) -> Result<(), CudaError> {
        let (to, from, context) = (to.into(), from.into(), &self.0.context);
        assert_eq!(to.len(), from.len(), "numbers to be copied");
        if from.is_empty() {
            return Ok(());
        }
        // SAFETY: both views are of this length, and do not overlap: one is borrowed alone.
        let result = unsafe { (context.enter()?.copy)(to.address(), from.address(), from.bytes(), context.stream()) };
        context.check("cuMemcpyDtoDAsync", result)
    }

    /// Fills a view with zeros.
    pub fn fill_zero<'a, T: Element>(&self, view: impl Into<ViewMut<'a, T>>) -> Result<(), CudaError> {
        let view = view.into();
        self.0.context.fill(view.address(), 0, view.len() * size_of::<T>())
    }

    /// Waits until all work so far is done; says whether it went well.
    pub fn synchronize(&self) -> Result<(), CudaError> {
        self.0.context.synchronize()
    }

    /// The kernels of a source: compiled for this card once, kept on disk and loaded. Asking again is cheap.
    pub fn module(&self, source: &Source) -> Result<Module, CudaError> {
        self.0.modules.get(source)
    }

    /// A launch of a kernel, whose arguments come next.
    pub fn launch<'a>(&'a self, kernel: &'a Kernel) -> Launch<'a> {
        Launch::new(&self.0.context, kernel)
    }

    /// A matrix product, written over rows of `output` that are `stride` apart. The first of its shape is measured with
    /// several algorithms and takes its time; the choice is kept on disk.
    ///
    /// # Panics
    ///
    /// If an operand ends before its last row.
    pub fn product<'a, O: Output>(
        &self,
        product: &Product<'_>,
        addend: Addend<'_, O>,
        output: impl Into<ViewMut<'a, O>>,
        stride: usize,
    ) -> Result<(), CudaError> {
        self.0.products.run(product, addend, output.into(), stride)
    }

    /// A matrix for TMA: rows and columns, and how far apart rows are.
    ///
    /// # Panics
    ///
    /// If the memory ends before the last row.
    pub fn tensor_map<'a>(
        &self,
        matrix: impl Into<View<'a, bf16>>,
        sides: (usize, usize),
        stride: usize,
    ) -> Result<TensorMap, CudaError> {
        TensorMap::new(&self.0.context, matrix.into(), sides, stride)
    }

    /// How long the work takes on the device, in milliseconds: the median of some runs after one that warms up.
    pub fn time<E: From<CudaError>>(&self, repetitions: usize, work: impl FnMut() -> Result<(), E>) -> Result<f32, E> {
        median(&self.0.context, repetitions, work)
    }

    /// Where the time of some work goes on the device: by kernel and product, the largest share first. Copies and fills
    /// count for the launch behind them; whatever other threads launch meanwhile counts too.
    pub fn profile<E: From<CudaError>>(&self, work: impl FnOnce() -> Result<(), E>) -> Result<Vec<Share>, E> {
        shares(&self.0.context, work)
    }

    /// Captures what `work` launches, instead of doing it, so that [`Graph::replay`] does it all with one call. What the
    /// work returns is kept by the graph: the buffers that it reads and writes, most of all. Memory that it makes and
    /// drops is the graph's as well, and serves what it makes later. Nothing in it may wait, read or write; products of
    /// new shapes are not measured. What other threads want done meanwhile is done; two of them capture one after the
    /// other.
    pub fn capture<K, E: From<CudaError>>(&self, work: impl FnOnce() -> Result<K, E>) -> Result<Graph<K>, E> {
        Graph::capture(&self.0.context, work)
    }

    /// Memory for graphs that share what they need between their launches.
    pub fn scratch(&self) -> Scratch {
        Scratch::new(&self.0.context)
    }

    /// As [`Self::capture`], for several graphs that are replayed one at a time: memory that the work makes is in
    /// `memory`, and is there for the next graph too.
    ///
    /// # Panics
    ///
    /// If the work does not drop what it makes: another graph would write there. What a graph keeps is made before.
    pub fn capture_in<K, E: From<CudaError>>(
        &self,
        memory: &Scratch,
        work: impl FnOnce() -> Result<K, E>,
    ) -> Result<Graph<K>, E> {
        Graph::capture_in(memory, work)
    }
}
