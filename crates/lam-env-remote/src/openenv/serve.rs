//! One connection: takes the client's messages, has its instance answer them, keeps the connection alive meanwhile,
//! and ends it when nothing is heard, too much is said, or the server stops. Runs beside other connections and computes
//! nothing: that is the worker's.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;

use axum::extract::ws::{CloseCode, close_code};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::messages::{Code, Refusal};
use super::shared::Shared;
use super::worker::{Reply, Worker};
use crate::link::{LinkError, ServerLink};
use crate::sockets::Stop;

/// Messages that may wait while one is answered; fewer where they come to as many bytes as one message may have.
const MOST_WAITING: usize = 16;

/// Why a conversation ends.
enum End {
    /// The client said goodbye, or is gone.
    Left,
    /// We end it, with an error and OpenEnv's code for it.
    Refused(Refusal, CloseCode),
}

impl End {
    fn stopped() -> Self {
        Self::Refused(Refusal::new(Code::SessionError, "the server stops"), close_code::AWAY)
    }
}

impl From<LinkError> for End {
    fn from(error: LinkError) -> Self {
        let code = match error {
            LinkError::TooLarge(_) => close_code::SIZE,
            LinkError::Binary => close_code::UNSUPPORTED,
            _ => return End::Left,
        };
        End::Refused(Refusal::new(Code::SessionError, error), code)
    }
}

/// Serves a session to its end.
pub async fn serve(shared: Arc<Shared>, link: ServerLink, stop: Stop) {
    let Some(seat) = shared.take_seat() else {
        let most = shared.settings.max_sessions;
        let refusal = Refusal::new(Code::CapacityReached, format!("all {most} sessions are taken"));
        let more = json!({"active_sessions": most, "max_sessions": most});
        return part(link, &refusal, close_code::AGAIN, &more).await;
    };
    let worker = Worker::start(Arc::clone(&shared.app), shared.settings.max_steps, seat);
    let mut conversation = Conversation { shared: &shared, link, worker, stop, waiting: VecDeque::new() };
    let end = conversation.hold().await;
    let Conversation { link, worker, .. } = conversation;
    drop(worker);
    match end {
        End::Left => link.close(None, close_code::NORMAL, "").await,
        End::Refused(refusal, code) => part(link, &refusal, code, &Value::Null).await,
    }
}

/// Says why, and ends the connection.
async fn part(link: ServerLink, refusal: &Refusal, code: CloseCode, more: &Value) {
    let told = refusal.to_message(more).to_string();
    // Many clients show only why the connection was closed.
    link.close(Some(told), code, &format!("{}: {}", refusal.code.as_str(), refusal.message)).await;
}

struct Conversation<'a> {
    shared: &'a Shared,
    link: ServerLink,
    worker: Worker,
    stop: Stop,
    /// What came while something else was answered.
    waiting: VecDeque<String>,
}

impl Conversation<'_> {
    /// Talks until it ends, and says why it did.
    async fn hold(&mut self) -> End {
        loop {
            // The first reply is to no message: the instance has started.
            if let Err(end) = self.answer().await {
                return end;
            }
            match self.message().await {
                Ok(text) => self.worker.give(text),
                Err(end) => return end,
            }
        }
    }

    /// Sends what comes of the last message.
    async fn answer(&mut self) -> Result<(), End> {
        match self.reply().await? {
            Reply::Ready => Ok(()),
            // Who reads nothing does not keep its instance beyond the server's end.
            Reply::Message(text) => tokio::select! {
                biased;
                sent = self.link.send(text) => Ok(sent?),
                () = self.stop.is_told() => Err(End::stopped()),
            },
            Reply::Goodbye => Err(End::Left),
            Reply::Failed(refusal) => Err(End::Refused(refusal, close_code::ERROR)),
        }
    }

    /// The client's next message.
    async fn message(&mut self) -> Result<String, End> {
        if let Some(text) = self.waiting.pop_front() {
            return Ok(text);
        }
        let idle = self.shared.settings.idle_timeout;
        tokio::select! {
            biased;
            () = self.stop.is_told() => Err(End::stopped()),
            text = self.link.receive() => Ok(text?),
            () = sleep(idle) => {
                let refusal = Refusal::new(Code::SessionError, format!("idle for {} s", idle.as_secs_f32()));
                Err(End::Refused(refusal, close_code::AWAY))
            }
        }
    }

    /// The instance's reply; the socket is listened to meanwhile, so that pings are answered and a client that has gone
    /// away is noticed.
    async fn reply(&mut self) -> Result<Reply, End> {
        let (longest, most_bytes) = (self.shared.settings.call_timeout, self.shared.settings.max_message_bytes);
        let mut late = pin!(sleep(longest));
        loop {
            tokio::select! {
                biased;
                reply = self.worker.reply() => return Ok(reply),
                () = self.stop.is_told() => return Err(End::stopped()),
                () = &mut late => {
                    let message = format!("the environment gave no answer within {} s", longest.as_secs_f32());
                    return Err(End::Refused(Refusal::new(Code::ExecutionError, message), close_code::ERROR));
                }
                text = self.link.receive(), if may_wait(&self.waiting, most_bytes) => self.waiting.push_back(text?),
            }
        }
    }
}

/// Whether another message may wait.
fn may_wait(waiting: &VecDeque<String>, most_bytes: usize) -> bool {
    waiting.len() < MOST_WAITING && waiting.iter().map(String::len).sum::<usize>() < most_bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_messages_wait_and_fewer_that_are_large() {
        let waiting = |messages: usize, bytes: usize| VecDeque::from(vec!["x".repeat(bytes); messages]);
        assert!(may_wait(&waiting(15, 1), 100) && !may_wait(&waiting(16, 1), 100));
        assert!(may_wait(&waiting(1, 99), 100) && !may_wait(&waiting(2, 50), 100));
    }
}
