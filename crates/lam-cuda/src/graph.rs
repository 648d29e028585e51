//! Work that was captured, to be done again with one call.

use std::sync::Arc;

use crate::arena::Place;
use crate::context::Context;
use crate::error::CudaError;
use crate::library::driver::CAPTURE_RELAXED;
use crate::library::table::Handle;

/// Captured work, with what its maker keeps for it.
pub struct Graph<K> {
    context: Arc<Context>,
    executable: Handle,
    /// Memory that was made and given back while it was captured: the work goes on using it.
    places: Vec<Place>,
    /// What the capturing function returned: the buffers that the work reads and writes, most of all.
    pub kept: K,
}

impl<K> Graph<K> {
    /// Captures what `work` launches, instead of doing it.
    pub(crate) fn capture<E: From<CudaError>>(
        context: &Arc<Context>,
        work: impl FnOnce() -> Result<K, E>,
    ) -> Result<Self, E> {
        let capture = Capture::begin(context)?;
        let kept = work()?;
        let (executable, places) = capture.end()?;
        Ok(Graph { context: Arc::clone(context), executable, places, kept })
    }

    /// Does the work again, behind all work so far.
    ///
    /// # Safety
    ///
    /// Memory that was passed to the work and that the graph does not keep is still there.
    pub unsafe fn replay(&self) -> Result<(), CudaError> {
        let context = &self.context;
        // SAFETY: the executable lives as long as `self`; its memory is held, kept, or the caller's promise.
        context.check("cuGraphLaunch", unsafe { (context.enter()?.graph_launch)(self.executable, context.stream) })
    }
}

/// A stream that captures. Dropped before its end (the work failed, or panicked), it does its work again.
struct Capture<'a> {
    context: &'a Context,
    /// What the driver made of it, once it has ended: a description that is not yet ready to run.
    captured: Option<Handle>,
}

impl<'a> Capture<'a> {
    fn begin(context: &'a Context) -> Result<Self, CudaError> {
        context.synchronize()?;
        // SAFETY: the stream lives as long as the context.
        let begun = unsafe { (context.enter()?.capture_begin)(context.stream, CAPTURE_RELAXED) };
        context.check("cuStreamBeginCapture", begun)?;
        context.hold();
        Ok(Self { context, captured: None })
    }

    /// What runs the work, and the memory that is its own.
    fn end(mut self) -> Result<(Handle, Vec<Place>), CudaError> {
        let (driver, mut executable) = (self.context.enter()?, Handle::NULL);
        let captured = self.stop()?;
        // SAFETY: writes one handle; the executable does not need the description any more.
        let made = unsafe { (driver.graph_instantiate)(&raw mut executable, captured, 0) };
        self.context.check("cuGraphInstantiate", made)?;
        Ok((executable, self.context.held()))
    }

    fn stop(&mut self) -> Result<Handle, CudaError> {
        let mut captured = Handle::NULL;
        // SAFETY: writes one handle; a capture was begun on this stream.
        let ended = unsafe { (self.context.enter()?.capture_end)(self.context.stream, &raw mut captured) };
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
        self.context.held().into_iter().for_each(|place| self.context.give_back(place));
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
        self.places.drain(..).for_each(|place| self.context.give_back(place));
    }
}
