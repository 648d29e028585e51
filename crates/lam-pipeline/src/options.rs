//! What somebody asks of a run besides its pipeline. Knows no stage.

use std::path::PathBuf;
use std::time::SystemTime;

use lam_cuda::DeviceChoice;
use lam_signal::Cancel;

use crate::tracker::ReportTo;

/// The directory of all runs, where none is named.
pub const RUNS_DIR: &str = "runs";

/// How a run is asked for.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// Directory of all runs.
    pub runs_dir: PathBuf,
    /// The option that names another place for results, as hints tell it.
    pub place_option: &'static str,
    /// Leave out what stands before this stage.
    pub from: Option<String>,
    /// Leave out what stands after this stage.
    pub until: Option<String>,
    /// Leave out what this stage does not need; a stage of one seed is named `seed-N/STAGE`.
    pub only: Option<String>,
    /// Run these stages even if their results are there.
    pub force: Vec<String>,
    /// Whether stages that another run in this directory has made are taken from there, and results kept for other runs;
    /// else all is made here, and nothing is written beside the run directory.
    pub reuse: bool,
    /// Start unfinished stages from nothing.
    pub fresh: bool,
    /// The checkpoint from which a stage resumes, instead of its last one.
    pub resume: Option<NamedCheckpoint>,
    /// On which device models compute, whatever the pipeline says.
    pub device: Option<DeviceChoice>,
    /// The trackers that figures go to, whatever the pipeline says.
    pub report_to: Option<ReportTo>,
    /// What the bits of results depend on beside settings and inputs, in words: the numerics, and whose they are. It is
    /// written down beside every result.
    pub arithmetic: String,
    /// Stops the run at the next safe point.
    pub cancel: Cancel,
    /// The clock of journals and durations.
    pub now: fn() -> SystemTime,
}

/// From where a stage resumes, as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedCheckpoint {
    /// The stage, where one was named.
    pub stage: Option<String>,
    /// The checkpoint's directory.
    pub directory: PathBuf,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            runs_dir: PathBuf::from(RUNS_DIR),
            place_option: "--runs-dir",
            from: None,
            until: None,
            only: None,
            force: Vec::new(),
            reuse: true,
            fresh: false,
            resume: None,
            device: None,
            report_to: None,
            arithmetic: String::new(),
            cancel: Cancel::default(),
            now: SystemTime::now,
        }
    }
}
