//! What is collected from documents, and by which limits. The paper gives no thresholds; these are ours.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::CollectError;
use crate::import::SourceConfig;

/// Settings of the task-plan stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PlansConfig {
    /// Entries of the sources that an application generates, such as its log of search queries.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub entries: usize,
    /// Seed of generated sources and of evolution: the stage's, so that it is not a setting.
    #[serde(skip)]
    pub seed: u64,
    /// Share of pairs kept for the test set; 0.2 in the paper (15,334 of 76,672).
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub test_fraction: f64,
    /// Fewest words of a task.
    #[schemars(range(min = 0, max = 10_000))]
    pub min_task_words: usize,
    /// Most words of a task.
    #[schemars(range(min = 0, max = 10_000))]
    pub max_task_words: usize,
    /// Most steps of a plan.
    #[schemars(range(min = 0, max = 10_000))]
    pub max_steps: usize,
    /// Most words of one step.
    #[schemars(range(min = 0, max = 10_000))]
    pub max_step_words: usize,
    /// Of two tasks with the same plan, one goes when they share this part of their words (Jaccard); 1 keeps
    /// all but exact repetitions.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub near_duplicate: f64,
    /// Evolved pairs for each one sourced directly; 47,490 / 29,182 in the paper (§3.1.4).
    #[schemars(range(min = 0.0, max = 100.0))]
    pub evolve_ratio: f64,
    /// Most words that evolution may add to a task (§3.1.4).
    #[schemars(range(min = 0, max = 10_000))]
    pub max_extra_words: usize,
    /// Whether the environment's own documents are read; turn it off where `sources` are all that is wanted.
    pub application_documents: bool,
    /// How much of a search's and a documented task's words must be shared, by weight (cosine), for the search to get
    /// the task's plan.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub query_match: f64,
    /// Documents on disk that are read beside them.
    pub sources: Vec<SourceConfig>,
}

impl Default for PlansConfig {
    fn default() -> Self {
        Self {
            entries: 2000,
            seed: 0,
            test_fraction: 0.2,
            min_task_words: 2,
            max_task_words: 60,
            max_steps: 30,
            max_step_words: 60,
            near_duplicate: 0.9,
            evolve_ratio: 47_490.0 / 29_182.0,
            max_extra_words: 20,
            application_documents: true,
            query_match: 0.6,
            sources: Vec::new(),
        }
    }
}

impl PlansConfig {
    /// Refuses sources that cannot be told apart.
    pub(crate) fn check(&self) -> Result<(), CollectError> {
        let mut names: Vec<&str> = self.sources.iter().map(SourceConfig::name).collect();
        names.sort_unstable();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            None => Ok(()),
            Some(pair) => Err(CollectError::Config {
                key: "sources",
                value: pair[0].to_owned(),
                reason: "two sources have this name",
                hint: "give each a `name` of its own",
            }),
        }
    }
}
