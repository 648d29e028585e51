//! Counts of the task-plan stage: how many were found, dropped and kept, by source.

use std::collections::BTreeMap;

use lam_env::Document;
use lam_types::{PlanSource, Split, TaskPlan};
use serde_json::{Value, json};

use crate::aside::{Rejected, Rejection};
use crate::import::Imported;

const SOURCES: [PlanSource; 5] =
    [PlanSource::Documentation, PlanSource::Wikihow, PlanSource::SearchQuery, PlanSource::Evolved, PlanSource::Other];

/// Reasons that are told even where there is none; [`Rejection::Unfinished`] is told where there are some.
const REASONS: [Rejection; 8] = [
    Rejection::Language,
    Rejection::Length,
    Rejection::NotActionable,
    Rejection::ExactDuplicate,
    Rejection::NearDuplicate,
    Rejection::NoTask,
    Rejection::NoPlan,
    Rejection::OtherApplication,
];

/// What went in and what came out.
pub(crate) struct Counted<'a> {
    /// The application's own documents.
    pub(crate) documents: &'a [Document],
    /// Documents on disk, by source.
    pub(crate) imported: &'a [Imported],
    /// Every pair that was found, without evolved ones.
    pub(crate) extracted: &'a [TaskPlan],
    /// The pairs that are kept, with evolved ones.
    pub(crate) pairs: &'a [TaskPlan],
    /// The pairs that are not.
    pub(crate) rejected: &'a [Rejected],
}

impl Counted<'_> {
    /// The statistics of a run.
    pub(crate) fn stats(&self) -> Value {
        let sources: BTreeMap<_, _> =
            SOURCES.iter().filter_map(|&source| Some((source.as_str(), self.of_source(source)?))).collect();
        let imported: BTreeMap<_, _> =
            self.imported.iter().map(|source| (source.name.as_str(), self.of_import(source))).collect();
        let mut stats = json!({
            "task_plans": self.pairs.len(),
            "train": count(self.pairs, |pair| pair.split == Split::Train),
            "test": count(self.pairs, |pair| pair.split == Split::Test),
            "evolved": count(self.pairs, |pair| pair.source == PlanSource::Evolved),
            "rejected": self.rejected.len(),
            "sources": sources,
        });
        if !imported.is_empty() {
            stats["imported"] = json!(imported);
        }
        stats
    }

    /// `None` for a source that nothing came from.
    fn of_source(&self, source: PlanSource) -> Option<Value> {
        let pairs = count(self.pairs, |pair| pair.source == source);
        let own = count(self.documents, |document| document.source == source);
        let imported = self.imported.iter().filter(|import| import.source == source).map(|import| import.documents);
        let documents = own + imported.sum::<usize>();
        (pairs > 0 || documents > 0).then(|| {
            json!({
                "documents": documents,
                "extracted": count(self.extracted, |pair| pair.source == source),
                "rejected": self.reasons(|pair| pair.source == source),
                "kept": pairs,
            })
        })
    }

    fn of_import(&self, import: &Imported) -> Value {
        let prefix = format!("{}/", import.name);
        let is_of = |pair: &TaskPlan| pair.document.starts_with(&prefix);
        json!({
            "documents": import.documents,
            "unreadable": import.unreadable.len(),
            "unreadable_files": import.unreadable_files,
            "converted_files": import.repairs.converted,
            "replaced_characters": import.repairs.replaced,
            "procedures": import.procedures,
            "queries": import.queries.len(),
            "rejected": self.reasons(is_of),
            "kept": count(self.pairs, |pair| is_of(pair) && pair.source != PlanSource::Evolved),
            "evolved": count(self.pairs, |pair| is_of(pair) && pair.source == PlanSource::Evolved),
        })
    }

    fn reasons(&self, wanted: impl Fn(&TaskPlan) -> bool) -> BTreeMap<&'static str, usize> {
        let counted =
            |reason: Rejection| count(self.rejected, |rejected| rejected.reason == reason && wanted(&rejected.pair));
        let unfinished = (Rejection::Unfinished, counted(Rejection::Unfinished));
        let all = REASONS.iter().map(|&reason| (reason, counted(reason)));
        all.chain([unfinished].into_iter().filter(|(_, count)| *count > 0))
            .map(|(reason, count)| (reason.as_str(), count))
            .collect()
    }
}

fn count<T>(items: &[T], wanted: impl Fn(&T) -> bool) -> usize {
    items.iter().filter(|item| wanted(item)).count()
}
