//! What commands print: text for people, JSON for machines, never both.

use serde::Serialize;

/// Where a command's result goes.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    /// Results as one JSON value on stdout.
    pub json: bool,
}

impl Output {
    /// One line for a person; silent in JSON mode.
    pub fn line(&self, text: &str) {
        if !self.json {
            println!("{text}");
        }
    }

    /// One value for a machine; silent otherwise.
    pub fn value<T: Serialize>(&self, value: &T) -> anyhow::Result<()> {
        if self.json {
            println!("{}", serde_json::to_string_pretty(value)?);
        }
        Ok(())
    }
}
