//! The rows of the paper's Tables 2 to 4 as they are stored, by model name.

use std::collections::BTreeMap;
use std::path::Path;

use lam_store::{StoreError, write_atomic};
use serde::{Deserialize, Serialize};

use crate::{Decision, Online, Planning, Row};

/// A model's row of Table 3: with constrained decoding, and without it where that was measured too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DecisionEntry {
    /// As the model acts.
    #[serde(flatten)]
    pub row: Row<Decision>,
    /// The same model decoding freely.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unconstrained: Option<Row<Decision>>,
}

/// Rows by model name: the part of `report.json` that evaluations give.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tables {
    /// Table 2.
    pub planning: BTreeMap<String, Planning>,
    /// Table 3.
    pub decision_making: BTreeMap<String, DecisionEntry>,
    /// Table 4.
    pub online: BTreeMap<String, Row<Online>>,
}

impl Tables {
    /// Writes them as JSON.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn write(&self, path: &Path) -> Result<(), StoreError> {
        let text = serde_json::to_string_pretty(self).expect("tables have string keys and finite numbers") + "\n";
        write_atomic(path, text.as_bytes())
    }
}

/// Writes the items of an evaluation, one JSON line each.
///
/// # Errors
/// When the disk refuses.
pub fn write_items<T: Serialize>(path: &Path, items: &[T]) -> Result<(), StoreError> {
    let line = |item: &T| serde_json::to_string(item).expect("items have string keys and finite numbers") + "\n";
    write_atomic(path, items.iter().map(line).collect::<String>().as_bytes())
}
