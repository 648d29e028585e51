//! The ways in which tasks are explored, and the rounds that they consist of. A round here is one pass of a way within
//! an exploration; whole explorations one after the other are rounds too, those of `lam_data::ExplorationRound`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A way to explore tasks that are still unsolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// The model's own tries: the paper's way (§4.3).
    Tries,
    /// Plans that LAM1 writes for the request, carried out step by step without the model.
    Plans,
    /// Procedures of the documentation's training set that were written for a similar request, with the values of this
    /// one, carried out likewise.
    Documentation,
}

impl Way {
    /// The word of settings and files.
    pub fn as_str(self) -> &'static str {
        match self {
            Way::Tries => "tries",
            Way::Plans => "plans",
            Way::Documentation => "documentation",
        }
    }
}

/// One pass over the tasks that are unsolved: plans are asked for the whole request first, then for each of its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Round {
    /// The way it belongs to.
    pub(crate) way: Way,
    /// Whether plans are asked for part by part.
    pub(crate) by_parts: bool,
    /// File that keeps its episodes while it is at work.
    pub(crate) journal: &'static str,
}

/// File that keeps the plans that LAM1 has written.
pub(crate) const PLANS_JOURNAL: &str = "plans.jsonl";

/// Every round's journal, and that of the plans.
pub(crate) const JOURNALS: [&str; 6] = [
    "episodes.jsonl",
    "episodes-plans.jsonl",
    "episodes-plans-by-parts.jsonl",
    "episodes-documentation.jsonl",
    "episodes-documentation-by-parts.jsonl",
    PLANS_JOURNAL,
];

impl Way {
    /// Its rounds, in order.
    pub(crate) fn rounds(self) -> Vec<Round> {
        let round = |by_parts, journal| Round { way: self, by_parts, journal };
        match self {
            Way::Tries => vec![round(false, JOURNALS[0])],
            Way::Plans => vec![round(false, JOURNALS[1]), round(true, JOURNALS[2])],
            Way::Documentation => vec![round(false, JOURNALS[3]), round(true, JOURNALS[4])],
        }
    }
}
