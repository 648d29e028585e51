//! Marks in the stream, and the time between two of them.

use std::sync::Arc;

use crate::context::Context;
use crate::error::CudaError;
use crate::library::table::Handle;

/// A mark in the stream.
pub(crate) struct Event {
    context: Arc<Context>,
    handle: Handle,
}

impl Event {
    /// Behind all work so far.
    pub fn now(context: &Arc<Context>) -> Result<Self, CudaError> {
        let (driver, mut handle) = (context.enter()?, Handle::NULL);
        // SAFETY: writes one handle.
        context.check("cuEventCreate", unsafe { (driver.event_create)(&raw mut handle, 0) })?;
        let event = Self { context: Arc::clone(context), handle };
        // SAFETY: both live as long as the context.
        context.check("cuEventRecord", unsafe { (driver.event_record)(handle, context.stream) })?;
        Ok(event)
    }

    /// Waits until the work before it is done.
    pub fn wait(&self) -> Result<(), CudaError> {
        let driver = self.context.enter()?;
        // SAFETY: made above, destroyed by `drop` alone.
        self.context.check("cuEventSynchronize", unsafe { (driver.event_synchronize)(self.handle) })
    }

    /// Milliseconds from the one to the other; both must have passed.
    pub fn until(&self, later: &Self) -> Result<f32, CudaError> {
        let (driver, mut time) = (self.context.enter()?, 0.0);
        // SAFETY: writes one number; both events live.
        let result = unsafe { (driver.event_elapsed)(&raw mut time, self.handle, later.handle) };
        self.context.check("cuEventElapsedTime", result).map(|()| time)
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        if let Ok(driver) = self.context.enter() {
            // SAFETY: made once, destroyed once.
            unsafe { (driver.event_destroy)(self.handle) };
        }
    }
}

/// The median time of one run in milliseconds, after one that warms up.
pub(crate) fn median(
    context: &Arc<Context>,
    repetitions: usize,
    mut run: impl FnMut() -> Result<(), CudaError>,
) -> Result<f32, CudaError> {
    run()?;
    context.synchronize()?;
    let mut marks = vec![Event::now(context)?];
    for _ in 0..repetitions.max(1) {
        run()?;
        marks.push(Event::now(context)?);
    }
    context.synchronize()?;
    let mut times = marks.windows(2).map(|pair| pair[0].until(&pair[1])).collect::<Result<Vec<_>, _>>()?;
    times.sort_by(f32::total_cmp);
    Ok(times[times.len() / 2])
}
