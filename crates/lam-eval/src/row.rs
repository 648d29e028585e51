//! A row of a table: a figure over all tasks, and over those of each wording. Knows no particular table.

use lam_types::Phrasing;
use serde::{Deserialize, Serialize};

/// A row over all tasks, and over those of each wording where both occur.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row<M> {
    /// All tasks.
    #[serde(flatten)]
    pub all: M,
    /// Tasks whose wording occurs in training sets.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub seen: Option<M>,
    /// Tasks whose wording no phase trained on.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub unseen: Option<M>,
}

fn none<M>() -> Option<M> {
    None
}

impl<M> Row<M> {
    /// Scores all items and those of each wording that occurs.
    pub(crate) fn of<T>(items: &[T], phrasing: impl Fn(&T) -> Phrasing, score: impl Fn(&[&T]) -> M) -> Self {
        let part = |wanted: Phrasing| {
            let part: Vec<&T> = items.iter().filter(|item| phrasing(item) == wanted).collect();
            (!part.is_empty()).then(|| score(&part))
        };
        let all: Vec<&T> = items.iter().collect();
        Self { all: score(&all), seen: part(Phrasing::Seen), unseen: part(Phrasing::Unseen) }
    }
}
