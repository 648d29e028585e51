//! How a command fails: a message for people and an exit code for machines.

use std::fmt;

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

/// The exit code of an error: its own, if it says one, else 1.
pub fn exit_code(error: &anyhow::Error) -> u8 {
    error.downcast_ref::<Failure>().map_or(1, |failure| failure.code)
}
