//! A thread that owns a model, and the handle to it: what is asked comes over a bounded channel. Knows no model.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, mpsc};
use std::thread;

use lam_http_server::ServerError;
use lam_signal::Failure;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::ServeError;

/// The handle to a thread, which ends when all its handles are gone and all that was asked is done.
pub struct ModelThread<J> {
    jobs: SyncSender<J>,
    places: Arc<Semaphore>,
    capacity: usize,
    alive: Arc<AtomicBool>,
}

impl<J> Clone for ModelThread<J> {
    fn clone(&self) -> Self {
        let (jobs, places, alive) = (self.jobs.clone(), Arc::clone(&self.places), Arc::clone(&self.alive));
        Self { jobs, places, capacity: self.capacity, alive }
    }
}

impl<J: Send + 'static> ModelThread<J> {
    /// Starts the thread; as many jobs as `capacity` may be done or wait. `work` loads what it needs, tells what the
    /// caller wants to know of it, and does the jobs if somebody still heard that.
    ///
    /// # Errors
    /// What loading says, or a system without threads.
    pub fn open<T: Send + 'static>(
        capacity: usize,
        work: impl FnOnce(&Receiver<J>, &dyn Fn(T) -> bool) -> Result<(), Failure> + Send + 'static,
    ) -> Result<(Self, T), Failure> {
        let (jobs, asked) = sync_channel(capacity);
        let (told, loaded) = mpsc::channel();
        let alive = Arc::new(AtomicBool::new(true));
        let guard = Guard(Arc::clone(&alive));
        let thread = move || {
            let _guard = guard;
            if let Err(failure) = work(&asked, &|what| told.send(Ok(what)).is_ok()) {
                // Nobody waits any more where it cannot be told.
                let _ = told.send(Err(failure));
            }
        };
        thread::Builder::new().name("engine".into()).spawn(thread).map_err(ServerError::Threads)?;
        let loaded = loaded.recv().map_err(|_| ServeError::Lost)??;
        Ok((Self { jobs, places: Arc::new(Semaphore::new(capacity)), capacity, alive }, loaded))
    }

    /// Jobs that may be done or wait at once.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Whether both are handles to one thread.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.places, &other.places)
    }

    /// Whether jobs are done or wait.
    pub fn is_busy(&self) -> bool {
        self.places.available_permits() < self.capacity
    }

    /// Places for `count` jobs, if there are so many; they are free again when this is dropped.
    pub fn reserve(&self, count: usize) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places).try_acquire_many_owned(u32::try_from(count).ok()?).ok()
    }

    /// Hands over a job. `false` where the thread has ended; the channel has room for whatever has a place.
    pub fn submit(&self, job: J) -> bool {
        self.jobs.try_send(job).is_ok()
    }

    /// Whether the thread goes on.
    pub fn is_alive(&self) -> bool {
        self.alive.load(Ordering::Acquire)
    }
}

/// Says that the thread ended, however it did.
struct Guard(Arc<AtomicBool>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}
