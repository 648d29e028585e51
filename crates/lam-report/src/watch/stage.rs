//! The stage that is under way, as its unfinished work shows it: `<stage>.partial` and the record beside it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use lam_store::{ATTEMPT_SUFFIX, StagingDir};
use serde::Deserialize;
use serde_json::Value;

use crate::gather::{files_below, roots};

/// Unfinished work.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// The stage; with the seed's directory where there are several.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// Its settings.
    pub settings: Value,
    /// Where it works.
    pub directory: PathBuf,
    /// When the first try began, in seconds since 1970.
    pub started_at: u64,
    /// How the last try failed, if it did.
    pub error: Option<String>,
    /// When any of its files changed last.
    pub changed: SystemTime,
}

#[derive(Deserialize)]
struct Record {
    identity: Identity,
    started_at: u64,
    error: Option<String>,
}

#[derive(Deserialize)]
struct Identity {
    kind: String,
    config: Value,
}

impl Stage {
    /// The unfinished work of a run that changed last, if there is any.
    pub fn find(run: &Path) -> Option<Self> {
        let folders = roots(run).ok()?.into_iter().chain([run.to_owned()]);
        let records = folders.flat_map(|folder| records_in(&folder));
        let stages = records.filter_map(|record| Self::read(run, &record));
        stages.max_by_key(|stage| stage.changed)
    }

    fn read(run: &Path, record: &Path) -> Option<Self> {
        let name = record.file_name()?.to_str()?.strip_suffix(ATTEMPT_SUFFIX)?;
        let place = record.with_file_name(name);
        let directory = StagingDir::work_path(&place);
        let changed = last_change(&directory)?;
        let Record { identity, started_at, error } = serde_json::from_slice(&fs::read(record).ok()?).ok()?;
        let name = place.strip_prefix(run).unwrap_or(&place).display().to_string();
        Some(Self { name, kind: identity.kind, settings: identity.config, directory, started_at, error, changed })
    }

    /// The file of figures that a training loop writes, the one that changed last.
    pub fn metrics(&self) -> Option<PathBuf> {
        self.latest(|name| name == "metrics.jsonl")
    }

    /// The journal of episodes or other work that is done piece by piece, the one that changed last.
    pub fn journal(&self) -> Option<PathBuf> {
        self.latest(|name| name != "metrics.jsonl")
    }

    fn latest(&self, is_wanted: impl Fn(&str) -> bool) -> Option<PathBuf> {
        let files = files_below(&self.directory, 2, "jsonl").into_iter();
        let wanted = files.filter(|file| file.file_name().and_then(|name| name.to_str()).is_some_and(&is_wanted));
        wanted.max_by_key(|file| modified(file))
    }
}

fn records_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.filter(|path| path.to_string_lossy().ends_with(ATTEMPT_SUFFIX)).collect()
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|metadata| metadata.modified()).ok()
}

/// When a directory, or a file in it or in a folder of it, changed last; `None` where there is none.
fn last_change(directory: &Path) -> Option<SystemTime> {
    let own = modified(directory)?;
    let entries = fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path());
    let below = entries.filter_map(|path| {
        let inner = fs::read_dir(&path).into_iter().flatten().flatten().filter_map(|entry| modified(&entry.path()));
        inner.chain(modified(&path)).max()
    });
    below.chain([own]).max()
}
