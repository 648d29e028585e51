//! One running desktop behind a thread of its own: whoever asks waits, but never longer than a limit. The desktop's
//! processes belong to that thread, so they end with it.

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::application::ApplicationFile;
use crate::fault::Fault;
use crate::session::Session;

/// What the thread is to do with its session.
type Work = Box<dyn FnOnce(&mut Session) + Send>;

/// A desktop that starts in the background.
pub struct Instance {
    work: Option<mpsc::Sender<Work>>,
    failure: mpsc::Receiver<Fault>,
    thread: Option<JoinHandle<()>>,
}

impl Instance {
    /// Begins to start a desktop for `file`; returns at once.
    pub fn start(file: Arc<ApplicationFile>) -> Result<Self, Fault> {
        let (work, todo) = mpsc::channel::<Work>();
        let (fail, failure) = mpsc::channel();
        let run = move || match Session::start(file) {
            Ok(mut session) => {
                while let Ok(work) = todo.recv() {
                    work(&mut session);
                }
            }
            Err(fault) => {
                let _ = fail.send(fault);
            }
        };
        let thread = std::thread::Builder::new().name("desktop".into()).spawn(run);
        let thread = thread.map_err(|error| Fault::lost(format!("no thread for a desktop: {error}")))?;
        Ok(Self { work: Some(work), failure, thread: Some(thread) })
    }

    /// Lets the desktop do `work` and waits for the answer, `limit` at most.
    pub fn ask<T: Send + 'static>(
        &self,
        limit: Duration,
        work: impl FnOnce(&mut Session) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let (answer, answered) = mpsc::channel();
        let work: Work = Box::new(move |session| {
            let _ = answer.send(work(session));
        });
        let gone = || self.failure.try_recv().unwrap_or_else(|_| Fault::lost("the desktop is gone"));
        let sender = self.work.as_ref().ok_or_else(gone)?;
        sender.send(work).map_err(|_| gone())?;
        match answered.recv_timeout(limit) {
            Ok(result) => result,
            Err(RecvTimeoutError::Timeout) => {
                Err(Fault::lost(format!("the desktop did not answer within {} s", limit.as_secs())))
            }
            Err(RecvTimeoutError::Disconnected) => Err(gone()),
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        drop(self.work.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
