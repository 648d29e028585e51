//! A run by the manifests of its stages: which results are there, and which still belong to the others.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lam_store::{Manifest, StoreError, read_manifest};

use crate::PublishError;

/// A run's results.
#[derive(Debug)]
pub struct Run {
    /// Its directory.
    pub(crate) directory: PathBuf,
    /// Its stages by name.
    stages: BTreeMap<String, StageResult>,
}

/// What a stage made.
#[derive(Debug)]
pub(crate) struct StageResult {
    pub(crate) place: PathBuf,
    pub(crate) manifest: Manifest,
}

impl Run {
    /// Whether the directory holds a run: stages with manifests, and none of its own.
    ///
    /// # Errors
    /// A directory or a manifest that cannot be read.
    pub fn is_here(directory: &Path) -> Result<bool, PublishError> {
        let is_result = read_manifest(directory)?.is_some();
        Ok(!is_result && !results(directory)?.is_empty())
    }

    /// Whether the directory holds a run's repetitions over seeds alone. It is no directory that somebody means to send as it
    /// stands: in it are all models and tables of all seeds.
    ///
    /// # Errors
    /// As [`Run::is_here`].
    pub fn is_over_seeds(directory: &Path) -> Result<bool, PublishError> {
        Ok(results(directory)?.is_empty() && !seeds(directory)?.is_empty())
    }

    /// The run in the directory.
    ///
    /// # Errors
    /// A directory without one, or manifests that cannot be read.
    pub fn open(directory: &Path) -> Result<Self, PublishError> {
        let stages = results(directory)?;
        if stages.is_empty() {
            let seeds = folders(directory)?.into_iter().find(|path| is_seed(path));
            let hint = match seeds {
                Some(seed) => format!("it repeats a run over seeds: name one, such as {}", seed.display()),
                None => "name the directory of a run, such as runs/quickstart".to_owned(),
            };
            return Err(PublishError::NoRun { path: directory.to_owned(), hint });
        }
        let named = stages.into_iter().map(|stage| (stage.manifest.stage.clone(), stage));
        Ok(Self { directory: directory.to_owned(), stages: named.collect() })
    }

    /// Its name.
    pub(crate) fn name(&self) -> String {
        self.stages.values().next().map(|stage| stage.manifest.pipeline.clone()).unwrap_or_default()
    }

    /// Its stages in the order in which they were made.
    pub(crate) fn stages(&self) -> Vec<&StageResult> {
        let mut stages: Vec<&StageResult> = self.stages.values().collect();
        stages.sort_by_key(|stage| (stage.manifest.started_at, &stage.manifest.stage));
        stages
    }

    /// Why a stage's result is not what the run's stages would make now; `None` where it is.
    pub(crate) fn outdated(&self, stage: &StageResult) -> Result<Option<String>, StoreError> {
        if let Some(damage) = stage.manifest.damage(&stage.place)? {
            return Ok(Some(format!("{damage} after it was made")));
        }
        Ok(self
            .made_from(stage, &mut Vec::new())
            .map(|input| format!("it was made from `{input}`, which is another now")))
    }

    /// The first stage on the way to the result that is not, or not any more, what it was made from.
    fn made_from<'a>(&'a self, stage: &'a StageResult, above: &mut Vec<&'a str>) -> Option<&'a str> {
        let name = stage.manifest.stage.as_str();
        if above.contains(&name) {
            return None;
        }
        above.push(name);
        stage.manifest.inputs.values().flatten().find_map(|input| {
            let parent = self.stages.get(input.stage.as_deref()?)?;
            match parent.manifest.holds(&input.path, &input.hash) {
                true => self.made_from(parent, above),
                false => Some(parent.manifest.stage.as_str()),
            }
        })
    }
}

/// What the stages in a directory made; no stage has a dot in its name, as results on their way have.
fn results(directory: &Path) -> Result<Vec<StageResult>, StoreError> {
    let read = |place: PathBuf| Ok(read_manifest(&place)?.map(|manifest| StageResult { place, manifest }));
    let places = folders(directory)?.into_iter().filter(|place| !file_name(place).contains('.'));
    places.filter_map(|place| read(place).transpose()).collect()
}

fn is_seed(path: &Path) -> bool {
    file_name(path).starts_with("seed-")
}

/// The repetitions of a run, each for a seed, that have a result.
pub(crate) fn seeds(directory: &Path) -> Result<Vec<PathBuf>, PublishError> {
    let mut found = Vec::new();
    for place in folders(directory)?.into_iter().filter(|path| is_seed(path)) {
        if !results(&place)?.is_empty() {
            found.push(place);
        }
    }
    Ok(found)
}

/// The folders in a directory; hidden ones are work in progress.
pub(crate) fn folders(directory: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let is_shown = |path: &PathBuf| path.is_dir() && !file_name(path).starts_with('.');
    Ok(entries(directory)?.into_iter().filter(is_shown).collect())
}

/// What lies right in a directory, by name.
pub(crate) fn entries(directory: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let entries = std::fs::read_dir(directory).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
    let entries = entries.map_err(StoreError::io("read", directory))?;
    let mut found: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    found.sort();
    Ok(found)
}

pub(crate) fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
