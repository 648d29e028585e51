//! Task-plan pairs: phase 1's data (paper §3.1).

use serde::{Deserialize, Serialize};

use crate::Split;

/// Where a pair comes from (paper Table 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the paper's own words")]
pub enum PlanSource {
    Documentation,
    Wikihow,
    SearchQuery,
    Evolved,
    Other,
}

impl PlanSource {
    /// The word used in files.
    pub fn as_str(self) -> &'static str {
        match self {
            PlanSource::Documentation => "documentation",
            PlanSource::Wikihow => "wikihow",
            PlanSource::SearchQuery => "search_query",
            PlanSource::Evolved => "evolved",
            PlanSource::Other => "other",
        }
    }
}

/// A task and the steps that fulfil it, with its origin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskPlan {
    /// Unique id.
    pub task_id: String,
    /// Application it is about.
    pub application: String,
    /// Where it comes from.
    pub source: PlanSource,
    /// What is asked.
    pub task: String,
    /// The steps, in order, without numbers.
    pub plan: Vec<String>,
    /// The pair it was evolved from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<String>,
    /// Document it was read from, and that document's hash.
    pub document: String,
    /// SHA-256 of that document's bytes, hex.
    pub document_hash: String,
    /// Rule or model (with prompt hash) that made it.
    pub producer: String,
    /// Family of tasks, if known: splits go by it.
    #[serde(default)]
    pub family: String,
    /// The set it belongs to.
    pub split: Split,
}
