//! Work that was captured, to be done again with one call.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::arena::FreeParts;
use crate::context::{Context, Held, locked};
use crate::error::CudaError;
use crate::library::driver::CAPTURE_RELAXED;
use crate::library::table::Handle;

/// Captured work, with what its maker keeps for it.
pub struct Graph<K> {
    context: Arc<Context>,
    executable: Handle,
    /// Memory that was made and given back while it was captured: the work goes on using it.
    #[expect(dead_code, reason = "it is held, not looked at")]
    memory: Scratch,
    /// What the capturing function returned: the buffers that the work reads and writes, most of all.
    pub kept: K,
}

impl<K> Graph<K> {
    /// Captures what `work` launches, instead of doing it.
    pub(crate) fn capture<E: From<CudaError>>(
        context: &Arc<Context>,
        work: impl FnOnce() -> Result<K, E>,
    ) -> Result<Self, E> {
        let memory = Scratch::new(context);
        let capture = Capture::begin(context, &memory)?;
        let kept = work()?;
        let (executable, _) = capture.end()?;
        Ok(Graph { context: Arc::clone(context), executable, memory, kept })
    }

    /// The same in memory that other graphs use too.
    pub(crate) fn capture_in<E: From<CudaError>>(
        memory: &Scratch,
        work: impl FnOnce() -> Result<K, E>,
    ) -> Result<Self, E> {
        let (context, memory) = (&memory.0.context, memory.clone());
        let capture = Capture::begin(context, &memory)?;
        let kept = work()?;
        let (executable, left) = capture.end()?;
        let graph = Graph { context: Arc::clone(context), executable, memory, kept };
        assert_eq!(left, 0, "buffers that captured work leaves, in memory that it shares with other graphs");
        Ok(graph)
    }

    /// Does the work again, behind all work so far.
    ///
    /// # Safety
    ///
    /// Memory that was passed to the work and that the graph does not keep is still there.
    pub unsafe fn replay(&self) -> Result<(), CudaError> {
        let context = &self.context;
        // SAFETY: the executable lives as long as `self`; its memory is held, kept, or the caller's promise.
        context.check("cuGraphLaunch", unsafe { (context.enter()?.graph_launch)(self.executable, context.stream()) })
    }
}

/// Memory between the launches of captured work. Several graphs of one device may have the same: they are replayed one
/// after the other, and none finds there what it left. Clones share it; it goes back with the last of them and of the
/// graphs.
#[derive(Clone)]
pub struct Scratch(Arc<Shared>);

struct Shared {
    context: Arc<Context>,
    free: Mutex<FreeParts>,
}

impl Scratch {
    /// None so far: it is taken as work that is captured wants it.
    pub(crate) fn new(context: &Arc<Context>) -> Self {
        Self(Arc::new(Shared { context: Arc::clone(context), free: Mutex::default() }))
    }
}

impl fmt::Debug for Scratch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scratch({:?})", locked(&self.0.free))
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        std::mem::take(&mut *locked(&self.free)).into_places().for_each(|place| self.context.give_back(place));
    }
}

/// A stream that captures. Dropped before its end (the work failed, or panicked), it does its work again.
struct Capture<'a> {
    context: &'a Context,
    memory: &'a Scratch,
    /// One thread at a time.
    _turn: MutexGuard<'a, ()>,
    /// What the driver made of it, once it has ended: a description that is not yet ready to run.
    captured: Option<Handle>,
}

impl<'a> Capture<'a> {
    fn begin(context: &'a Context, memory: &'a Scratch) -> Result<Self, CudaError> {
        assert!(!context.is_capturing(), "a capture within a capture");
        let turn = locked(&context.captures);
        context.hold(std::mem::take(&mut *locked(&memory.0.free)));
        let capture = Self { context, memory, _turn: turn, captured: None };
        // SAFETY: the stream lives as long as the context.
        let begun = unsafe { (context.enter()?.capture_begin)(context.stream(), CAPTURE_RELAXED) };
        context.check("cuStreamBeginCapture", begun).map(|()| capture)
    }

    /// What runs the work, and how many places it made and did not give back.
    fn end(mut self) -> Result<(Handle, usize), CudaError> {
        let (driver, mut executable) = (self.context.enter()?, Handle::NULL);
        let captured = self.stop()?;
        // SAFETY: writes one handle; the executable does not need the description any more.
        let made = unsafe { (driver.graph_instantiate)(&raw mut executable, captured, 0) };
        self.context.check("cuGraphInstantiate", made)?;
        Ok((executable, self.release()))
    }

    /// From here on memory is the arena's again; what the work gave back stays for its replays.
    fn release(&self) -> usize {
        let Some(Held { free, made, .. }) = self.context.held() else { return 0 };
        let mut own = locked(&self.memory.0.free);
        free.into_places().for_each(|place| own.give_back(place));
        made.len()
    }

    fn stop(&mut self) -> Result<Handle, CudaError> {
        let mut captured = Handle::NULL;
        // SAFETY: writes one handle; a capture was begun on this stream.
        let ended = unsafe { (self.context.enter()?.capture_end)(self.context.stream(), &raw mut captured) };
        // Whatever came of it, it has ended.
        self.captured = Some(captured);
        self.context.check("cuStreamEndCapture", ended).map(|()| captured)
    }
}

impl Drop for Capture<'_> {
    fn drop(&mut self) {
        if self.captured.is_none() {
            // The work has failed, and its failure is told.
            let _ = self.stop();
        }
        // Of a capture that has come to its end, nothing is held any more.
        self.release();
        if let (Some(captured), Ok(driver)) =
            (self.captured.filter(|handle| *handle != Handle::NULL), self.context.enter())
        {
            // SAFETY: made once, destroyed once.
            unsafe { (driver.graph_destroy)(captured) };
        }
    }
}

impl<K> Drop for Graph<K> {
    fn drop(&mut self) {
        if let Ok(driver) = self.context.enter() {
            // SAFETY: made once, destroyed once; the driver keeps it until its launches are done.
            unsafe { (driver.executable_destroy)(self.executable) };
        }
    }
}
