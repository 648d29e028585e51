//! Counts of the task-plan stage: how many were found, dropped and kept, by source.

use std::collections::BTreeMap;

use lam_env::Document;
use lam_types::{PlanSource, Split, TaskPlan};
use serde_json::{Value, json};

use super::{Rejected, Rejection};

const SOURCES: [PlanSource; 5] = [
    PlanSource::Documentation,
    PlanSource::Wikihow,
    PlanSource::SearchQuery,
    PlanSource::Evolved,
    PlanSource::Other,
];

const REASONS: [Rejection; 5] = [
    Rejection::Language,
    Rejection::Length,
    Rejection::NotActionable,
    Rejection::ExactDuplicate,
    Rejection::NearDuplicate,
];

/// The statistics of a run.
pub(crate) fn stats(
    documents: &[Document],
    extracted: &[TaskPlan],
    pairs: &[TaskPlan],
    rejected: &[Rejected],
) -> Value {
    let of_source = |source: PlanSource| {
        let reasons: BTreeMap<_, _> = REASONS
            .iter()
            .map(|&reason| (reason.as_str(), count(rejected, |r| r.reason == reason && r.pair.source == source)))
            .collect();
        json!({
            "documents": count(documents, |document| document.source == source),
            "extracted": count(extracted, |pair| pair.source == source),
            "rejected": reasons,
            "kept": count(pairs, |pair| pair.source == source),
        })
    };
    let sources: BTreeMap<_, _> = SOURCES
        .iter()
        .filter(|&&source| pairs.iter().any(|pair| pair.source == source) || documents.iter().any(|d| d.source == source))
        .map(|&source| (source.as_str(), of_source(source)))
        .collect();
    json!({
        "task_plans": pairs.len(),
        "train": count(pairs, |pair| pair.split == Split::Train),
        "test": count(pairs, |pair| pair.split == Split::Test),
        "evolved": count(pairs, |pair| pair.source == PlanSource::Evolved),
        "rejected": rejected.len(),
        "sources": sources,
    })
}

fn count<T>(items: &[T], wanted: impl Fn(&T) -> bool) -> usize {
    items.iter().filter(|item| wanted(item)).count()
}
