//! Runs as they are compared: what their stages were told, their tables, and whether each task was solved.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use lam_store::{Manifest, file_name_of, read_manifest, visit_trajectories};
use serde_json::Value;

use super::evaluations::{RowNames, of_stage};
use super::stages::Stages;
use super::{once, placed, read_text, roots, stages, tables_of};
use crate::compare::{ComparedRun, ComparedStage, Comparison, FamilyOutcomes, setting_text};
use crate::error::ReportError;
use crate::run::StageRecord;
use crate::tables::{NAMES, over_seeds};

/// The runs in these directories beside each other; the first is the one that the others are held against.
///
/// # Errors
/// A directory without a completed stage, or a file in it that is unreadable or damaged.
pub fn compare(directories: &[PathBuf]) -> Result<Comparison, ReportError> {
    let names = names(directories);
    let runs = directories.iter().zip(names).map(|(directory, name)| read(directory, name));
    Ok(crate::compare::compare(&runs.collect::<Result<Vec<_>, _>>()?))
}

/// The last parts of the paths, as many as tell them apart.
fn names(directories: &[PathBuf]) -> Vec<String> {
    let whole = |path: &PathBuf| path.canonicalize().unwrap_or_else(|_| path.clone());
    let wholes: Vec<PathBuf> = directories.iter().map(whole).collect();
    let last = |path: &Path, count: usize| {
        let parts: Vec<_> = path.iter().collect();
        parts[parts.len().saturating_sub(count)..].iter().collect::<PathBuf>().display().to_string()
    };
    let deepest = wholes.iter().map(|path| path.iter().count()).max().unwrap_or(1);
    let told_apart = |count: &usize| {
        let mut names: Vec<String> = wholes.iter().map(|path| last(path, *count)).collect();
        names.sort();
        names.windows(2).all(|pair| pair[0] != pair[1])
    };
    let count = (1..=deepest).find(told_apart).unwrap_or(deepest);
    wholes.iter().map(|path| last(path, count)).collect()
}

fn read(directory: &Path, name: String) -> Result<ComparedRun, ReportError> {
    let mut run = ComparedRun { name, ..ComparedRun::default() };
    let (mut each, mut stale) = (Vec::new(), Vec::new());
    let mut first: Option<(Vec<(StageRecord, PathBuf)>, RowNames)> = None;
    for root in roots(directory)? {
        let Stages { current, stale: own } = stages::read(&root)?;
        stale.extend(placed(directory, &root, own));
        let Some(seed) = current.iter().map(|(stage, _)| stage.seed).min() else { continue };
        let (tables, names) = tables_of(&root, &current)?;
        run.by_seed.insert(seed, tables.clone());
        each.push(tables);
        first.get_or_insert((current, names));
    }
    let Some((stages, names)) = first else { return Err(ReportError::NoRun { path: directory.to_owned() }) };
    let tables = over_seeds(&each);
    let (once, _) = once(directory, &stale, &tables)?;
    for (record, path) in stages.iter().chain(&once.stages) {
        if let Some(manifest) = read_manifest(path)? {
            run.stages
                .push(ComparedStage { name: record.name.clone(), settings: settings(&manifest, each.len() == 1) });
        }
    }
    run.tables = tables.and(&once.tables);
    run.outcomes = outcomes(&once.stages, &once.names)?;
    if each.len() == 1 {
        run.outcomes.extend(outcomes(&stages, &names)?);
    }
    Ok(run)
}

/// All that a result depends on, by dotted key. The seed of a repetition counts where it is alone: the tables say it of
/// several.
fn settings(manifest: &Manifest, is_alone: bool) -> BTreeMap<String, String> {
    let mut settings = BTreeMap::new();
    flatten("", &manifest.config, &mut settings);
    settings.insert("kind".to_owned(), manifest.kind.clone());
    if is_alone {
        settings.insert("seed".to_owned(), manifest.seed.to_string());
    }
    if !manifest.arithmetic.is_empty() {
        settings.insert("numerics".to_owned(), manifest.arithmetic.clone());
    }
    for (role, inputs) in &manifest.inputs {
        // What another stage made differs by that stage's settings; what came from outside differs by its content.
        let told = inputs.iter().map(|input| match &input.stage {
            Some(_) => input.path.clone(),
            None => format!("{} ({})", input.path, crate::format::short_hash(&input.hash)),
        });
        settings.insert(format!("inputs.{role}"), told.collect::<Vec<_>>().join(", "));
    }
    for (name, hash) in &manifest.code {
        settings.insert(format!("code.{name}"), crate::format::short_hash(hash).to_owned());
    }
    settings
}

fn flatten(above: &str, value: &Value, settings: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let key = if above.is_empty() { key.clone() } else { format!("{above}.{key}") };
                flatten(&key, value, settings);
            }
        }
        value => drop(settings.insert(above.to_owned(), setting_text(value))),
    }
}

type OutcomesOfRows = BTreeMap<(String, String), FamilyOutcomes>;

/// Whether each task was solved, by table and row. Rows whose files are gone have none.
fn outcomes(stages: &[(StageRecord, PathBuf)], names: &RowNames) -> Result<OutcomesOfRows, ReportError> {
    let mut found = OutcomesOfRows::new();
    for (stage, path) in stages.iter().filter(|(stage, _)| stage.kind.starts_with("eval.")) {
        let own = of_stage(path)?;
        let readers: [ReadOutcomes; 3] = [of_plans, of_steps, of_episodes];
        for (table, read) in NAMES.into_iter().zip(readers) {
            for model in own.rows(table).keys() {
                if let Some(row) = names.of(table, &stage.name, model) {
                    found.insert((table.to_owned(), row.to_owned()), read(&path.join(file_name_of(model)))?);
                }
            }
        }
    }
    found.retain(|_, outcomes| !outcomes.0.is_empty());
    Ok(found)
}

/// Reads the outcomes of a row, given the path of its files without their extension.
type ReadOutcomes = fn(&Path) -> Result<FamilyOutcomes, ReportError>;

fn with_extension(path: &Path, extension: &str) -> PathBuf {
    // A model's name may hold a dot.
    let mut name = path.as_os_str().to_owned();
    name.push(extension);
    PathBuf::from(name)
}

/// Episodes that the environment ended count in no table.
fn of_episodes(path: &Path) -> Result<FamilyOutcomes, ReportError> {
    let file = with_extension(path, ".parquet");
    let mut outcomes = FamilyOutcomes::default();
    if file.exists() {
        visit_trajectories(&file, |episode| {
            if episode.environment_error.is_none() {
                let solved = episode.succeeded();
                outcomes.0.insert(episode.task.task_id, (episode.task.family, solved));
            }
            ControlFlow::Continue(())
        })?;
    }
    Ok(outcomes)
}

fn of_plans(path: &Path) -> Result<FamilyOutcomes, ReportError> {
    of_lines(&with_extension(path, ".plans.jsonl"), |item, outcomes| {
        let (task, family) = (text(item, "task_id"), text(item, "family"));
        outcomes.0.insert(task, (family, item["comparison"]["solved"].as_bool().unwrap_or(false)));
    })
}

/// A task is solved where each of its steps is right: object, operation and status.
fn of_steps(path: &Path) -> Result<FamilyOutcomes, ReportError> {
    of_lines(&with_extension(path, ".steps.jsonl"), |item, outcomes| {
        let is_right = ["object", "operation", "status"].iter().all(|part| item["score"][part] == true);
        let entry = outcomes.0.entry(text(item, "trajectory_id")).or_insert_with(|| (text(item, "family"), true));
        entry.1 &= is_right;
    })
}

fn of_lines(path: &Path, add: impl Fn(&Value, &mut FamilyOutcomes)) -> Result<FamilyOutcomes, ReportError> {
    let mut outcomes = FamilyOutcomes::default();
    if path.exists() {
        for line in read_text(path)?.lines() {
            let item =
                serde_json::from_str(line).map_err(|source| ReportError::Json { path: path.to_owned(), source })?;
            add(&item, &mut outcomes);
        }
    }
    Ok(outcomes)
}

fn text(item: &Value, key: &str) -> String {
    item[key].as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_called_by_as_much_of_their_paths_as_tells_them_apart() {
        let of = |paths: &[&str]| names(&paths.iter().map(PathBuf::from).collect::<Vec<_>>());
        assert_eq!(of(&["/x/quickstart", "/x/slower"]), ["quickstart", "slower"]);
        assert_eq!(of(&["/x/old/quickstart", "/x/new/quickstart"]), ["old/quickstart", "new/quickstart"]);
    }
}
