//! What goes wrong below the environment trait: an action that is refused, or an instance that is lost.

use lam_env::EnvError;
use lam_signal::Details;
use lam_types::StepStatus;

use crate::ENVIRONMENT;

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It cannot be done here; the application is well.
    #[error("{message}")]
    Refused {
        /// `InvalidAction` for what does not exist, `AppError` for what the application refused.
        status: StepStatus,
        /// In words.
        message: String,
    },
    /// The instance cannot be used any more.
    #[error("{0}")]
    Lost(String),
}

impl Fault {
    /// Something that does not exist, or may not be meant.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::Refused { status: StepStatus::InvalidAction, message: message.into() }
    }

    /// Something the application did not do.
    pub fn refused(message: impl Into<String>) -> Self {
        Self::Refused { status: StepStatus::AppError, message: message.into() }
    }

    /// The end of the instance.
    pub fn lost(message: impl Into<String>) -> Self {
        Self::Lost(message.into())
    }
}

impl From<Fault> for EnvError {
    fn from(fault: Fault) -> Self {
        EnvError::failed(ENVIRONMENT, &Details::new(fault))
    }
}
