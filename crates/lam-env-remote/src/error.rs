//! What keeps a remote environment from being reached or served.

use lam_http_server::ServerError;
use lam_signal::{Details, Fault, FaultKind};

/// Why an address, a token, a listener or a remote cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// Not an address of this kind.
    Address {
        /// As it was written.
        text: String,
        /// What is wrong with it.
        reason: String,
        /// What it looks like.
        hint: &'static str,
    },
    /// Listening where others can connect, without a token.
    Unprotected {
        /// What was to be bound.
        host: String,
        /// How a token is given.
        hint: &'static str,
    },
    /// No server starts, because the port is taken, say.
    Server(#[source] ServerError),
    /// Nobody answers, or not as an environment does.
    Unreachable {
        /// Where.
        url: String,
        /// What happened.
        reason: String,
        /// What may help.
        hint: &'static str,
    },
    /// An environment whose actions and observations are not ours.
    Version {
        /// Where.
        url: String,
        /// `version 2`, or `no version`.
        found: String,
        /// Ours.
        known: u32,
        /// What may help.
        hint: &'static str,
    },
    /// A file of tasks that cannot be used.
    Tasks {
        /// The file.
        file: String,
        /// What is wrong with it, with the line where it is known.
        reason: String,
        /// What belongs there.
        hint: &'static str,
    },
}

impl RemoteError {
    /// Why a server does not start; `hint` says how it is given its token.
    pub(crate) fn of_server(error: ServerError, hint: &'static str) -> Self {
        match error {
            ServerError::Exposed { host } => Self::Unprotected { host, hint },
            error => Self::Server(error),
        }
    }
}

impl Fault for RemoteError {
    fn kind(&self) -> FaultKind {
        match self {
            RemoteError::Server(error) => error.kind(),
            RemoteError::Unreachable { .. } | RemoteError::Version { .. } => FaultKind::Runtime,
            _ => FaultKind::Config,
        }
    }

    fn details(&self) -> Details {
        match self {
            RemoteError::Address { text, reason, hint } => Details::new(format!("`{text}`")).because(reason).hint(hint),
            RemoteError::Unprotected { host, hint } => {
                Details::new(format!("`{host}` can be reached from other machines, and no token is set")).hint(hint)
            }
            RemoteError::Server(error) => error.details(),
            RemoteError::Unreachable { url, reason, hint } => {
                Details::new(format!("no environment answers at {url}")).because(reason).hint(hint)
            }
            RemoteError::Version { url, found, known, hint } => {
                Details::new(format!("{url} speaks {found} of the action schema, this program speaks version {known}"))
                    .hint(hint)
            }
            RemoteError::Tasks { file, reason, hint } => Details::default().at(file).because(reason).hint(hint),
        }
    }
}

lam_signal::display_details!(RemoteError);
