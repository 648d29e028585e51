//! Finished episodes on disk while a run is under way, so that a run killed in the middle does not repeat them.
//!
//! One line an episode behind a header that names the run. Does not know how episodes are run.

use std::path::Path;
use std::time::{Duration, Instant};

use lam_store::{Journal, StoreError};
use lam_types::{PolicyId, Trajectory};
use serde::{Deserialize, Serialize};

use crate::{AgentError, Limits};

/// Lines are handed to the system at once, so a killed process loses none; the disk is asked this often.
const SYNC_EVERY: Duration = Duration::from_secs(1);

/// What to do with a file that is not such a journal.
const HINT: &str = "remove the file to run its episodes again";

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

/// The open journal of a run.
pub(crate) struct EpisodeJournal {
    journal: Journal,
    synced: Instant,
}

impl EpisodeJournal {
    /// Opens or creates the journal, and returns the finished episodes in it.
    pub(crate) fn open(path: &Path, header: &Header) -> Result<(Self, Vec<Trajectory>), AgentError> {
        let (mut finished, mut is_new) = (Vec::new(), true);
        let mut journal = Journal::open(path, |line| {
            if std::mem::take(&mut is_new) {
                return check(path, header, &line.decode(HINT)?);
            }
            let entry: Entry<Trajectory> = line.decode(HINT)?;
            finished.extend((!entry.repeated).then_some(entry.trajectory));
            Ok(())
        })?;
        if is_new {
            journal.append(header)?;
            journal.sync()?;
        }
        Ok((Self { journal, synced: Instant::now() }, finished))
    }

    /// Appends one episode; `repeated` says that it will be run again.
    pub(crate) fn append(&mut self, trajectory: &Trajectory, repeated: bool) -> Result<(), StoreError> {
        self.journal.append(&Entry { repeated, trajectory })?;
        if self.synced.elapsed() < SYNC_EVERY { Ok(()) } else { self.sync() }
    }

    /// Waits until everything is on the disk.
    pub(crate) fn sync(&mut self) -> Result<(), StoreError> {
        self.synced = Instant::now();
        self.journal.sync()
    }
}

fn check(path: &Path, expected: &Header, found: &Header) -> Result<(), AgentError> {
    match expected.difference(found) {
        None => Ok(()),
        Some((field, found, expected)) => Err(AgentError::Resume { path: path.into(), field, found, expected }),
    }
}

fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("headers have string keys")
}
