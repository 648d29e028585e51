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
        context.synchronize()?;
        let driver = context.enter()?;
        // SAFETY: the stream lives as long as the context.
        let begun = unsafe { (driver.capture_begin)(context.stream, CAPTURE_RELAXED) };
        context.check("cuStreamBeginCapture", begun)?;
        context.hold();
        let kept = work();
        let places = context.held();
        // Ends the capture whatever became of the work: the stream is of no use before.
        let captured = Captured::end(context);
        let give_back = |places: Vec<Place>| places.into_iter().for_each(|place| context.give_back(place));
        let made = kept.and_then(|kept| Ok((kept, captured?.executable()?)));
        match made {
            Ok((kept, executable)) => Ok(Graph { context: Arc::clone(context), executable, places, kept }),
            Err(error) => {
                give_back(places);
                Err(error)
            }
        }
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

/// What the driver made of a capture: a description that is not yet ready to run.
struct Captured<'a> {
    context: &'a Context,
    handle: Handle,
}

impl<'a> Captured<'a> {
    fn end(context: &'a Context) -> Result<Self, CudaError> {
        let mut handle = Handle::NULL;
        // SAFETY: writes one handle; a capture was begun on this stream.
        let ended = unsafe { (context.enter()?.capture_end)(context.stream, &raw mut handle) };
        context.check("cuStreamEndCapture", ended).map(|()| Self { context, handle })
    }

    fn executable(&self) -> Result<Handle, CudaError> {
        let (driver, mut executable) = (self.context.enter()?, Handle::NULL);
        // SAFETY: writes one handle; the executable does not need the description any more.
        let made = unsafe { (driver.graph_instantiate)(&raw mut executable, self.handle, 0) };
        self.context.check("cuGraphInstantiate", made).map(|()| executable)
    }
}

impl Drop for Captured<'_> {
    fn drop(&mut self) {
        if let Ok(driver) = self.context.enter() {
            // SAFETY: made once, destroyed once.
            unsafe { (driver.graph_destroy)(self.handle) };
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
