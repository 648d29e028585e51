//! What can go wrong with a configuration, told with the place where it was written.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Where a key was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// In a file, on this line.
    File {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
    },
    /// In an override such as `--set learning_rate=1e-4`.
    Override(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::File { path, line } => write!(f, "{}:{line}", path.display()),
            Origin::Override(text) => write!(f, "--set {text}"),
        }
    }
}

/// A configuration that cannot be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}{}", path.display(), if self.is_missing() { "\nhint: check the path" } else { "" })]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Not TOML, or not `key=value`.
    #[error("{origin}: {reason}")]
    Syntax {
        /// Where.
        origin: Origin,
        /// What the parser said.
        reason: String,
    },
    /// One key is unknown or its value cannot be used.
    #[error("{}{reason}{}", place(origin.as_ref()), hint_line(hint))]
    Key {
        /// The key, with dots from the top.
        key: String,
        /// Where it was written, where known.
        origin: Option<Origin>,
        /// What is wrong with it.
        reason: String,
        /// What to write instead, or "".
        hint: String,
    },
}

impl ConfigError {
    /// An error of a check that knows more than types: `key` must be otherwise, because of `reason`.
    pub fn value(key: &str, reason: impl Into<String>, hint: impl Into<String>) -> Self {
        ConfigError::Key {
            key: key.to_string(),
            origin: None,
            reason: format!("`{key}` {}", reason.into()),
            hint: hint.into(),
        }
    }

    /// The same error with the place filled in, where `origin_of` knows it and the error does not.
    pub fn located(self, origin_of: impl FnOnce(&str) -> Option<Origin>) -> Self {
        match self {
            ConfigError::Key { key, origin: None, reason, hint } => {
                let origin = origin_of(&key);
                ConfigError::Key { key, origin, reason, hint }
            }
            other => other,
        }
    }

    /// Whether the file is not there.
    pub fn is_missing(&self) -> bool {
        matches!(self, ConfigError::Read { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }

    pub(super) fn syntax(path: &Path, line: usize, reason: &str) -> Self {
        ConfigError::Syntax { origin: Origin::File { path: path.to_path_buf(), line }, reason: reason.to_string() }
    }
}

fn place(origin: Option<&Origin>) -> String {
    origin.map(|origin| format!("{origin}: ")).unwrap_or_default()
}

fn hint_line(hint: &str) -> String {
    if hint.is_empty() { String::new() } else { format!("\nhint: {hint}") }
}
