//! What the connections of a server share: the application, how it is served, and the seats of its sessions. Knows no
//! connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use lam_env::Application;
use lam_http_server::Access;
use lam_signal::Secret;

use super::schema::Described;
use crate::link::LinkLimits;
use crate::sockets::Sockets;

/// How an application is served.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// Address that is listened on.
    pub host: String,
    /// Port; 0 for any that is free.
    pub port: u16,
    /// What clients must show; may only be missing on loopback.
    pub token: Option<Secret>,
    /// Sessions at once, each with an instance of its own.
    pub max_sessions: usize,
    /// Largest message, in bytes.
    pub max_message_bytes: usize,
    /// Actions after which an episode is cut off.
    pub max_steps: u32,
    /// Silence of a client after which its session ends.
    pub idle_timeout: Duration,
    /// Longest wait for an instance's answer to one call.
    pub call_timeout: Duration,
    /// Silence of a connection after which it is pinged.
    pub ping_after: Duration,
    /// How long it may take to answer that.
    pub pong_within: Duration,
    /// Name under which the command line knows the application, if it does: clients that know it too find its
    /// documentation and expert at home.
    pub served_as: Option<String>,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            host: "127.0.0.1".into(),
            port: 8000,
            token: None,
            max_sessions: 8,
            max_message_bytes: 16 << 20,
            max_steps: 30,
            idle_timeout: Duration::from_secs(1800),
            call_timeout: Duration::from_secs(120),
            ping_after: Duration::from_secs(20),
            pong_within: Duration::from_secs(60),
            served_as: None,
        }
    }
}

impl ServerSettings {
    /// What each connection may take.
    pub(super) fn limits(&self) -> LinkLimits {
        let Self { max_message_bytes, ping_after, pong_within, .. } = *self;
        LinkLimits { max_message_bytes, ping_after, pong_within, ..LinkLimits::default() }
    }
}

/// What all connections know.
pub struct Shared {
    /// What is served.
    pub app: Arc<dyn Application>,
    /// How.
    pub settings: ServerSettings,
    /// To whom.
    pub access: Access,
    /// The sessions' connections.
    pub sockets: Sockets,
    /// What clients are told of it.
    pub described: Described,
    sessions: Arc<AtomicUsize>,
}

/// A session's place among the most there may be, given back when it is dropped.
pub struct Seat(Arc<AtomicUsize>);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Shared {
    /// An application that nobody has connected to yet.
    pub fn new(app: Arc<dyn Application>, settings: ServerSettings) -> Self {
        let described = Described::of(app.as_ref(), settings.max_sessions, settings.served_as.clone());
        let access = Access {
            host: settings.host.clone(),
            token: settings.token.clone(),
            token_in_query: true,
            ..Access::default()
        };
        let sockets = Sockets::new(settings.limits());
        Self { app, settings, access, sockets, described, sessions: Arc::default() }
    }

    /// Sessions that are taken now.
    pub fn sessions(&self) -> usize {
        self.sessions.load(Ordering::Acquire)
    }

    /// A place for a session, if one is free.
    pub fn take_seat(&self) -> Option<Seat> {
        let seat = Seat(Arc::clone(&self.sessions));
        (self.sessions.fetch_add(1, Ordering::AcqRel) < self.settings.max_sessions).then_some(seat)
    }
}
