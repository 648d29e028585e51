//! MLflow's file store: a directory for each run, a file for each metric and each setting. MLflow's own programs read it
//! where `MLFLOW_ALLOW_FILE_STORE=true` says that they may, or turn it into a database (`mlflow migrate-filestore`).

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use lam_store::{StoreError, hash_bytes, remove_directory, write_atomic};
use toml::{Table, Value};

use super::loop_info::{LoopInfo, RunState};
use super::record::Record;

/// MLflow's number of a run that is under way.
const RUNNING: u8 = 1;

/// The files of one run.
pub(crate) struct MlflowRun {
    directory: PathBuf,
    info: LoopInfo,
    started_at: f64,
}

impl MlflowRun {
    /// Whether the store has files of this loop.
    pub fn is_in(store: &Path, info: &LoopInfo) -> bool {
        directory(store, info).join("meta.yaml").exists()
    }

    /// Begins the run's files anew, with these records; `at` is the present, in seconds since 1970.
    pub fn begin(store: &Path, info: &LoopInfo, at: f64, records: &[Record]) -> Result<Self, StoreError> {
        let started_at = records.first().map_or(at, |record| record.at);
        let run = Self { directory: directory(store, info), info: info.clone(), started_at };
        remove_directory(&run.directory)?;
        run.write_experiment(store)?;
        for folder in ["metrics", "params", "tags", "artifacts"] {
            let path = run.directory.join(folder);
            std::fs::create_dir_all(&path).map_err(StoreError::io("create directory", &path))?;
        }
        let tags = [
            ("mlflow.runName", info.name.clone()),
            ("mlflow.source.name", "lam-train".to_owned()),
            ("mlflow.source.type", "LOCAL".to_owned()),
            ("kind", info.kind.clone()),
            ("seed", info.seed.to_string()),
        ];
        for (tag, value) in tags {
            write_atomic(&run.directory.join("tags").join(tag), value.as_bytes())?;
        }
        let mut settings = Vec::new();
        flatten("", &info.settings, &mut settings);
        for (key, value) in settings {
            write_atomic(&run.directory.join("params").join(key), value.as_bytes())?;
        }
        records.iter().try_for_each(|record| run.append(record))?;
        run.write_meta(RUNNING, None)?;
        Ok(run)
    }

    /// Appends the record's figures, each to its file.
    pub fn append(&self, record: &Record) -> Result<(), StoreError> {
        record.numbers().try_for_each(|(name, value)| {
            let path = self.directory.join("metrics").join(name);
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent).map_err(StoreError::io("create directory", parent))?;
            }
            let line = format!("{} {value} {}\n", milliseconds(record.at), record.step);
            let file = OpenOptions::new().create(true).append(true).open(&path);
            file.and_then(|mut file| file.write_all(line.as_bytes())).map_err(StoreError::io("write", &path))
        })
    }

    /// Says how it ended, and when.
    pub fn end(&self, state: RunState, at: f64) -> Result<(), StoreError> {
        let status = match state {
            RunState::Finished => 3,
            RunState::Failed => 4,
            RunState::Killed => 5,
        };
        self.write_meta(status, Some(at))
    }

    fn write_experiment(&self, store: &Path) -> Result<(), StoreError> {
        let id = experiment_id(&self.info.pipeline);
        let place = store.join(&id);
        let created = milliseconds(self.started_at);
        std::fs::create_dir_all(&place).map_err(StoreError::io("create directory", &place))?;
        if place.join("meta.yaml").exists() {
            return Ok(());
        }
        let text = format!(
            "artifact_location: {}\ncreation_time: {created}\nexperiment_id: '{id}'\nlast_update_time: {created}\n\
             lifecycle_stage: active\nname: {}\n",
            address(&place),
            quoted(&self.info.pipeline)
        );
        write_atomic(&place.join("meta.yaml"), text.as_bytes())
    }

    fn write_meta(&self, status: u8, end: Option<f64>) -> Result<(), StoreError> {
        let id = run_id(&self.info);
        let mut text = String::new();
        let lines = [
            ("artifact_uri", address(&self.directory.join("artifacts"))),
            ("end_time", end.map_or("null".to_owned(), |end| milliseconds(end).to_string())),
            ("entry_point_name", "''".to_owned()),
            ("experiment_id", format!("'{}'", experiment_id(&self.info.pipeline))),
            ("lifecycle_stage", "active".to_owned()),
            ("run_id", quoted(&id)),
            ("run_name", quoted(&self.info.name)),
            ("source_name", "''".to_owned()),
            ("source_type", "4".to_owned()),
            ("source_version", "''".to_owned()),
            ("start_time", milliseconds(self.started_at).to_string()),
            ("status", status.to_string()),
            ("tags", "[]".to_owned()),
            ("user_id", "''".to_owned()),
        ];
        for (key, value) in lines {
            writeln!(text, "{key}: {value}").expect("writing to a string cannot fail");
        }
        write_atomic(&self.directory.join("meta.yaml"), text.as_bytes())
    }
}

fn directory(store: &Path, info: &LoopInfo) -> PathBuf {
    store.join(experiment_id(&info.pipeline)).join(run_id(info))
}

/// The same for every loop of a pipeline, in eighteen digits as MLflow's own.
fn experiment_id(pipeline: &str) -> String {
    let hash = hash_bytes(pipeline.as_bytes());
    let number = u64::from_str_radix(hash.get(..15).unwrap_or("0"), 16).unwrap_or(0);
    format!("{:018}", number % 1_000_000_000_000_000_000)
}

/// The same for a loop whenever it is run.
fn run_id(info: &LoopInfo) -> String {
    let hash = hash_bytes(format!("{}/{}", info.pipeline, info.name).as_bytes());
    hash.get(..32).unwrap_or(&hash).to_owned()
}

fn milliseconds(seconds: f64) -> u64 {
    (1000.0 * seconds) as u64
}

/// Text that YAML reads as text, whatever it looks like.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The address of a path, as `file:` URLs are written.
fn address(path: &Path) -> String {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
    let written = whole.to_string_lossy().bytes().fold(String::new(), |mut text, byte| {
        match plain(byte) {
            true => text.push(char::from(byte)),
            false => write!(text, "%{byte:02X}").expect("writing to a string cannot fail"),
        }
        text
    });
    format!("'file://{written}'")
}

/// Every setting by its dotted key.
fn flatten(above: &str, table: &Table, found: &mut Vec<(String, String)>) {
    for (key, value) in table {
        let key = if above.is_empty() { key.clone() } else { format!("{above}.{key}") };
        match value {
            Value::Table(inner) => flatten(&key, inner, found),
            Value::String(text) => found.push((key, text.clone())),
            other => found.push((key, other.to_string())),
        }
    }
}
