//! Ctrl-C.

use std::sync::{Mutex, PoisonError};

use lam_signal::{Cancel, Failure};

use crate::output::tell;

/// As the first process of a container: the kernel keeps every signal from it that it has not asked for, so that Ctrl-C
/// and `docker stop` would do nothing where no work listens for them.
#[cfg(unix)]
pub fn end_as_others_do() {
    extern "C" fn end(signal: libc::c_int) {
        // SAFETY: it may be called where a signal has come in, and ends the process.
        unsafe { libc::_exit(128 + signal) }
    }
    if std::process::id() == 1 {
        for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
            // SAFETY: the handler does nothing that may not be done where a signal has come in.
            unsafe { libc::signal(signal, end as extern "C" fn(libc::c_int) as libc::sighandler_t) };
        }
    }
}

/// Ctrl-C asks once for a safe stop of the latest work; a second one ends the process.
pub fn stop_on_interrupt(cancel: &Cancel) -> Result<(), Failure> {
    static LATEST: Mutex<Option<Cancel>> = Mutex::new(None);
    let latest = || LATEST.lock().unwrap_or_else(PoisonError::into_inner);
    let is_first = latest().replace(cancel.clone()).is_none();
    if !is_first {
        return Ok(());
    }
    ctrlc::set_handler(move || {
        let cancel = latest().clone().unwrap_or_default();
        if cancel.is_cancelled() {
            std::process::exit(130);
        }
        tell("stopping at the next safe point; press Ctrl-C again to stop at once");
        cancel.cancel();
    })
    .map_err(Failure::runtime)
}
