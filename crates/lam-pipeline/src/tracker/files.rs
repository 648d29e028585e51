//! The files of one training loop, in the form of one tracker.

use std::path::Path;

use lam_store::StoreError;

use super::choice::Tracker;
use super::loop_info::{LoopInfo, RunState};
use super::mlflow::MlflowRun;
use super::record::Record;
use super::tensorboard::EventFile;
use super::wandb::WandbRun;

pub(crate) enum TrackerFiles {
    Tensorboard(EventFile),
    Wandb(WandbRun),
    Mlflow(MlflowRun),
}

impl TrackerFiles {
    /// Whether there are files of this loop in the folder of trackers.
    pub fn are_in(root: &Path, tracker: Tracker, info: &LoopInfo) -> bool {
        let folder = root.join(tracker.folder());
        match tracker {
            Tracker::Tensorboard => EventFile::is_in(&folder.join(&info.name)),
            Tracker::Wandb => WandbRun::is_in(&folder, info),
            Tracker::Mlflow => MlflowRun::is_in(&folder, info),
        }
    }

    /// Begins them anew, with these records; `at` is the present, in seconds since 1970.
    pub fn begin(
        root: &Path,
        tracker: Tracker,
        info: &LoopInfo,
        at: f64,
        records: &[Record],
    ) -> Result<Self, StoreError> {
        let folder = root.join(tracker.folder());
        Ok(match tracker {
            Tracker::Tensorboard => Self::Tensorboard(EventFile::begin(&folder.join(&info.name), at, records)?),
            Tracker::Wandb => Self::Wandb(WandbRun::begin(&folder, info, records)?),
            Tracker::Mlflow => Self::Mlflow(MlflowRun::begin(&folder, info, at, records)?),
        })
    }

    /// Takes a record.
    pub fn append(&mut self, record: &Record) -> Result<(), StoreError> {
        match self {
            Self::Tensorboard(file) => file.append(record),
            Self::Wandb(run) => run.append(record),
            Self::Mlflow(run) => run.append(record),
        }
    }

    /// Says how the loop ended, and when, where the tracker wants to know.
    pub fn end(self, state: RunState, at: f64) -> Result<(), StoreError> {
        match self {
            Self::Tensorboard(_) => Ok(()),
            Self::Wandb(run) => run.end(state, at),
            Self::Mlflow(run) => run.end(state, at),
        }
    }
}
