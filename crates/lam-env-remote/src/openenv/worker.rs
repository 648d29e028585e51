//! The thread of one session's instance: called through a channel, so that the caller can keep the connection alive
//! while it waits, and can give up. A panic in an application is an answer like any other. Knows no socket.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use lam_env::Application;
use serde_json::Value;

use super::messages::{Call, Code, Refusal};
use super::session::Session;

/// An answer to a call, or to the start: `null` once the instance is there.
pub type Reply = Result<Value, Refusal>;

/// The thread, as its caller sees it. It ends with the call it is in once it is dropped.
pub struct Worker {
    calls: Sender<Call>,
    replies: Receiver<Reply>,
}

impl Worker {
    /// Starts an instance; the first reply says whether it did. `seat` is kept as long as the instance lives.
    pub fn start(app: Arc<dyn Application>, max_steps: u32, seat: impl Send + 'static) -> Self {
        let (calls, received) = channel();
        let (sender, replies) = channel();
        std::thread::spawn(move || {
            let _seat = seat;
            work(app, max_steps, &received, &sender);
        });
        Self { calls, replies }
    }

    /// Asks; the answer comes out of [`Worker::reply`].
    pub fn call(&self, call: Call) {
        // A thread that is gone gives no reply, and says so there.
        let _ = self.calls.send(call);
    }

    /// The next reply, if it comes in time.
    pub fn reply(&self, wait: Duration) -> Option<Reply> {
        match self.replies.recv_timeout(wait) {
            Ok(reply) => Some(reply),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Err(Refusal::new(Code::SessionError, "the session is over"))),
        }
    }
}

fn work(app: Arc<dyn Application>, max_steps: u32, calls: &Receiver<Call>, replies: &Sender<Reply>) {
    let open = || Session::open(app, max_steps).map_err(|error| Refusal::new(Code::FactoryError, error));
    let opened = catch_unwind(AssertUnwindSafe(open));
    let mut session = match opened.unwrap_or_else(|panic| Err(panicked(Code::FactoryError, panic.as_ref()))) {
        Ok(session) => session,
        Err(refusal) => {
            let _ = replies.send(Err(refusal));
            return;
        }
    };
    let mut told = replies.send(Ok(Value::Null));
    while told.is_ok() {
        let Ok(call) = calls.recv() else { return };
        let answered = catch_unwind(AssertUnwindSafe(|| session.answer(call)));
        told = replies.send(answered.unwrap_or_else(|panic| {
            session.lose_instance();
            Err(panicked(Code::ExecutionError, panic.as_ref()))
        }));
    }
}

fn panicked(code: Code, panic: &(dyn Any + Send)) -> Refusal {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    Refusal::new(code, format!("the environment panicked: {}", text.unwrap_or("no message")))
}
