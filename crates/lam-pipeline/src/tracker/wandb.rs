//! Directories of offline runs as the client of Weights & Biases makes them: `wandb sync` uploads what is in them, whenever
//! somebody wants that. Nothing is sent from here, and no key is read.
//!
//! A log (`transaction_log.rs`) of messages `Record`: the run with its settings, the figures of each step (history) and
//! what they are now (summary), and how it ended. Numbers of fields: `wandb/proto/wandb_internal.proto`.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use chrono::DateTime;
use lam_store::{StoreError, hash_bytes, remove_directory, write_atomic};

use super::loop_info::{LoopInfo, RunState};
use super::protobuf::{field_bytes, field_varint};
use super::record::{Record, tag};
use super::transaction_log::{HEADER, frame};

const DIRECTORY: &str = "offline-run-";

/// The files of one run.
pub(crate) struct WandbRun {
    folder: PathBuf,
    info: LoopInfo,
    /// `None` until there are figures: a run is called by their first time.
    log: Option<Log>,
    /// The figures of the last step, which are written once another step or the end comes: a run has one row a step.
    row: Option<Record>,
}

/// A log that has been begun.
struct Log {
    path: PathBuf,
    file: File,
    /// Bytes in the file.
    length: u64,
    /// Records in the file.
    records: u64,
    started_at: f64,
}

impl WandbRun {
    /// Whether the folder has a directory of this loop.
    pub fn is_in(folder: &Path, info: &LoopInfo) -> bool {
        !directories(folder, info).is_empty()
    }

    /// Begins the run's files anew, with these records. With the first of them it keeps its name and its directory, and
    /// what was uploaded of it is continued; without one it is another run.
    pub fn begin(folder: &Path, info: &LoopInfo, records: &[Record]) -> Result<Self, StoreError> {
        directories(folder, info).iter().try_for_each(|directory| remove_directory(directory))?;
        let mut run = Self { folder: folder.to_path_buf(), info: info.clone(), log: None, row: None };
        records.iter().try_for_each(|record| run.append(record))?;
        Ok(run)
    }

    /// Takes the record's figures, and writes those of the step before.
    pub fn append(&mut self, record: &Record) -> Result<(), StoreError> {
        if self.log.is_none() {
            self.log = Some(Log::begin(&self.folder, &self.info, record.at)?);
        }
        match &mut self.row {
            Some(row) if row.step == record.step => {
                row.at = record.at;
                row.values.extend(record.values.clone());
                Ok(())
            }
            row => {
                let before = row.replace(record.clone());
                self.write(before.as_ref())
            }
        }
    }

    /// Says how it ended, and when.
    pub fn end(mut self, state: RunState, at: f64) -> Result<(), StoreError> {
        let row = self.row.take();
        self.write(row.as_ref())?;
        let code = match state {
            RunState::Finished => 0,
            RunState::Failed => 1,
            RunState::Killed => 255,
        };
        let Some(log) = &mut self.log else { return Ok(()) };
        let seconds = (at - log.started_at) as u64;
        // `Record { exit = 18 }`, `RunExitRecord { exit_code = 1, runtime = 2 }`.
        log.write(&field_bytes(18, &[field_varint(1, code), field_varint(2, seconds)].concat()))
    }

    /// A row as history and as summary.
    fn write(&mut self, row: Option<&Record>) -> Result<(), StoreError> {
        let (Some(log), Some(row)) = (&mut self.log, row) else { return Ok(()) };
        let items = items(row, log.started_at);
        // `Record { history = 2, summary = 3 }`, `HistoryRecord { item = 1, step = 2 }`, `HistoryStep { num = 1 }`.
        let step = field_bytes(2, &field_varint(1, row.step));
        log.write(&field_bytes(2, &[&items[..], &step].concat()))?;
        log.write(&field_bytes(3, &items))
    }
}

impl Log {
    fn begin(folder: &Path, info: &LoopInfo, started_at: f64) -> Result<Self, StoreError> {
        let id = format!("{}{:x}", loop_id(info), (1000.0 * started_at) as u64);
        let directory = folder.join(format!("{DIRECTORY}{}-{id}", moment(started_at)));
        let files = directory.join("files");
        std::fs::create_dir_all(&files).map_err(StoreError::io("create directory", &files))?;
        let path = directory.join(format!("run-{id}.wandb"));
        write_atomic(&path, &HEADER)?;
        let file = OpenOptions::new().append(true).open(&path).map_err(StoreError::io("open", &path))?;
        let mut log = Self { path, file, length: HEADER.len() as u64, records: 0, started_at };
        log.write(&run_record(&id, info, started_at))?;
        Ok(log)
    }

    /// Appends a `Record { num = 1 }` with this content.
    fn write(&mut self, content: &[u8]) -> Result<(), StoreError> {
        self.records += 1;
        let bytes = frame(self.length, &[&field_varint(1, self.records), content].concat());
        self.length += bytes.len() as u64;
        self.file.write_all(&bytes).map_err(StoreError::io("write", &self.path))
    }
}

/// The directories of a loop, which are called by it and by when it began.
fn directories(folder: &Path, info: &LoopInfo) -> Vec<PathBuf> {
    let id = loop_id(info);
    let is_its = |name: &str| {
        name.strip_prefix(DIRECTORY).and_then(|name| name.split_once('-')).is_some_and(|(_, run)| run.starts_with(&id))
    };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let its = entries.filter(|entry| entry.file_name().to_str().is_some_and(is_its));
    its.map(|entry| entry.path()).collect()
}

/// Whether the folder has runs that `wandb sync` has not uploaded yet; it leaves a mark beside those that it has.
pub(crate) fn has_unsynced(folder: &Path) -> bool {
    let runs = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let files = runs.filter_map(|run| std::fs::read_dir(run.path()).ok()).flatten().flatten().map(|file| file.path());
    let mut logs = files.filter(|path| path.extension().is_some_and(|extension| extension == "wandb"));
    logs.any(|log| !log.with_extension("wandb.synced").exists())
}

/// The same for a loop whenever it is run.
fn loop_id(info: &LoopInfo) -> String {
    let hash = hash_bytes(format!("{}/{}", info.pipeline, info.name).as_bytes());
    hash.get(..8).unwrap_or(&hash).to_owned()
}

/// Date and time in UTC, as they stand in the names of directories.
fn moment(seconds: f64) -> String {
    DateTime::from_timestamp(seconds as i64, 0).unwrap_or_default().format("%Y%m%d_%H%M%S").to_string()
}

/// `Record { run = 17 }`, `RunRecord { run_id = 1, project = 3, config = 4, job_type = 7, display_name = 8, start_time = 17 }`,
/// `ConfigRecord { update = 1 }`, `Timestamp { seconds = 1, nanos = 2 }`.
fn run_record(id: &str, info: &LoopInfo, started_at: f64) -> Vec<u8> {
    let json = |value: &toml::Value| serde_json::to_string(value).unwrap_or_default();
    let mut config: Vec<u8> =
        info.settings.iter().flat_map(|(key, value)| field_bytes(1, &item(key, &json(value)))).collect();
    config.extend(field_bytes(1, &item("seed", &info.seed.to_string())));
    let nanos = (started_at.fract() * 1e9) as u64;
    let run = [
        field_bytes(1, id.as_bytes()),
        field_bytes(3, info.pipeline.as_bytes()),
        field_bytes(4, &config),
        field_bytes(7, info.kind.as_bytes()),
        field_bytes(8, info.name.as_bytes()),
        field_bytes(17, &[field_varint(1, started_at as u64), field_varint(2, nanos)].concat()),
    ];
    field_bytes(17, &run.concat())
}

/// The row's figures with its step, its time, and the seconds since the run began.
fn items(row: &Record, started_at: f64) -> Vec<u8> {
    let figures = row.numbers().map(|(name, value)| (tag(name), value.to_string()));
    let own = [
        ("_step".to_owned(), row.step.to_string()),
        ("_timestamp".to_owned(), row.at.to_string()),
        ("_runtime".to_owned(), (row.at - started_at).to_string()),
    ];
    figures.chain(own).flat_map(|(key, value)| field_bytes(1, &item(&key, &value))).collect()
}

/// `HistoryItem`, `SummaryItem`, `ConfigItem { key = 1, value_json = 16 }`.
fn item(key: &str, json: &str) -> Vec<u8> {
    [field_bytes(1, key.as_bytes()), field_bytes(16, json.as_bytes())].concat()
}

#[cfg(test)]
mod tests;
