//! The run's journal: one JSON line for everything that happened, appended, never rewritten.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use lam_store::StoreError;
use serde_json::{Value, json};

/// Name of the journal in a run directory.
pub const JOURNAL_FILE: &str = "events.jsonl";

pub(crate) struct Journal {
    file: File,
    path: PathBuf,
    now: fn() -> SystemTime,
}

impl Journal {
    pub fn open(run_dir: &Path, now: fn() -> SystemTime) -> Result<Self, StoreError> {
        let path = run_dir.join(JOURNAL_FILE);
        let mut options = OpenOptions::new();
        let mut file =
            options.read(true).append(true).create(true).open(&path).map_err(StoreError::io("open", &path))?;
        end_last_line(&mut file).map_err(StoreError::io("write", &path))?;
        Ok(Self { file, path, now })
    }

    pub fn write(&mut self, stage: &str, event: &str, details: &Value) -> Result<(), StoreError> {
        let at = (self.now)().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let mut line = json!({ "at": at, "stage": stage, "event": event });
        if let (Some(line), Some(details)) = (line.as_object_mut(), details.as_object()) {
            line.extend(details.clone());
        }
        let text = format!("{line}\n");
        self.file.write_all(text.as_bytes()).map_err(StoreError::io("write", &self.path))
    }
}

/// A kill may have cut the last line short: what follows starts on a line of its own.
fn end_last_line(file: &mut File) -> std::io::Result<()> {
    if file.seek(SeekFrom::End(0))? == 0 {
        return Ok(());
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    if last != *b"\n" { file.write_all(b"\n") } else { Ok(()) }
}
