//! A connection that is kept alive while nobody uses it: pings and heartbeats are answered between two calls, however
//! long the policy thinks. Knows the connection and a rule for what comes unasked.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use crate::link::{Link, LinkError};

/// How often an idle connection is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// The answer to a message that nobody asked for, if it needs one.
pub type Unasked = fn(&str) -> Option<String>;

/// A connection shared with the thread that keeps it alive; the thread ends with the connection.
pub struct KeptLink {
    link: Arc<Mutex<Link>>,
    unasked: Unasked,
}

impl KeptLink {
    /// Starts to keep a connection alive.
    pub fn new(link: Link, unasked: Unasked) -> Self {
        let link = Arc::new(Mutex::new(link));
        let watched = Arc::downgrade(&link);
        std::thread::spawn(move || look_after(&watched, unasked));
        Self { link, unasked }
    }

    /// The connection, for one exchange.
    pub fn lock(&self) -> MutexGuard<'_, Link> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the other side is still there, as far as can be told at once.
    pub fn is_alive(&self) -> bool {
        look(&mut self.lock(), self.unasked).is_ok()
    }
}

fn look_after(link: &Weak<Mutex<Link>>, unasked: Unasked) {
    loop {
        std::thread::sleep(LOOK);
        let Some(link) = link.upgrade() else { return };
        // During a call, the caller answers pings.
        let Ok(mut link) = link.try_lock() else { continue };
        if look(&mut link, unasked).is_err() {
            return;
        }
    }
}

/// Takes all that has come.
fn look(link: &mut Link, unasked: Unasked) -> Result<(), LinkError> {
    while let Some(text) = link.poll(Duration::ZERO)? {
        if let Some(answer) = unasked(&text) {
            link.send(answer)?;
        }
    }
    Ok(())
}
