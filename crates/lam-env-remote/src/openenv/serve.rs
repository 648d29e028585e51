//! One connection: takes the client's messages, has its instance answer them, keeps the connection alive meanwhile,
//! and ends it when nothing is heard, too much is said, or the server stops.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tungstenite::protocol::frame::coding::CloseCode;

use super::messages::{Code, Incoming, Refusal, incoming};
use super::shared::Shared;
use super::worker::{Reply, Worker};
use crate::link::{Link, LinkError};
use crate::listener::Stop;

/// How often a waiting connection looks at its socket and at whether it shall end.
const LOOK: Duration = Duration::from_millis(100);
/// Messages that may wait while one is answered.
const MOST_WAITING: usize = 16;

/// Why a conversation ends.
enum End {
    /// The client said goodbye, or is gone.
    Left,
    /// We end it, with an error and OpenEnv's code for it.
    Refused(Refusal, CloseCode),
}

impl From<LinkError> for End {
    fn from(error: LinkError) -> Self {
        let code = match error {
            LinkError::TooLarge(_) => CloseCode::Size,
            LinkError::Binary => CloseCode::Unsupported,
            _ => return End::Left,
        };
        End::Refused(Refusal::new(Code::SessionError, error), code)
    }
}

/// Serves a session to its end.
pub fn serve(shared: &Arc<Shared>, link: Link, stop: &Stop) {
    let Some(seat) = shared.take_seat() else {
        let most = shared.settings.max_sessions;
        let refusal = Refusal::new(Code::CapacityReached, format!("all {most} sessions are taken"));
        return part(link, &refusal, CloseCode::Again, &json!({"active_sessions": most, "max_sessions": most}));
    };
    let worker = Worker::start(Arc::clone(&shared.app), shared.settings.max_steps, seat);
    let mut conversation = Conversation { shared, link, worker, stop, waiting: VecDeque::new() };
    let end = conversation.hold();
    let Conversation { link, worker, .. } = conversation;
    drop(worker);
    match end {
        End::Left => link.close(CloseCode::Normal, ""),
        End::Refused(refusal, code) => part(link, &refusal, code, &Value::Null),
    }
}

/// Says why, and ends the connection.
fn part(mut link: Link, refusal: &Refusal, code: CloseCode, more: &Value) {
    link.tell(refusal.to_message(more).to_string());
    // Many clients show only why the connection was closed.
    link.close(code, &format!("{}: {}", refusal.code.as_str(), refusal.message));
}

struct Conversation<'a> {
    shared: &'a Shared,
    link: Link,
    worker: Worker,
    stop: &'a Stop,
    /// What came while something else was answered.
    waiting: VecDeque<String>,
}

impl Conversation<'_> {
    /// Talks until it ends, and says why it did.
    fn hold(&mut self) -> End {
        match self.start() {
            Ok(()) => loop {
                if let Err(end) = self.exchange() {
                    return end;
                }
            },
            Err(end) => end,
        }
    }

    fn start(&mut self) -> Result<(), End> {
        self.reply()?.map(drop).map_err(|refusal| End::Refused(refusal, CloseCode::Error))
    }

    /// One message and its answer.
    fn exchange(&mut self) -> Result<(), End> {
        let text = self.message()?;
        let answer = match incoming(&text) {
            Ok(Incoming::Close) => return Err(End::Left),
            Ok(Incoming::Call(call)) => {
                self.worker.call(call);
                self.reply()?
            }
            Err(refusal) => Err(refusal),
        };
        let message = answer.unwrap_or_else(|refusal| refusal.to_message(&Value::Null));
        Ok(self.link.send(message.to_string())?)
    }

    /// The client's next message.
    fn message(&mut self) -> Result<String, End> {
        if let Some(text) = self.waiting.pop_front() {
            return Ok(text);
        }
        let since = Instant::now();
        loop {
            self.stopped()?;
            if let Some(text) = self.link.poll(LOOK)? {
                return Ok(text);
            }
            let idle = self.shared.settings.idle_timeout;
            if since.elapsed() >= idle {
                let refusal = Refusal::new(Code::SessionError, format!("idle for {} s", idle.as_secs_f32()));
                return Err(End::Refused(refusal, CloseCode::Away));
            }
        }
    }

    /// The instance's reply; the socket is looked at meanwhile, so that pings are answered and a client that has gone
    /// away is noticed.
    fn reply(&mut self) -> Result<Reply, End> {
        let since = Instant::now();
        loop {
            if let Some(reply) = self.worker.reply(LOOK) {
                return Ok(reply);
            }
            self.stopped()?;
            let longest = self.shared.settings.call_timeout;
            if since.elapsed() >= longest {
                let message = format!("the environment gave no answer within {} s", longest.as_secs_f32());
                return Err(End::Refused(Refusal::new(Code::ExecutionError, message), CloseCode::Error));
            }
            if self.waiting.len() < MOST_WAITING {
                self.waiting.extend(self.link.poll(Duration::ZERO)?);
            }
        }
    }

    fn stopped(&self) -> Result<(), End> {
        match self.stop.is_set() {
            true => Err(End::Refused(Refusal::new(Code::SessionError, "the server stops"), CloseCode::Away)),
            false => Ok(()),
        }
    }
}
