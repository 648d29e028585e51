//! Why nothing is served.

use lam_http_server::ServerError;
use lam_signal::{Details, Fault, FaultKind};

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Nobody can be listened to there, or everybody could ask.
    Server(#[from] ServerError),
    /// Two models of one name.
    SameName {
        /// The name.
        name: String,
    },
    /// The thread that was to load a model ended.
    Lost,
}

impl Fault for ServeError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::Server(error) => error.kind(),
            Self::Lost => FaultKind::Runtime,
            Self::SameName { .. } => FaultKind::Config,
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::Server(error) => error.details(),
            Self::SameName { name } => Details::new(format!("two models are called `{name}`"))
                .hint("name each of them: NAME=DIR, or serve them apart"),
            Self::Lost => Details::new("the thread that loads the model ended").hint("is there enough memory?"),
        }
    }
}

lam_signal::display_details!(ServeError);
