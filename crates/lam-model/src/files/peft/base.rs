//! Over which base an adapter was trained, in a file of its own beside the adapter: PEFT reads it as little as it
//! minds it.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::super::describe::write_json;
use crate::{ModelError, Rounding};

const FILE: &str = "base_model.json";

/// The base of an adapter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BaseRecord {
    /// Fingerprint of the weights as they lie in the base's files.
    pub(crate) weights: String,
    /// How they were rounded before the adapter was trained over them.
    #[serde(default)]
    pub(crate) rounding: Rounding,
}

impl BaseRecord {
    /// The record in an adapter's directory, if it has one.
    pub(crate) fn read(directory: &Path) -> Result<Option<Self>, ModelError> {
        let path = directory.join(FILE);
        if !path.is_file() {
            return Ok(None);
        }
        let text = std::fs::read_to_string(&path).map_err(ModelError::io(&path))?;
        serde_json::from_str(&text).map(Some).map_err(|error| ModelError::file(&path, error))
    }

    /// Writes it beside the adapter.
    pub(crate) fn write(&self, directory: &Path) -> Result<(), ModelError> {
        write_json(&directory.join(FILE), self)
    }
}
