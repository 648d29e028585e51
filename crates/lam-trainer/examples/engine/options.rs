//! The command line: `--name value` pairs. Knows no measurement.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use lam_model::Precision;

use crate::Failure;

/// What follows the measurement's name.
pub struct Options(BTreeMap<String, String>);

/// The engine does not have what is asked for.
#[derive(Debug)]
pub struct NotAvailable(pub String);

impl fmt::Display for NotAvailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not available: {}", self.0)
    }
}

impl std::error::Error for NotAvailable {}

impl Options {
    pub fn parse(arguments: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mut options = BTreeMap::new();
        let mut arguments = arguments.peekable();
        while let Some(argument) = arguments.next() {
            let name = argument.strip_prefix("--").ok_or_else(|| format!("`{argument}` is no option"))?;
            let value = arguments.next_if(|next| !next.starts_with("--"));
            options.insert(name.to_owned(), value.unwrap_or_default());
        }
        Ok(Self(options))
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub fn text(&self, name: &str) -> Result<&str, Failure> {
        Ok(self.0.get(name).ok_or_else(|| format!("`--{name}` is missing"))?)
    }

    pub fn precision(&self) -> Result<Precision, Failure> {
        match self.text("precision")? {
            "f32" => Ok(Precision::F32),
            "bf16" => Ok(Precision::Bf16),
            other => Err(format!("`--precision {other}`: f32 and bf16 are known").into()),
        }
    }

    pub fn number<N: FromStr<Err: fmt::Display>>(&self, name: &str) -> Result<N, Failure> {
        let text = self.text(name)?;
        text.parse().map_err(|error| format!("`--{name} {text}`: {error}").into())
    }
}
