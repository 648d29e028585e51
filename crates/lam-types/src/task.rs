//! A task: what a user asks for, and the world it is asked in.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The three sets; a task is in one of them before anything trains on it. Choices are made on the validation set, so
/// that the test set says something about them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the field's own words")]
pub enum Split {
    Train,
    Validation,
    Test,
}

impl Split {
    /// The word used in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Split::Train => "train",
            Split::Validation => "validation",
            Split::Test => "test",
        }
    }
}

/// Whether any phase may train on the way a request is worded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Phrasing {
    /// A wording that occurs in training sets.
    Seen,
    /// A wording kept from training: the validation set and the test set have theirs, and share none.
    Unseen,
}

impl Phrasing {
    /// The word used in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Phrasing::Seen => "seen",
            Phrasing::Unseen => "unseen",
        }
    }
}

/// One task in one environment. With its seed it is everything `Environment::reset` needs.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Task {
    /// Unique and stable: the same family, seed and wording give the same id.
    pub task_id: String,
    /// Family of tasks it is drawn from; splits and sums go by family.
    pub family: String,
    /// What the user asks.
    pub request: String,
    /// Environment it belongs to, such as `sim`.
    pub environment: String,
    /// Application in that environment, such as `word`.
    pub application: String,
    /// Seed of its parameters, texts and starting state.
    pub seed: u64,
    /// Whether its wording occurs in training sets.
    pub phrasing: Phrasing,
    /// The set it belongs to.
    pub split: Split,
}
