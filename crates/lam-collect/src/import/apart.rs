//! A file is read in a thread of its own: a request to stop is answered at once, whatever a parser is busy with, and
//! what is nested has room on the stack.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread::Builder;
use std::time::Duration;

use lam_signal::Cancel;
use lam_store::StoreError;

use crate::CollectError;

/// How often a request to stop is looked for.
const PATIENCE: Duration = Duration::from_millis(50);
/// Room for elements as deep as they may be.
const STACK: usize = 64 << 20;

/// What `work` gives, unless a stop is requested before.
pub(super) fn apart<T: Send + 'static>(
    cancel: &Cancel,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, CollectError> {
    let (sender, receiver) = channel();
    // Nobody listens any more after a stop.
    let send = move || drop(sender.send(work()));
    let started = Builder::new().name("reader".into()).stack_size(STACK).spawn(send);
    let thread = started.map_err(StoreError::io("start a thread for", std::path::Path::new("reading")))?;
    loop {
        match receiver.recv_timeout(PATIENCE) {
            Ok(found) => return Ok(found),
            Err(RecvTimeoutError::Timeout) if cancel.is_cancelled() => return Err(CollectError::Cancelled),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => match thread.join() {
                Ok(()) => unreachable!("a thread that ends well has sent"),
                Err(panic) => std::panic::resume_unwind(panic),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_request_to_stop_does_not_wait_for_the_work() {
        let cancel = Cancel::default();
        assert_eq!(apart(&cancel, || 7).unwrap(), 7);
        cancel.cancel();
        let started = Instant::now();
        let stopped = apart(&cancel, || std::thread::sleep(Duration::from_secs(20)));
        assert!(matches!(stopped, Err(CollectError::Cancelled)) && started.elapsed() < Duration::from_secs(1));
    }
}
