//! How a command fails: a message for people and an exit code for machines.

use std::fmt;
use std::io::ErrorKind;

use lam_base::BaseError;
use lam_data::DataError;
use lam_export::ExportError;
use lam_hub::HubError;
use lam_model::ModelError;
use lam_prompt::PromptError;
use lam_report::ReportError;
use lam_store::StoreError;

/// A failure whose exit code is not the ordinary 1.
#[derive(Debug)]
pub struct Failure {
    /// 2 usage or config, 3 data, 4 resume mismatch, 5 budget, 130 interrupted.
    pub code: u8,
    /// What a person reads.
    pub message: String,
}

impl Failure {
    /// A usage or configuration error.
    pub fn config(message: impl fmt::Display) -> Self {
        Self { code: 2, message: message.to_string() }
    }

    /// Data that cannot be used.
    pub fn data(message: impl fmt::Display) -> Self {
        Self { code: 3, message: message.to_string() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// The exit code of an error: its own, if it says one; 3 for data that cannot be used; else 1.
pub fn exit_code(error: &anyhow::Error) -> u8 {
    error.chain().find_map(known).unwrap_or(1)
}

/// An error with its causes, each said once.
pub fn text(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |text, cause| match text.as_str() {
        "" => cause,
        told if told.contains(&cause) => text,
        _ => format!("{text}: {cause}"),
    })
}

fn known(error: &(dyn std::error::Error + 'static)) -> Option<u8> {
    if let Some(failure) = error.downcast_ref::<Failure>() {
        return Some(failure.code);
    }
    let store = |error: &StoreError| if error.is_data() { 3 } else { 1 };
    error
        .downcast_ref::<StoreError>()
        .map(store)
        .or_else(|| error.downcast_ref().map(model))
        .or_else(|| error.downcast_ref::<PromptError>().map(|_| 3))
        .or_else(|| error.downcast_ref::<DataError>().map(|_| 3))
        .or_else(|| match error.downcast_ref()? {
            BaseError::Config { .. } => Some(2),
            BaseError::Model(error) => Some(model(error)),
            _ => None,
        })
        .or_else(|| error.downcast_ref().map(hub))
        .or_else(|| match error.downcast_ref()? {
            ReportError::NoRun { .. } | ReportError::Json { .. } => Some(3),
            ReportError::Store(error) => Some(store(error)),
            ReportError::Io { source, .. } => Some(if source.kind() == ErrorKind::NotFound { 3 } else { 1 }),
        })
        .or_else(|| match error.downcast_ref()? {
            ExportError::Missing { .. } | ExportError::File { .. } | ExportError::Prompt(_) => Some(3),
            ExportError::Model(error) => Some(model(error)),
            ExportError::Store(error) => Some(store(error)),
            _ => None,
        })
}

/// A model's files that cannot be used are data, unless the tensor library or the disk failed.
fn model(error: &ModelError) -> u8 {
    match error {
        ModelError::Io { source, .. } if source.kind() != ErrorKind::NotFound => 1,
        ModelError::Tensor(_) => 1,
        _ => 3,
    }
}

/// A hub that cannot be reached is a failure of the moment; a model that is not there is data.
pub fn hub(error: &HubError) -> u8 {
    match error {
        HubError::Id { .. } | HubError::Setting { .. } => 2,
        HubError::Cancelled => 130,
        HubError::Network { .. } | HubError::Answer { .. } | HubError::Space { .. } => 1,
        HubError::Store(error) if !error.is_data() => 1,
        _ => 3,
    }
}
