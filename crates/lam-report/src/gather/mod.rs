//! Reads what the stages of a run have left on disk. A part that is not there yet is simply not in the result.

mod ablations;
mod chain;
mod compared;
mod coverage;
pub mod curves;
mod evaluations;
mod pictures;
mod rows;
mod sample;
mod stages;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use self::chain::Evaluation;
pub use self::compared::compare;
use self::evaluations::RowNames;
pub use self::evaluations::of_stage;
use self::stages::Stages;
use crate::error::ReportError;
use crate::families::Families;
use crate::run::{Run, StageRecord, StaleStage};
use crate::tables::{Tables, over_seeds};

/// One repetition of the pipeline.
struct Repetition {
    /// The name of its directory.
    place: String,
    stages: Vec<(StageRecord, PathBuf)>,
    tables: Tables,
    /// What the rows of the tables are called.
    names: RowNames,
    ablations: Vec<Evaluation>,
}

/// Stages of a run over seeds that ran once, with the results of all seeds at hand.
#[derive(Default)]
struct Once {
    stages: Vec<(StageRecord, PathBuf)>,
    tables: Tables,
    names: RowNames,
}

/// Reads the run in `directory`: stages in it, or one run for each seed in its directories `seed-*`, and the stages that ran
/// once, beside these.
///
/// # Errors
/// When the directory holds no completed stage, or a file in it is unreadable or damaged.
pub fn gather(directory: &Path) -> Result<Run, ReportError> {
    let mut repetitions = Vec::new();
    let mut stale = Vec::new();
    for root in roots(directory)? {
        let read = stages::read(&root)?;
        stale.extend(placed(directory, &root, read.stale));
        let (tables, names) = tables_of(&root, &read.current)?;
        if !read.current.is_empty() {
            let ablations = ablations::read(&read.current)?;
            repetitions.push(Repetition { place: file_name(&root), stages: read.current, tables, names, ablations });
        }
    }
    let [first, others @ ..] = repetitions.as_slice() else {
        return Err(ReportError::NoRun { path: directory.to_owned() });
    };
    let each: Vec<Tables> = repetitions.iter().map(|one| one.tables.clone()).collect();
    let tables = over_seeds(&each);
    let (once, stale_once) = once(directory, &stale, &tables)?;
    stale.extend(stale_once);
    let tables = tables.and(&once.tables);
    let shown: Vec<(StageRecord, PathBuf)> = first.stages.iter().chain(&once.stages).cloned().collect();
    let names = first.names.clone().and(once.names);
    let mut families = Families::default();
    let rows = rows::read(directory, &shown, &names, &mut families);
    others.iter().for_each(|one| rows::count_families(&one.stages, &one.names, &mut families));
    let stages: Vec<StageRecord> = shown.iter().map(|(stage, _)| stage.clone()).collect();
    let places: Vec<&str> = repetitions.iter().map(|one| one.place.as_str()).collect();
    let beside = ablations::read_once(&once.stages, &stages, &places)?;
    let own = repetitions.iter().map(|one| one.ablations.as_slice());
    let compared: Vec<Vec<Evaluation>> = own.zip(&beside).map(|(own, beside)| [own, beside].concat()).collect();
    Ok(Run {
        name: name(directory),
        place: if directory.is_absolute() { String::new() } else { format!("{}/", directory.display()) },
        command: String::new(),
        state: String::new(),
        seeds: repetitions.iter().filter_map(|one| one.stages.iter().map(|(stage, _)| stage.seed).min()).collect(),
        stale,
        once: once.stages.into_iter().map(|(stage, _)| stage.name).collect(),
        curves: curves::read(&shown)?,
        coverage: coverage::read(&shown)?,
        ablations: chain::tables(&stages, &compared),
        tables,
        tables_by_seed: if each.len() > 1 { each } else { Vec::new() },
        families,
        pictures: pictures::read(&shown, &rows.sample.episodes),
        episodes: rows.sample.episodes,
        trajectories_total: rows.sample.total,
        data: rows.files,
        stages,
    })
}

/// The stages beside the seeds, and those of them that are stale; `tables` have the rows of the seeds, as whose none is called.
fn once(
    directory: &Path,
    stale_of_seeds: &[StaleStage],
    tables: &Tables,
) -> Result<(Once, Vec<StaleStage>), ReportError> {
    if roots(directory)?.iter().all(|root| root == directory) {
        return Ok((Once::default(), Vec::new()));
    }
    let Stages { current, stale } = stages::read_over(directory, stale_of_seeds)?;
    let (tables, names) = evaluations::read(&current, tables)?;
    Ok((Once { stages: current, tables, names }, stale))
}

/// The stale stages of a seed, named with its directory.
fn placed(directory: &Path, root: &Path, stale: Vec<StaleStage>) -> impl Iterator<Item = StaleStage> {
    let below = root.strip_prefix(directory).unwrap_or(root).to_owned();
    stale.into_iter().map(move |stage| StaleStage { name: below.join(stage.name).display().to_string(), ..stage })
}

/// What a run is called: as its directory is.
pub fn name(directory: &Path) -> String {
    let known = if directory.file_name().is_some() { directory.to_owned() } else { lam_store::resolved(directory) };
    known.file_name().map_or_else(|| "run".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// The tables of a run alone, and how many repetitions they are means over; then those of stages that ran once, beside the
/// seeds. No trajectory is read.
///
/// # Errors
/// As [`gather`].
pub fn tables(directory: &Path) -> Result<[(Tables, usize); 2], ReportError> {
    let (mut each, mut stale) = (Vec::new(), Vec::new());
    for root in roots(directory)? {
        let Stages { current, stale: own } = stages::read(&root)?;
        stale.extend(placed(directory, &root, own));
        if !current.is_empty() {
            each.push(tables_of(&root, &current)?.0);
        }
    }
    if each.is_empty() {
        return Err(ReportError::NoRun { path: directory.to_owned() });
    }
    let tables = over_seeds(&each);
    let once = once(directory, &stale, &tables)?.0.tables;
    // Of one seed, all are figures of one repetition.
    Ok(match each.len() {
        1 => [(tables.and(&once), 1), (Tables::default(), 1)],
        several => [(tables, several), (once, 1)],
    })
}

/// The tables of one repetition, and what their rows are called; models bear the same names in all of them.
fn tables_of(root: &Path, stages: &[(StageRecord, PathBuf)]) -> Result<(Tables, RowNames), ReportError> {
    let (tables, names) = evaluations::read(stages, &Tables::default())?;
    if !is_seed(root) {
        return Ok((tables, names));
    }
    let place = file_name(root);
    Ok((tables.without_place(&place), names.without_place(&place)))
}

/// Whether any stage has completed, by the manifests alone.
///
/// # Errors
/// No directory, or a manifest that cannot be read.
pub fn has_result(directory: &Path) -> Result<bool, ReportError> {
    for root in roots(directory)? {
        if !stages::read(&root)?.current.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Hash over every stage's name and content, and over the version of this program.
///
/// # Errors
/// As [`gather`].
pub fn state(directory: &Path) -> Result<String, ReportError> {
    let mut text = format!("{}\n", env!("CARGO_PKG_VERSION"));
    let roots = roots(directory)?;
    let beside = roots.iter().all(|root| root != directory).then(|| directory.to_owned());
    for root in roots.into_iter().chain(beside) {
        for (stage, path) in stages::read(&root)?.current {
            text.push_str(&format!(
                "{} {} {}\n",
                path.strip_prefix(directory).unwrap_or(&path).display(),
                stage.output_hash,
                stage.duration_s
            ));
        }
    }
    Ok(lam_store::hash_bytes(text.as_bytes()))
}

/// Directories that hold one repetition each.
///
/// # Errors
/// No directory, or one that cannot be listed.
pub fn roots(directory: &Path) -> Result<Vec<PathBuf>, ReportError> {
    if !directory.is_dir() {
        return Err(ReportError::NoRun { path: directory.to_owned() });
    }
    let seeds: Vec<PathBuf> = directories(directory)?.into_iter().filter(|path| is_seed(path)).collect();
    Ok(if seeds.is_empty() { vec![directory.to_owned()] } else { seeds })
}

fn is_seed(path: &Path) -> bool {
    file_name(path).starts_with("seed-")
}

/// Directories in `path`, by name. Those with a dot are work in progress, and results on their way: nothing of a run is
/// called so.
fn directories(path: &Path) -> Result<Vec<PathBuf>, ReportError> {
    let entries =
        fs::read_dir(path).map_err(|source| ReportError::Io { action: "list", path: path.to_owned(), source })?;
    let mut found: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    found.retain(|path| !file_name(path).contains('.'));
    found.sort();
    Ok(found)
}

/// Files with this extension in `path` and below it, by path; checkpoints are left out.
pub fn files_below(path: &Path, depth: usize, extension: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(path) else { return Vec::new() };
    let mut entries: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    let mut found = Vec::new();
    for entry in entries {
        if entry.is_dir() {
            let skipped = file_name(&entry).starts_with("checkpoint") || file_name(&entry).starts_with('.');
            if depth > 0 && !skipped {
                found.extend(files_below(&entry, depth - 1, extension));
            }
        } else if entry.extension().is_some_and(|own| own == extension) {
            found.push(entry);
        }
    }
    found
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn read_text(path: &Path) -> Result<String, ReportError> {
    fs::read_to_string(path).map_err(|source| ReportError::Io { action: "read", path: path.to_owned(), source })
}

fn read_json(path: &Path) -> Result<Value, ReportError> {
    serde_json::from_str(&read_text(path)?).map_err(|source| ReportError::Json { path: path.to_owned(), source })
}
