//! A connection that is kept alive while nobody uses it: pings are answered between two calls, however long the policy
//! thinks. Knows the connection and nothing that is said over it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use crate::link::{ClientLink, LinkError};

/// How often an idle connection is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// A connection shared with the thread that keeps it alive; the thread ends with the connection.
pub struct KeptLink(Arc<Mutex<ClientLink>>);

impl KeptLink {
    /// Starts to keep a connection alive. What comes unasked means nothing.
    pub fn new(link: ClientLink) -> Self {
        let link = Arc::new(Mutex::new(link));
        let watched = Arc::downgrade(&link);
        std::thread::spawn(move || look_after(&watched));
        Self(link)
    }

    /// The connection, for one exchange.
    pub fn lock(&self) -> MutexGuard<'_, ClientLink> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn look_after(link: &Weak<Mutex<ClientLink>>) {
    loop {
        std::thread::sleep(LOOK);
        let Some(link) = link.upgrade() else { return };
        // During a call, the caller answers pings.
        let Ok(mut link) = link.try_lock() else { continue };
        if look(&mut link).is_err() {
            return;
        }
    }
}

/// Takes all that has come.
fn look(link: &mut ClientLink) -> Result<(), LinkError> {
    while link.poll(Duration::ZERO)?.is_some() {}
    Ok(())
}
