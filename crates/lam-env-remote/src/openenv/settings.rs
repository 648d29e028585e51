//! How a server is asked: with which token, how long, how often. Knows no server.

use std::thread::sleep;
use std::time::Duration;

use lam_signal::Secret;

/// How a server is asked.
#[derive(Clone, Debug)]
pub struct ClientSettings {
    /// The token that the server asks for.
    pub token: Option<Secret>,
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
    /// Longest wait for an answer.
    pub call_timeout: Duration,
    /// Longest wait for tasks to be drawn: for some, a page has to be opened each.
    pub draw_timeout: Duration,
    /// Tries to start an episode.
    pub attempts: u32,
    /// Wait before the second try; doubled each time.
    pub backoff: Duration,
    /// Largest answer, in bytes.
    pub max_message_bytes: usize,
}

impl Default for ClientSettings {
    fn default() -> Self {
        Self {
            token: None,
            connect_timeout: Duration::from_secs(10),
            call_timeout: Duration::from_secs(100),
            draw_timeout: Duration::from_secs(1800),
            attempts: 4,
            backoff: Duration::from_millis(250),
            max_message_bytes: 64 << 20,
        }
    }
}

impl ClientSettings {
    /// Tries until it succeeds, fails in a way that `may_pass` does not expect to go better, or has been tried often
    /// enough; waits between two tries.
    ///
    /// # Errors
    /// Those of the last try.
    pub(super) fn retried<T, E>(
        &self,
        mut attempt: impl FnMut() -> Result<T, E>,
        may_pass: impl Fn(&E) -> bool,
    ) -> Result<T, E> {
        let mut wait = self.backoff;
        for _ in 1..self.attempts {
            match attempt() {
                Err(error) if may_pass(&error) => sleep(wait),
                done => return done,
            }
            wait = wait.saturating_mul(2);
        }
        attempt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_pass_is_tried_again_and_no_more_often_than_allowed() {
        let tries = |attempts: u32, may_pass: bool, succeeds_at: u32| {
            let settings = ClientSettings { attempts, backoff: Duration::ZERO, ..ClientSettings::default() };
            let mut count = 0;
            let attempt = || {
                count += 1;
                if count == succeeds_at { Ok(()) } else { Err(count) }
            };
            (settings.retried(attempt, |_| may_pass), count)
        };
        assert_eq!(tries(4, true, 3), (Ok(()), 3));
        assert_eq!(tries(4, true, 9), (Err(4), 4), "the last error is told");
        assert_eq!(tries(4, false, 3), (Err(1), 1));
        assert_eq!(tries(0, true, 9), (Err(1), 1), "there is always one try");
    }
}
