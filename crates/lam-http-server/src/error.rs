//! Why nothing is served.

use std::io;

use lam_signal::{Details, Fault, FaultKind};

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Nobody can listen there.
    Bind {
        /// Host and port.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// Others could ask, and nothing keeps them from it.
    Exposed {
        /// The host.
        host: String,
    },
    /// A token that no header can carry.
    Token {
        /// Why.
        reason: &'static str,
    },
    /// An origin whose pages may ask, and that no browser names so.
    Origin {
        /// What was given.
        origin: String,
        /// How browsers name it, if they do.
        named: Option<String>,
    },
    /// The system gives no threads.
    Threads(#[source] io::Error),
}

impl Fault for ServerError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::Bind { .. } | Self::Threads(_) => FaultKind::Runtime,
            Self::Exposed { .. } | Self::Token { .. } | Self::Origin { .. } => FaultKind::Config,
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::Bind { address, source } => Details::new("cannot listen")
                .at(address)
                .because(source)
                .hint("choose another --port, 0 for any, or another --host"),
            Self::Exposed { host } => {
                Details::new(format!("others could reach the server at {host}, and no token is set"))
                    .hint("set one in LAM_SERVE_TOKEN, or name its variable by --token-env; or listen at 127.0.0.1")
            }
            Self::Token { reason } => Details::new("the token").because(reason).hint("take letters and digits"),
            Self::Origin { origin, named } => {
                let hint = match named {
                    Some(named) => format!("browsers name it `{named}`"),
                    None => "name each one as browsers do: --allow-origin http://localhost:3000".to_owned(),
                };
                Details::new(format!("`{origin}` is no origin of pages")).hint(hint)
            }
            Self::Threads(source) => Details::new("cannot start threads").because(source),
        }
    }
}

lam_signal::display_details!(ServerError);
