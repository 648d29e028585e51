//! Task-plan pairs (paper §3.1): extraction, filters, de-duplication, split, evolution.
//!
//! Knows documents as blocks of headings and lists, wherever they come from (`import/`). The paper's GPT-4o steps are
//! rules here, named as such in each row's `producer`.

mod config;
mod document;
mod evolve;
mod filter;
mod split;
mod stats;

use std::path::Path;

use lam_env::{Application, Document};
use lam_signal::{Cancel, Progress};
use lam_store::{write_atomic, write_task_plans};
use lam_types::TaskPlan;

pub use config::PlansConfig;
pub use document::extract;
pub use evolve::evolve;

use crate::CollectError;
use crate::aside::{Rejected, Unreadable, write_lines};
use crate::duplicate;
use crate::import::{Imported, SourceKind, answer, read_sources};

/// Collects the pairs of an application's documents and of the configured sources.
///
/// Writes `task_plans.parquet` (train and test), `rejected.jsonl`, `unreadable.jsonl` and `stats.json` below `output`
/// and returns the statistics: the first row of the paper's Table 1.
///
/// # Errors
/// A setting or source that cannot be used, documents without a single usable pair, or a file that cannot be written.
pub fn run(
    config: &PlansConfig,
    app: &dyn Application,
    output: &Path,
    progress: &dyn Progress,
    cancel: &Cancel,
) -> Result<serde_json::Value, CollectError> {
    config.check()?;
    let documents = if config.application_documents { app.documents(config.entries, config.seed) } else { Vec::new() };
    let mut extracted = extract_all(&documents, app.environment(), progress, cancel)?;
    let mut imported = read_sources(&config.sources, progress, cancel)?;
    extracted.extend(imported.iter_mut().flat_map(|source| std::mem::take(&mut source.pairs)));
    let (pairs, rejected) = construct(extracted.clone(), &mut imported, config);
    let counted = stats::Counted {
        documents: &documents,
        imported: &imported,
        extracted: &extracted,
        pairs: &pairs,
        rejected: &rejected,
    };
    let stats = counted.stats();
    let unreadable: Vec<&Unreadable> = imported.iter().flat_map(|source| &source.unreadable).collect();
    let (rejected_file, unreadable_file) = (output.join("rejected.jsonl"), output.join("unreadable.jsonl"));
    write_lines(&rejected_file, &rejected)?;
    write_lines(&unreadable_file, &unreadable)?;
    if pairs.is_empty() {
        let (rejected, unreadable) = (rejected_file.display(), unreadable_file.display());
        let hint = format!("a pair is a heading with an ordered list below it; {rejected} and {unreadable} say more");
        let documents = documents.len() + imported.iter().map(|source| source.documents).sum::<usize>();
        let found = extracted.len();
        let what = format!("no usable task-plan pair in {documents} documents ({found} found, all rejected)");
        return Err(CollectError::Nothing { what, hint });
    }
    write_task_plans(&output.join("task_plans.parquet"), &pairs)?;
    write_atomic(&output.join("stats.json"), format!("{stats:#}\n").as_bytes())?;
    Ok(stats)
}

fn extract_all(
    documents: &[Document],
    application: &str,
    progress: &dyn Progress,
    cancel: &Cancel,
) -> Result<Vec<TaskPlan>, CollectError> {
    progress.begin("task-plan pairs", Some(documents.len() as u64));
    let mut extracted = Vec::new();
    for (index, document) in documents.iter().enumerate() {
        if cancel.is_cancelled() {
            return Err(CollectError::Cancelled);
        }
        extracted.extend(extract(document, application)?);
        progress.advance(index as u64 + 1, &format!("{} pairs", extracted.len()));
    }
    progress.end();
    Ok(extracted)
}

/// Filters, removes duplicates, answers searches, splits and evolves; rejected pairs come back with their reasons.
fn construct(
    extracted: Vec<TaskPlan>,
    imported: &mut [Imported],
    config: &PlansConfig,
) -> (Vec<TaskPlan>, Vec<Rejected>) {
    let mut rejected: Vec<Rejected> =
        imported.iter_mut().flat_map(|source| std::mem::take(&mut source.rejected)).collect();
    let (kept, unusable) = filter::filter(extracted, config);
    let (mut pairs, duplicates) = duplicate::remove(kept, config.near_duplicate);
    rejected.extend(unusable.into_iter().chain(duplicates));
    let searches: Vec<TaskPlan> = config
        .sources
        .iter()
        .zip(imported.iter())
        .filter(|(source, _)| source.kind == SourceKind::Queries)
        .flat_map(|(source, import)| {
            let (answered, unanswered) = answer(&import.queries, source, &pairs, config.query_match);
            rejected.extend(unanswered);
            answered
        })
        .collect();
    if !searches.is_empty() {
        let (usable, unusable) = filter::filter(searches, config);
        let (all, duplicates) = duplicate::remove([pairs, usable].concat(), config.near_duplicate);
        rejected.extend(unusable.into_iter().chain(duplicates));
        pairs = all;
    }
    split::assign(&mut pairs, config.test_fraction);
    let evolved = evolve::evolve(&pairs, config);
    pairs.extend(evolved);
    (pairs, rejected)
}
