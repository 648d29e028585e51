//! One device as this process has it: its context, a stream for its work and one for captures, one reserved stretch of memory. Everything that lives on
//! the device holds on to it. Knows neither kernels nor products.

use std::collections::BTreeSet;
use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use crate::arena::{ALIGNMENT, Arena, FreeParts, Full, Place};
use crate::error::CudaError;
use crate::library::Libraries;
use crate::library::driver::{Functions, STREAM_NON_BLOCKING};
use crate::library::table::Handle;
use crate::properties::{self, Properties};

/// What cuBLASLt may use beside its operands: what NVIDIA advises for Hopper, and more than any card before it wants.
pub(crate) const WORKSPACE_BYTES: usize = 64 << 20;
const OUT_OF_MEMORY: i32 = 2;
/// In place of a number of bytes: all that is free on the device, but for what libraries take while they work.
pub const ALL_FREE: usize = usize::MAX;
/// What is left of it: cuBLASLt's and the kernels' own memory, and the workspace.
const LEFT_FREE: usize = 1 << 30;
/// The driver's failures from here to 719 are those of kernels that ran: they are seen by whatever is called next.
const KERNEL_FAILURES: std::ops::RangeInclusive<i32> = 700..=719;
/// Those of them after which the device does nothing any more (the others are a launch that was refused).
const LOST: [i32; 9] = [700, 702, 710, 714, 715, 716, 717, 718, 719];

/// What a device does beside its work; see `Settings`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Habits {
    /// Fresh memory is filled with NaN.
    pub poison: bool,
    /// Every kernel is waited for.
    pub synchronous: bool,
}

/// Memory of work that is captured: it goes on using what it made and gave back.
#[derive(Debug)]
pub(crate) struct Held {
    /// Who captures.
    thread: ThreadId,
    /// What the work may have again: it is done in order.
    pub free: FreeParts,
    /// Where what it has made and not given back begins.
    pub made: BTreeSet<usize>,
}

impl Held {
    fn is_ours(&self) -> bool {
        self.thread == thread::current().id()
    }
}

/// What was launched, and the driver's event behind it.
pub(crate) type Mark = (Arc<str>, Handle);

/// A device of this process.
pub(crate) struct Context {
    pub libraries: Libraries,
    pub properties: Properties,
    pub habits: Habits,
    /// All work is done here, in order.
    work: Handle,
    /// Where work is captured: what other threads want done meanwhile is done.
    side: Handle,
    /// Held by who captures.
    pub captures: Mutex<()>,
    /// `WORKSPACE_BYTES` of the products' own.
    pub workspace: u64,
    device: i32,
    primary: Handle,
    allocation: u64,
    base: u64,
    arena: Mutex<Arena>,
    /// Whether any thread captures.
    capturing: AtomicBool,
    /// While work is captured: the memory that it uses.
    held: Mutex<Option<Held>>,
    /// While work is profiled: what was launched, each with the driver's event behind it.
    marks: Mutex<Option<Vec<Mark>>>,
    /// The kernel that was launched last, for the message when one has failed.
    last: Mutex<Option<Arc<str>>>,
    /// The kernel whose failure was seen first, and the driver's words for it: whatever is called afterwards fails for it.
    lost: Mutex<Option<(String, String)>>,
}

/// The lock's content. A thread that panicked while it held one left it whole: they are held for single steps.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Context {
    /// Opens a device and reserves so much of its memory.
    pub fn open(libraries: &Libraries, ordinal: usize, bytes: usize, habits: Habits) -> Result<Arc<Self>, CudaError> {
        let properties = Properties::of(&libraries.driver, ordinal)?;
        properties.check_supported()?;
        let device = properties::handle(&libraries.driver.functions, ordinal)?;
        let mut primary = Handle::NULL;
        let driver = &libraries.driver.functions;
        // SAFETY: writes one handle.
        driver.check("cuDevicePrimaryCtxRetain", unsafe { (driver.context_retain)(&raw mut primary, device) })?;
        let mut context = Self {
            libraries: libraries.clone(),
            properties,
            habits,
            work: Handle::NULL,
            side: Handle::NULL,
            captures: Mutex::new(()),
            workspace: 0,
            device,
            primary,
            allocation: 0,
            base: 0,
            arena: Mutex::new(Arena::new(0)),
            capturing: AtomicBool::new(false),
            held: Mutex::new(None),
            marks: Mutex::new(None),
            last: Mutex::new(None),
            lost: Mutex::new(None),
        };
        // What fails from here on drops the context, which undoes what was done.
        context.work = context.create_stream()?;
        context.side = context.create_stream()?;
        context.reserve(bytes)?;
        Ok(Arc::new(context))
    }

    fn create_stream(&self) -> Result<Handle, CudaError> {
        let mut stream = Handle::NULL;
        // SAFETY: writes one handle.
        let result = unsafe { (self.enter()?.stream_create)(&raw mut stream, STREAM_NON_BLOCKING) };
        self.check("cuStreamCreate", result).map(|()| stream)
    }

    /// Where this thread's work goes: into the graph that it captures, or behind all work so far.
    pub fn stream(&self) -> Handle {
        if self.is_capturing() { self.side } else { self.work }
    }

    fn reserve(&mut self, bytes: usize) -> Result<(), CudaError> {
        let (free, total) = self.memory()?;
        let all = bytes == ALL_FREE;
        let bytes = if all { free.saturating_sub(LEFT_FREE) / ALIGNMENT * ALIGNMENT } else { bytes };
        if all && bytes == 0 {
            // With no memory at all, the first buffer would fail, which knows nothing of who holds the rest.
            return Err(CudaError::Reserve { ordinal: self.properties.ordinal, asked: LEFT_FREE, free, total });
        }
        self.arena = Mutex::new(Arena::new(bytes));
        let (mut allocation, asked) = (0, bytes.saturating_add(WORKSPACE_BYTES + ALIGNMENT));
        // SAFETY: writes one address.
        let result = unsafe { (self.enter()?.memory_alloc)(&raw mut allocation, asked) };
        if result == OUT_OF_MEMORY {
            return Err(CudaError::Reserve { ordinal: self.properties.ordinal, asked, free, total });
        }
        self.check("cuMemAlloc", result)?;
        self.allocation = allocation;
        self.workspace = allocation.next_multiple_of(ALIGNMENT as u64);
        self.base = self.workspace + WORKSPACE_BYTES as u64;
        Ok(())
    }

    /// The driver's functions, for calls in this context: which one is current is a thread's own matter.
    pub fn enter(&self) -> Result<&Functions, CudaError> {
        let driver = &self.libraries.driver.functions;
        // SAFETY: the context is retained as long as `self`.
        self.check("cuCtxSetCurrent", unsafe { (driver.context_set)(self.primary) })?;
        Ok(driver)
    }

    /// An error if a call's result is one; what a kernel did wrong is said of the kernel, and said again of all that is
    /// called after it: the driver repeats the number, not what it was about.
    pub fn check(&self, function: &'static str, result: i32) -> Result<(), CudaError> {
        let driver = &self.libraries.driver.functions;
        if result == 0 || !KERNEL_FAILURES.contains(&result) {
            return driver.check(function, result);
        }
        let mut lost = locked(&self.lost);
        if let Some((name, code)) = &*lost {
            return Err(CudaError::Kernel { name: name.clone(), code: code.clone() });
        }
        let Some(name) = locked(&self.last).as_ref().map(ToString::to_string) else {
            return driver.check(function, result);
        };
        let code = driver.told(result);
        if LOST.contains(&result) {
            *lost = Some((name.clone(), code.clone()));
        }
        Err(CudaError::Kernel { name, code })
    }

    /// The failure of another library's call, or that of an earlier kernel, of which such a library knows a number at most.
    pub fn blame(&self, error: CudaError) -> CudaError {
        match self.synchronize() {
            Err(earlier @ CudaError::Kernel { .. }) => earlier,
            _ => error,
        }
    }

    /// Remembers what was launched, and waits for it if that is the habit.
    pub fn launched(&self, name: &Arc<str>) -> Result<(), CudaError> {
        *locked(&self.last) = Some(Arc::clone(name));
        if let Some(marks) = &mut *locked(&self.marks) {
            marks.push((Arc::clone(name), self.mark()?));
        }
        if self.habits.synchronous && !self.is_capturing() { self.synchronize() } else { Ok(()) }
    }

    /// An event behind all work so far, which the caller destroys.
    pub fn mark(&self) -> Result<Handle, CudaError> {
        let (driver, mut event) = (self.enter()?, Handle::NULL);
        // SAFETY: writes one handle.
        self.check("cuEventCreate", unsafe { (driver.event_create)(&raw mut event, 0) })?;
        // SAFETY: made above; the stream lives as long as `self`.
        self.check("cuEventRecord", unsafe { (driver.event_record)(event, self.stream()) }).map(|()| event)
    }

    /// From here on, every launch leaves a mark, if `on`; the marks so far are the caller's.
    pub fn set_marks(&self, on: bool) -> Vec<Mark> {
        std::mem::replace(&mut *locked(&self.marks), on.then(Vec::new)).unwrap_or_default()
    }

    /// Waits until all work so far is done.
    pub fn synchronize(&self) -> Result<(), CudaError> {
        // SAFETY: the stream lives as long as `self`.
        self.check("cuStreamSynchronize", unsafe { (self.enter()?.stream_synchronize)(self.stream()) })
    }

    /// Bytes that nobody has, and bytes in all.
    pub fn memory(&self) -> Result<(usize, usize), CudaError> {
        let (mut free, mut total) = (0, 0);
        // SAFETY: writes two numbers.
        self.check("cuMemGetInfo", unsafe { (self.enter()?.memory_info)(&raw mut free, &raw mut total) })?;
        Ok((free, total))
    }

    /// A place of so many bytes, with whatever is in it.
    pub fn take(&self, bytes: usize) -> Result<Place, CudaError> {
        let place = match &mut *locked(&self.held) {
            Some(held) if held.is_ours() => {
                let place = held.free.take(bytes).map_or_else(|| self.take_free(bytes), Ok)?;
                held.made.insert(place.offset);
                place
            }
            _ => self.take_free(bytes)?,
        };
        if self.habits.poison {
            self.fill(self.address(&place), 0xff, place.bytes)?;
        }
        Ok(place)
    }

    fn take_free(&self, bytes: usize) -> Result<Place, CudaError> {
        locked(&self.arena).take(bytes).map_err(|full| {
            let Full { asked, used, free, largest } = full;
            CudaError::OutOfMemory { asked, used, free, largest }
        })
    }

    /// The place may be had again at once: work is done in order, on one stream; what is captured has memory of its own.
    pub fn give_back(&self, place: Place) {
        match &mut *locked(&self.held) {
            Some(held) if held.is_ours() => {
                held.made.remove(&place.offset);
                held.free.give_back(place);
            }
            _ => locked(&self.arena).give_back(place),
        }
    }

    /// From here on, what this thread gives back is held, and what it wants is taken from `free` first.
    pub fn hold(&self, free: FreeParts) {
        *locked(&self.held) = Some(Held { thread: thread::current().id(), free, made: BTreeSet::new() });
        self.capturing.store(true, Ordering::Release);
    }

    /// What was held, if anything was; whoever has it gives it back.
    pub fn held(&self) -> Option<Held> {
        self.capturing.store(false, Ordering::Release);
        locked(&self.held).take()
    }

    /// Whether this thread's work is being captured instead of done.
    pub fn is_capturing(&self) -> bool {
        self.capturing.load(Ordering::Acquire) && locked(&self.held).as_ref().is_some_and(Held::is_ours)
    }

    /// An error, the driver's own, if work is being captured: for what a graph cannot do again.
    pub fn refuse_in_capture(&self) -> Result<(), CudaError> {
        if self.is_capturing() { self.synchronize() } else { Ok(()) }
    }

    /// Memory of the processor that the device reads and writes by itself.
    pub fn pinned(&self, bytes: usize) -> Result<*mut c_void, CudaError> {
        let mut memory = std::ptr::null_mut();
        // SAFETY: writes one address.
        let result = unsafe { (self.enter()?.pinned_alloc)(&raw mut memory, bytes) };
        self.check("cuMemAllocHost", result).map(|()| memory)
    }

    /// Gives such memory back, which no copy is on its way from or to.
    pub fn free_pinned(&self, memory: *mut c_void) {
        if let Ok(driver) = self.enter() {
            // SAFETY: callers made it, and free it once.
            unsafe { (driver.pinned_free)(memory) };
        }
    }

    /// The arena's figures.
    pub fn arena<R>(&self, read: impl FnOnce(&mut Arena) -> R) -> R {
        read(&mut locked(&self.arena))
    }

    /// Where a place is.
    pub fn address(&self, place: &Place) -> u64 {
        self.base + place.offset as u64
    }

    /// Fills memory with a byte.
    pub fn fill(&self, address: u64, byte: u8, bytes: usize) -> Result<(), CudaError> {
        if bytes == 0 {
            return Ok(());
        }
        // SAFETY: callers pass memory of a buffer or a place that is theirs to write.
        self.check("cuMemsetD8Async", unsafe { (self.enter()?.fill)(address, byte, bytes, self.stream()) })
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        let driver = &self.libraries.driver.functions;
        // SAFETY: nothing holds the context any more, so nothing uses what is freed here; each is freed once, and only
        // if it was made. Failures leave nothing to do: after a failed kernel every call fails.
        unsafe {
            (driver.context_set)(self.primary);
            for stream in [self.side, self.work].into_iter().filter(|stream| *stream != Handle::NULL) {
                (driver.stream_synchronize)(stream);
                (driver.stream_destroy)(stream);
            }
            if self.allocation != 0 {
                (driver.memory_free)(self.allocation);
            }
            (driver.context_release)(self.device);
        }
    }
}
