//! Marks in the stream, and the time between two of them.

use std::collections::HashMap;
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
        Ok(Self { context: Arc::clone(context), handle: context.mark()? })
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
pub(crate) fn median<E: From<CudaError>>(
    context: &Arc<Context>,
    repetitions: usize,
    mut run: impl FnMut() -> Result<(), E>,
) -> Result<f32, E> {
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

/// What the launches of one name took.
#[derive(Clone, Debug, PartialEq)]
pub struct Share {
    /// The kernel's name, or the product with its shape.
    pub name: String,
    /// How often it was launched.
    pub launches: usize,
    /// What that took in all.
    pub milliseconds: f32,
}

/// The time by name of what `work` launches, the largest share first.
pub(crate) fn shares<E: From<CudaError>>(
    context: &Arc<Context>,
    work: impl FnOnce() -> Result<(), E>,
) -> Result<Vec<Share>, E> {
    context.synchronize()?;
    let begin = Event::now(context)?;
    context.set_marks(true);
    let done = work();
    let own = |(name, handle)| (name, Event { context: Arc::clone(context), handle });
    let marks: Vec<(Arc<str>, Event)> = context.set_marks(false).into_iter().map(own).collect();
    done?;
    context.synchronize()?;
    let mut shares: HashMap<&str, Share> = HashMap::new();
    let mut before = &begin;
    for (name, event) in &marks {
        let none = || Share { name: name.to_string(), launches: 0, milliseconds: 0.0 };
        let share = shares.entry(name).or_insert_with(none);
        share.launches += 1;
        share.milliseconds += before.until(event)?;
        before = event;
    }
    let mut shares: Vec<_> = shares.into_values().collect();
    shares.sort_by(|one, other| other.milliseconds.total_cmp(&one.milliseconds));
    Ok(shares)
}
