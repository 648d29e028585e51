//! Task-plan pairs (paper §3.1): extraction, filters, de-duplication, split, evolution.
//!
//! Knows documents as Markdown, wherever they come from. The paper's GPT-4o steps are rules here, named as such in
//! each row's `producer`.

mod config;
mod duplicate;
mod evolve;
mod filter;
mod markdown;
mod split;
mod stats;

use std::path::Path;

use lam_env::Application;
use lam_store::{Cancel, Progress, write_atomic, write_task_plans};
use lam_types::TaskPlan;
use serde::Serialize;

pub use config::PlansConfig;
pub use evolve::evolve;
pub use filter::Rejection;
pub use markdown::extract;

use crate::CollectError;

/// A pair that is not used, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rejected {
    /// Why.
    pub reason: Rejection,
    /// The value that is at fault, or the pair it repeats.
    pub detail: String,
    /// The pair.
    pub pair: TaskPlan,
}

/// Collects the pairs of an application's documents.
///
/// Writes `task_plans.parquet` (train and test), `rejected.jsonl` and `stats.json` below `output` and returns the
/// statistics: the first row of the paper's Table 1.
///
/// # Errors
/// A setting that cannot be used, documents without a single usable pair, or a disk that refuses.
pub fn run(
    config: &PlansConfig,
    app: &dyn Application,
    output: &Path,
    progress: &dyn Progress,
    cancel: &Cancel,
) -> Result<serde_json::Value, CollectError> {
    config.check()?;
    let documents = app.documents(config.entries, config.seed);
    progress.begin("task-plan pairs", Some(documents.len() as u64));
    let mut extracted = Vec::new();
    for (index, document) in documents.iter().enumerate() {
        if cancel.is_cancelled() {
            return Err(CollectError::Cancelled);
        }
        extracted.extend(extract(document, app.environment()));
        progress.advance(index as u64 + 1, &format!("{} pairs", extracted.len()));
    }
    let (pairs, rejected) = construct(extracted.clone(), config);
    if pairs.is_empty() {
        let hint = "hint: a pair is a heading with an ordered list below it";
        let (documents, extracted) = (documents.len(), extracted.len());
        return Err(CollectError::Nothing(format!(
            "no usable task-plan pair in {documents} documents ({extracted} found, all rejected)\n{hint}"
        )));
    }
    let stats = stats::stats(&documents, &extracted, &pairs, &rejected);
    write(output, &pairs, &rejected, &stats)?;
    progress.end();
    Ok(stats)
}

/// Filters, removes duplicates, splits and evolves; rejected pairs come back with their reasons.
fn construct(extracted: Vec<TaskPlan>, config: &PlansConfig) -> (Vec<TaskPlan>, Vec<Rejected>) {
    let (kept, mut rejected) = filter::filter(extracted, config);
    let (mut pairs, duplicates) = duplicate::remove(kept, config.near_duplicate);
    rejected.extend(duplicates);
    split::assign(&mut pairs, config.test_fraction);
    let evolved = evolve::evolve(&pairs, config);
    pairs.extend(evolved);
    (pairs, rejected)
}

fn write(
    output: &Path,
    pairs: &[TaskPlan],
    rejected: &[Rejected],
    stats: &serde_json::Value,
) -> Result<(), CollectError> {
    write_task_plans(&output.join("task_plans.parquet"), pairs)?;
    let line = |rejected: &Rejected| serde_json::to_string(rejected).expect("pairs have string keys") + "\n";
    let lines: String = rejected.iter().map(line).collect();
    write_atomic(&output.join("rejected.jsonl"), lines.as_bytes())?;
    write_atomic(&output.join("stats.json"), format!("{stats:#}\n").as_bytes())?;
    Ok(())
}
