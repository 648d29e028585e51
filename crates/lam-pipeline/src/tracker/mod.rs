//! Figures of training on their way to trackers: kept with their times (`record.rs`), and written in each tracker's own
//! form. All of it lies in `trackers/` of the run directory, beside the results and in none of them, so that a tracker may
//! be chosen or left out at any time without a stage being made again. Knows no stage.

mod choice;
mod crc32;
mod files;
mod loop_info;
mod mlflow;
mod protobuf;
mod record;
mod tensorboard;
mod transaction_log;
mod wandb;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lam_store::{Journal, StoreError, claim, remove_file, write_atomic};

pub use choice::{ReportTo, Tracker, UnknownTracker};
pub(crate) use loop_info::{LoopInfo, RunState};

use files::TrackerFiles;
use record::{Record, read_records, resume_records};

/// Name of the folder in a run directory.
pub(crate) const TRACKERS_DIR: &str = "trackers";
/// Stands for the stage in the names of records that are kept for other runs.
const LOOP: &str = "loop";

/// What the trackers are told of one stage.
pub(crate) struct StageTrackers {
    root: PathBuf,
    stage: LoopInfo,
    trackers: Vec<Tracker>,
    /// By the directory in which a loop keeps its files.
    loops: BTreeMap<PathBuf, Loop>,
}

/// The files of a loop that is under way.
struct Loop {
    journal: Journal,
    files: Vec<TrackerFiles>,
}

/// The folder with runs of Weights & Biases in a run directory, if any of them has not been uploaded yet.
pub fn wandb_runs_to_sync(run_dir: &Path) -> Option<PathBuf> {
    let folder = run_dir.join(TRACKERS_DIR).join(Tracker::Wandb.folder());
    wandb::has_unsynced(&folder).then_some(folder)
}

impl StageTrackers {
    /// Of a stage, called by its id; nothing is written yet.
    pub fn new(run_dir: &Path, stage: LoopInfo, report_to: &ReportTo) -> Self {
        let (root, trackers) = (run_dir.join(TRACKERS_DIR), report_to.trackers().to_vec());
        Self { root, stage, trackers, loops: BTreeMap::new() }
    }

    /// A loop goes on behind a step: `directory` tells it apart, `below` is where that lies in the stage's result.
    pub fn resume(&mut self, directory: &Path, below: &Path, step: u64, at: f64) -> Result<(), StoreError> {
        claim(&self.root)?;
        let info = self.info(&loop_name(&self.stage.name, below));
        let (journal, records) = resume_records(&self.records(&info.name), step)?;
        let begin = |tracker: &Tracker| TrackerFiles::begin(&self.root, *tracker, &info, at, &records);
        let files = self.trackers.iter().map(begin).collect::<Result<_, _>>()?;
        self.loops.insert(directory.to_path_buf(), Loop { journal, files });
        Ok(())
    }

    /// Figures of a loop.
    pub fn write(
        &mut self,
        directory: &Path,
        step: u64,
        values: &BTreeMap<String, f32>,
        at: f64,
    ) -> Result<(), StoreError> {
        let Some(Loop { journal, files }) = self.loops.get_mut(directory) else { return Ok(()) };
        let record = Record::new(at, step, values);
        journal.append(&record)?;
        files.iter_mut().try_for_each(|files| files.append(&record))
    }

    /// The stage has ended.
    pub fn end(&mut self, state: RunState, at: f64) -> Result<(), StoreError> {
        let mut files = std::mem::take(&mut self.loops).into_values().flat_map(|one| one.files);
        files.try_for_each(|files| files.end(state, at))
    }

    /// Makes the files of trackers that were chosen after the stage had run, which ended at `at`.
    pub fn catch_up(&self, at: f64) -> Result<(), StoreError> {
        for name in self.recorded() {
            let info = self.info(&name);
            let is_told = |tracker: &&Tracker| TrackerFiles::are_in(&self.root, **tracker, &info);
            self.trackers.iter().filter(|tracker| !is_told(tracker)).try_for_each(|one| self.tell(*one, &info, at))?;
        }
        Ok(())
    }

    /// Tells a tracker all that is kept of a loop, which ended at `at`.
    fn tell(&self, tracker: Tracker, info: &LoopInfo, at: f64) -> Result<(), StoreError> {
        let records = read_records(&self.records(&info.name))?;
        TrackerFiles::begin(&self.root, tracker, info, at, &records)?.end(RunState::Finished, at)
    }

    /// Copies what was told of the stage into a directory, under names that are not the stage's.
    pub fn keep_records(&self, directory: &Path) -> Result<(), StoreError> {
        self.recorded().into_iter().try_for_each(|name| {
            let part = name.strip_prefix(&self.stage.name).unwrap_or_default();
            copy(&self.records(&name), &directory.join(format!("{LOOP}{part}.jsonl")))
        })
    }

    /// Takes over what [`StageTrackers::keep_records`] has copied, as what was told of this stage, which ended at `at`, and
    /// tells it to the trackers. What was told before is of a result that is gone.
    pub fn take_records(&self, directory: &Path, at: f64) -> Result<(), StoreError> {
        self.recorded().iter().try_for_each(|name| remove_file(&self.records(name)))?;
        let names = std::fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.file_name());
        for name in names.filter_map(|name| name.into_string().ok()) {
            let Some(part) = name.strip_prefix(LOOP).and_then(|rest| rest.strip_suffix(".jsonl")) else { continue };
            let info = self.info(&format!("{}{part}", self.stage.name));
            claim(&self.root)?;
            copy(&directory.join(&name), &self.records(&info.name))?;
            self.trackers.iter().try_for_each(|tracker| self.tell(*tracker, &info, at))?;
        }
        Ok(())
    }

    /// The names of the stage's loops of which there are records.
    fn recorded(&self) -> Vec<String> {
        let own = self.records(&self.stage.name);
        let files = own.parent().and_then(|folder| std::fs::read_dir(folder).ok()).into_iter().flatten().flatten();
        let stem = |name: &str| name.strip_suffix(".jsonl").map(str::to_owned);
        let stems = files.filter_map(|file| file.file_name().to_str().and_then(stem));
        let (group, leaf) = self.stage.name.rsplit_once('/').map_or(("", &*self.stage.name), |parts| parts);
        let is_its = |stem: &String| stem.split('.').next() == Some(leaf);
        let mut names: Vec<String> =
            stems.filter(is_its).map(|stem| Path::new(group).join(stem).display().to_string()).collect();
        names.sort();
        names
    }

    fn info(&self, name: &str) -> LoopInfo {
        LoopInfo { name: name.to_owned(), ..self.stage.clone() }
    }

    fn records(&self, name: &str) -> PathBuf {
        self.root.join("figures").join(format!("{name}.jsonl"))
    }
}

/// A file of its own: the first one may be appended to.
fn copy(from: &Path, to: &Path) -> Result<(), StoreError> {
    let bytes = std::fs::read(from).map_err(StoreError::io("read", from))?;
    write_atomic(to, &bytes)
}

/// `lam4.reward` for a loop in the folder `reward` of stage `lam4`, or in `reward/training`; `lam2` for one in `training`.
fn loop_name(stage: &str, below: &Path) -> String {
    let parts = below.iter().map(|part| part.to_string_lossy()).filter(|part| part != "training");
    std::iter::once(stage.into()).chain(parts).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_is_called_by_its_stage_and_its_part_of_it() {
        for (below, name) in
            [("", "seed-1/lam2"), ("training", "seed-1/lam2"), ("reward/training", "seed-1/lam2.reward")]
        {
            assert_eq!(loop_name("seed-1/lam2", Path::new(below)), name);
        }
    }
}
