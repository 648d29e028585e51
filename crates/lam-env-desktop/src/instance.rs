//! One running desktop behind a thread of its own: whoever asks waits, but never longer than a limit. The desktop's
//! processes belong to that thread, so they end with it.

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::application::ApplicationFile;
use crate::desktop::Folder;
use crate::fault::Fault;
use crate::session::Session;

/// How long a desktop's thread may take to notice that its processes were killed.
const FAREWELL: Duration = Duration::from_secs(30);

/// What the thread is to do with its session.
type Work = Box<dyn FnOnce(&mut Session) + Send>;

/// A desktop that starts in the background.
pub struct Instance {
    work: Option<mpsc::Sender<Work>>,
    failure: mpsc::Receiver<Fault>,
    thread: Option<JoinHandle<()>>,
    folder: Arc<Folder>,
}

/// An answer that is still to come.
pub struct Pending<T>(mpsc::Receiver<Result<T, Fault>>);

impl Instance {
    /// Begins to start a desktop for `file`; returns at once.
    pub fn start(file: Arc<ApplicationFile>) -> Result<Self, Fault> {
        let folder = Arc::new(Folder::create()?);
        let (work, todo) = mpsc::channel::<Work>();
        let (fail, failure) = mpsc::channel();
        let place = folder.clone();
        let run = move || match Session::start(file, place) {
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
        Ok(Self { work: Some(work), failure, thread: Some(thread), folder })
    }

    /// Lets the desktop do `work`; returns at once.
    pub fn begin<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Session) -> Result<T, Fault> + Send + 'static,
    ) -> Result<Pending<T>, Fault> {
        let (answer, answered) = mpsc::channel();
        let work: Work = Box::new(move |session| {
            let _ = answer.send(work(session));
        });
        let sender = self.work.as_ref().ok_or_else(|| self.failure())?;
        sender.send(work).map_err(|_| self.failure())?;
        Ok(Pending(answered))
    }

    /// Waits for an answer, `limit` at most. A desktop that is late is ended: it would be late again.
    pub fn wait<T>(&self, pending: &Pending<T>, limit: Duration) -> Result<T, Fault> {
        match pending.0.recv_timeout(limit) {
            Ok(result) => result,
            Err(RecvTimeoutError::Timeout) => {
                self.folder.kill_all();
                Err(Fault::lost(format!("the desktop did not answer within {} s", limit.as_secs())))
            }
            Err(RecvTimeoutError::Disconnected) => Err(self.failure()),
        }
    }

    /// Lets the desktop do `work` and waits for the answer, `limit` at most.
    pub fn ask<T: Send + 'static>(
        &self,
        limit: Duration,
        work: impl FnOnce(&mut Session) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        self.wait(&self.begin(work)?, limit)
    }

    /// Why the thread is gone.
    fn failure(&self) -> Fault {
        self.failure.try_recv().unwrap_or_else(|_| Fault::lost("the desktop is gone"))
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        drop(self.work.take());
        // From here, so that a thread that waits for one of them goes on to its end.
        self.folder.kill_all();
        let Some(thread) = self.thread.take() else { return };
        let until = Instant::now() + FAREWELL;
        while !thread.is_finished() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(1));
        }
        if thread.is_finished() {
            let _ = thread.join();
        }
    }
}
