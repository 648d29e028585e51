//! What exploration solved, way by way: the form of a stage's `coverage.json`. Knows no HTML.

use std::collections::BTreeMap;

use lam_data::ExplorationRound;
use serde::{Deserialize, Serialize};

/// The coverage of one stage.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Coverage {
    /// The stage; not in its own file.
    #[serde(default)]
    pub stage: String,
    /// Tasks that were explored.
    pub tasks: usize,
    /// Tasks that were solved, in all rounds of exploration.
    pub solved: usize,
    /// Of these, tasks that were solved in rounds before this one.
    #[serde(default)]
    pub earlier: usize,
    /// The rounds of exploration up to this one, as far as they are known.
    #[serde(default)]
    pub rounds: Vec<ExplorationRound>,
    /// What each way did in this round, in order.
    pub ways: Vec<Round>,
    /// By family.
    pub families: BTreeMap<String, Family>,
    /// How the controls of followed plans were found: `exact`, `containment`, `fuzzy`.
    #[serde(default)]
    pub controls: BTreeMap<String, usize>,
    /// Plans that solved their task.
    #[serde(default)]
    pub examples: Vec<Example>,
}

/// One pass of a way over the tasks that were unsolved.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Round {
    /// `tries`, `plans` or `documentation`.
    pub way: String,
    /// Who tried, or whose plans were followed.
    pub source: String,
    /// Whether requests were taken part by part.
    pub by_parts: bool,
    /// Tasks that were attempted.
    pub attempted: usize,
    /// Tasks that were solved.
    pub solved: usize,
}

/// A family's tasks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Family {
    /// Tasks that were explored.
    pub tasks: usize,
    /// Of these, tasks that were solved before this round of exploration.
    #[serde(default)]
    pub earlier: usize,
    /// Tasks that each way solved in it.
    pub solved: BTreeMap<String, usize>,
}

impl Family {
    /// Tasks that one way solved.
    pub fn by(&self, way: &str) -> usize {
        self.solved.get(way).copied().unwrap_or(0)
    }

    /// Tasks that no way solved.
    pub fn unsolved(&self) -> usize {
        self.tasks.saturating_sub(self.earlier + self.solved.values().sum::<usize>())
    }
}

/// A plan that solved its task.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Example {
    /// How it was solved.
    pub way: String,
    /// Whose plan it was.
    pub source: String,
    /// Whether the request was taken part by part.
    pub by_parts: bool,
    /// Its family.
    pub family: String,
    /// What is asked.
    pub request: String,
    /// The plan.
    pub plan: Vec<String>,
}
