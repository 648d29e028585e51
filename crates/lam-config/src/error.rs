//! What can go wrong with a configuration, told with the place where it was written.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use lam_signal::{Details, Fault, FaultKind};
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
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Not TOML, or not `key=value`.
    Syntax {
        /// Where.
        origin: Origin,
        /// What the parser said.
        reason: String,
        /// What to write instead, or "".
        hint: &'static str,
    },
    /// A key that nothing knows.
    Unknown {
        /// The key, with dots from the top.
        key: String,
        /// Where it was written, where known.
        origin: Option<Origin>,
        /// The key that was probably meant, with dots from the top.
        meant: Option<String>,
        /// What to write instead where no key was meant, or "".
        hint: String,
    },
    /// A key whose value cannot be used.
    Value(Box<BadValue>),
}

/// A key whose value cannot be used. In a box, since every setting that is read returns a `ConfigError`.
#[derive(Debug)]
pub struct BadValue {
    /// The key, with dots from the top.
    pub key: String,
    /// Where it was written, where known.
    pub origin: Option<Origin>,
    /// What is wrong: "`key`" with `found` and `reason`, or a sentence of its own.
    pub what: String,
    /// Its value, or "".
    pub found: String,
    /// Why it cannot be used, or "".
    pub reason: String,
    /// What to write instead, or "".
    pub hint: String,
}

impl ConfigError {
    /// `key` must be otherwise than `found`, because of `reason`.
    pub fn value(key: &str, found: impl fmt::Display, reason: impl Into<String>, hint: impl Into<String>) -> Self {
        ConfigError::Value(Box::new(BadValue {
            key: key.to_string(),
            origin: None,
            what: format!("`{key}`"),
            found: found.to_string(),
            reason: reason.into(),
            hint: hint.into(),
        }))
    }

    /// What `what` says of `key`, in a sentence of its own.
    pub fn refused(key: &str, what: impl Into<String>, hint: impl Into<String>) -> Self {
        let (found, reason) = (String::new(), String::new());
        let (key, what, hint) = (key.to_string(), what.into(), hint.into());
        ConfigError::Value(Box::new(BadValue { key, origin: None, what, found, reason, hint }))
    }

    /// `key` and `name` mean the same, and both are written.
    pub(super) fn twice(key: &str, name: &str) -> Self {
        let what = format!("`{key}` and `{name}` mean the same, and both are given");
        Self::refused(key, what, format!("keep `{name}`"))
    }

    /// The same error with the place filled in, where `origin_of` knows it and the error does not.
    pub fn located(mut self, origin_of: impl FnOnce(&str) -> Option<Origin>) -> Self {
        let (key, origin) = match &mut self {
            ConfigError::Unknown { key, origin, .. } => (key, origin),
            ConfigError::Value(bad) => (&mut bad.key, &mut bad.origin),
            ConfigError::Read { .. } | ConfigError::Syntax { .. } => return self,
        };
        *origin = origin.take().or_else(|| origin_of(key));
        self
    }

    pub(super) fn syntax(path: &Path, line: usize, reason: &str, hint: &'static str) -> Self {
        let origin = Origin::File { path: path.to_path_buf(), line };
        ConfigError::Syntax { origin, reason: reason.to_string(), hint }
    }
}

/// The key that was meant as it is to be written where `key` was: its last part in the same table, else whole, and in
/// a file outside of that table. On the command line, what was typed before the key, such as a stage's name, stands
/// before this one too.
fn as_written(meant: &str, key: &str, origin: Option<&Origin>) -> String {
    let ((table, leaf), (own, _)) = (table_and_leaf(meant), table_and_leaf(key));
    match origin {
        _ if table == own => format!("`{leaf}`"),
        Some(Origin::Override(text)) => {
            let typed = text.split_once('=').map_or("", |(typed, _)| typed.trim());
            let before = typed.strip_suffix(key).filter(|before| before.ends_with('.')).unwrap_or_default();
            format!("`{before}{meant}`")
        }
        _ if own.is_empty() || table.starts_with(&format!("{own}.")) => format!("`{meant}`"),
        _ => format!("`{meant}`, outside of `{own}`"),
    }
}

fn table_and_leaf(key: &str) -> (&str, &str) {
    key.rsplit_once('.').unwrap_or(("", key))
}

impl Fault for ConfigError {
    fn kind(&self) -> FaultKind {
        match self {
            ConfigError::Read { source, .. } => FaultKind::of_io(source),
            _ => FaultKind::Config,
        }
    }

    fn details(&self) -> Details {
        let place = |origin: &Option<Origin>| origin.as_ref().map(Origin::to_string).unwrap_or_default();
        match self {
            ConfigError::Read { path, source } => {
                let hint = if source.kind() == io::ErrorKind::NotFound { "check the path" } else { "" };
                Details::new(format!("cannot read {}", path.display())).because(source).hint(hint)
            }
            ConfigError::Syntax { origin, reason, hint } => Details::default().at(origin).because(reason).hint(hint),
            ConfigError::Unknown { key, origin, meant, hint } => {
                let what = match key.rsplit_once('.') {
                    Some((table, leaf)) => format!("unknown key `{leaf}` in `{table}`"),
                    None => format!("unknown key `{key}`"),
                };
                let meant = meant.as_deref().map(|meant| as_written(meant, key, origin.as_ref()));
                let hint = meant.map_or_else(|| hint.clone(), |meant| format!("did you mean {meant}?"));
                Details::new(what).at(place(origin)).hint(hint)
            }
            ConfigError::Value(bad) => {
                let BadValue { origin, what, found, reason, hint, .. } = &**bad;
                Details::new(what).at(place(origin)).found(found).because(reason).hint(hint)
            }
        }
    }
}

lam_signal::display_details!(ConfigError);
