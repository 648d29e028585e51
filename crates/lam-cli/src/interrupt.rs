//! Ctrl-C.

use std::sync::{Mutex, PoisonError};

use lam_signal::{Cancel, Failure};

use crate::output::tell;

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
