//! The thread of one session's instance: given a client's messages through a channel and giving the answers back, so that
//! the task of the connection carries texts and nothing else. A panic in an application is an answer like any other.
//! Knows no socket.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::Builder;

use lam_env::Application;
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::messages::{Code, Incoming, Refusal, incoming};
use super::session::Session;

/// What comes of the start, and of each message after it.
pub enum Reply {
    /// The instance is there.
    Ready,
    /// An answer, as it is sent.
    Message(String),
    /// The client said goodbye.
    Goodbye,
    /// There is no instance, and will be none.
    Failed(Refusal),
}

/// The thread, as its caller sees it. It ends with the message it is at once this is dropped.
pub struct Worker {
    messages: Sender<String>,
    replies: UnboundedReceiver<Reply>,
}

impl Worker {
    /// Starts an instance; the first reply says whether it did. `seat` is kept as long as the instance lives.
    pub fn start(app: Arc<dyn Application>, max_steps: u32, seat: impl Send + 'static) -> Self {
        let (messages, received) = channel();
        let (sender, replies) = unbounded_channel();
        let starter = sender.clone();
        let run = move || {
            let _seat = seat;
            work(app, max_steps, &received, &sender);
        };
        if let Err(error) = Builder::new().name("session".to_owned()).spawn(run) {
            let refusal = Refusal::new(Code::FactoryError, format!("the system gives no thread: {error}"));
            // It is received below, by whoever asks for the first reply.
            let _ = starter.send(Reply::Failed(refusal));
        }
        Self { messages, replies }
    }

    /// Gives a client's message; what comes of it comes out of [`Worker::reply`].
    pub fn give(&self, message: String) {
        // A thread that is gone gives no reply, and says so there.
        let _ = self.messages.send(message);
    }

    /// The next reply. None is lost if the wait is given up.
    pub async fn reply(&mut self) -> Reply {
        let over = || Reply::Failed(Refusal::new(Code::SessionError, "the session is over"));
        self.replies.recv().await.unwrap_or_else(over)
    }
}

fn work(app: Arc<dyn Application>, max_steps: u32, messages: &Receiver<String>, replies: &UnboundedSender<Reply>) {
    let open = || Session::open(app, max_steps).map_err(|error| Refusal::new(Code::FactoryError, error));
    let opened = catch_unwind(AssertUnwindSafe(open));
    let mut session = match opened.unwrap_or_else(|panic| Err(panicked(Code::FactoryError, panic.as_ref()))) {
        Ok(session) => session,
        Err(refusal) => {
            let _ = replies.send(Reply::Failed(refusal));
            return;
        }
    };
    let mut told = replies.send(Reply::Ready);
    while told.is_ok() {
        let Ok(message) = messages.recv() else { return };
        told = replies.send(reply(&mut session, &message));
    }
}

fn reply(session: &mut Session, message: &str) -> Reply {
    let answer = match incoming(message) {
        Ok(Incoming::Close) => return Reply::Goodbye,
        Ok(Incoming::Call(call)) => catch_unwind(AssertUnwindSafe(|| session.answer(call))).unwrap_or_else(|panic| {
            session.lose_instance();
            Err(panicked(Code::ExecutionError, panic.as_ref()))
        }),
        Err(refusal) => Err(refusal),
    };
    Reply::Message(answer.unwrap_or_else(|refusal| refusal.to_message(&Value::Null)).to_string())
}

/// What a client is told of a panic.
pub fn panicked(code: Code, panic: &(dyn Any + Send)) -> Refusal {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    Refusal::new(code, format!("the environment panicked: {}", text.unwrap_or("no message")))
}
