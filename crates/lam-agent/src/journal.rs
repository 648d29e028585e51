//! Finished episodes on disk while a run is under way, so that a run killed in the middle does not repeat them.
//!
//! One JSON line an episode behind a header that names the run. A line is complete once its newline is there; a
//! torn last line is cut off. Knows nothing of how episodes are run.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lam_store::StoreError;
use lam_types::{PolicyId, Trajectory};
use serde::{Deserialize, Serialize};

use crate::{AgentError, Limits};

/// Lines are handed to the system at once, so a killed process loses none; the disk is asked this often.
const SYNC_EVERY: Duration = Duration::from_secs(1);

/// What a journal must agree on with the run that opens it.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Header {
    format: u32,
    policy: PolicyId,
    environment: String,
    environment_version: String,
    limits: Limits,
    seed: u64,
}

impl Header {
    /// The header of a run. How many episodes are alive at once changes no result and is left out.
    pub(crate) fn new(policy: PolicyId, environment: &str, version: &str, limits: &Limits) -> Self {
        let seed = limits.seed;
        let limits = Limits { parallel: 0, ..limits.clone() };
        Self { format: 1, policy, environment: environment.into(), environment_version: version.into(), limits, seed }
    }

    fn difference(&self, found: &Header) -> Option<(&'static str, String, String)> {
        let pairs = [
            ("format", found.format.to_string(), self.format.to_string()),
            ("policy", text(&found.policy), text(&self.policy)),
            ("environment", text(&found.environment), text(&self.environment)),
            ("environment version", text(&found.environment_version), text(&self.environment_version)),
            ("limits", text(&found.limits), text(&self.limits)),
            ("seed", found.seed.to_string(), self.seed.to_string()),
        ];
        pairs.into_iter().find(|(_, found, expected)| found != expected)
    }
}

/// One line: an episode that counts, or one that was started again after its environment died.
#[derive(Serialize, Deserialize)]
struct Entry<T> {
    repeated: bool,
    trajectory: T,
}

/// An open journal.
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    synced: Instant,
}

impl Journal {
    /// Opens or creates the journal, and returns the finished episodes in it.
    pub(crate) fn open(path: &Path, header: &Header) -> Result<(Self, Vec<Trajectory>), AgentError> {
        let io = |action| StoreError::io(action, path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(StoreError::io("create directory", parent))?;
        }
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path).map_err(io("open"))?;
        let (finished, valid_bytes) = read(path, &file, header)?;
        file.set_len(valid_bytes).map_err(io("write"))?;
        file.seek(SeekFrom::End(0)).map_err(io("write"))?;
        let mut journal = Self { path: path.into(), file, synced: Instant::now() };
        if valid_bytes == 0 {
            journal.write_line(header)?;
            journal.sync()?;
        }
        Ok((journal, finished))
    }

    /// Appends one episode; `repeated` says that it will be run again.
    pub(crate) fn append(&mut self, trajectory: &Trajectory, repeated: bool) -> Result<(), StoreError> {
        self.write_line(&Entry { repeated, trajectory })?;
        if self.synced.elapsed() < SYNC_EVERY {
            return Ok(());
        }
        self.sync()
    }

    /// Waits until everything is on the disk.
    pub(crate) fn sync(&mut self) -> Result<(), StoreError> {
        self.synced = Instant::now();
        self.file.sync_data().map_err(StoreError::io("write", &self.path))
    }

    fn write_line(&mut self, value: &impl Serialize) -> Result<(), StoreError> {
        let mut line = serde_json::to_vec(value).expect("records have string keys and finite numbers");
        line.push(b'\n');
        self.file.write_all(&line).map_err(StoreError::io("write", &self.path))
    }
}

/// The finished episodes of a journal, and how many of its bytes are complete lines.
fn read(path: &Path, file: &File, header: &Header) -> Result<(Vec<Trajectory>, u64), AgentError> {
    let mut reader = BufReader::new(file);
    let (mut finished, mut valid_bytes, mut number) = (Vec::new(), 0, 0);
    let mut line = Vec::new();
    loop {
        line.clear();
        let length = reader.read_until(b'\n', &mut line).map_err(StoreError::io("read", path))?;
        if length == 0 || line.last() != Some(&b'\n') {
            return Ok((finished, valid_bytes));
        }
        number += 1;
        if number == 1 {
            check(path, header, &parse(path, number, &line)?)?;
        } else {
            let entry: Entry<Trajectory> = parse(path, number, &line)?;
            finished.extend((!entry.repeated).then_some(entry.trajectory));
        }
        valid_bytes += length as u64;
    }
}

fn check(path: &Path, expected: &Header, found: &Header) -> Result<(), AgentError> {
    match expected.difference(found) {
        None => Ok(()),
        Some((field, found, expected)) => Err(AgentError::Resume { path: path.into(), field, found, expected }),
    }
}

fn parse<'a, T: Deserialize<'a>>(path: &Path, number: usize, line: &'a [u8]) -> Result<T, StoreError> {
    serde_json::from_slice(line).map_err(|error| StoreError::Damaged {
        path: path.into(),
        reason: format!("line {number}: {error}"),
        hint: "remove the file to run its episodes again",
    })
}

fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("headers have string keys")
}
