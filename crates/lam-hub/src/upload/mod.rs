//! Files to the hub: read, compared with what is there, sent where they are missing, committed at once, listed.
//!
//! Large files go to storage first, small ones with the commit. Until the commit nothing is published; what storage has
//! of an upload that was stopped is not sent again.

mod calls;
mod commit;
mod folder;
mod lfs;
mod local;
mod reading;
mod repository;
mod secrets;

use std::collections::BTreeSet;

use lam_signal::{Monitor, Secret};
use serde::Serialize;

use self::calls::{Calls, Info};
use self::local::Prepared;
use crate::listing::RemoteFile;
use crate::{Hub, HubError};

pub use folder::{Folder, LeftOut};
pub use local::{OutgoingFile, Source};
pub use repository::{Repository, RepositoryKind};

/// What every repository holds from its beginning.
const OF_THE_HUB: &str = ".gitattributes";

/// What is sent where.
#[derive(Clone, Debug)]
pub struct Push {
    /// The repository; it is made where there is none.
    pub repository: Repository,
    /// The files.
    pub files: Vec<OutgoingFile>,
    /// Whether others must not read it. One that is public already is refused then.
    pub private: bool,
    /// What the commit says of itself.
    pub message: String,
    /// Whether it is only told what would be sent, as far as that is known here: the hub is not asked.
    pub dry_run: bool,
}

/// How a file came to the hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Sent {
    /// It was sent, or would be.
    Sent,
    /// Its bytes were in storage, from an upload that was stopped or from another repository.
    Stored,
    /// The repository had it.
    Unchanged,
}

/// A file of the repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PushedFile {
    /// Its name in the repository.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// SHA-256 of its bytes, hex.
    pub sha256: String,
    /// How it came there.
    pub how: Sent,
}

/// What became of a push.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pushed {
    /// `OWNER/NAME`.
    pub repository: String,
    /// What it holds.
    pub kind: RepositoryKind,
    /// Its page.
    pub url: String,
    /// Whether the repository was made; `None` where the hub was not asked.
    pub is_new: Option<bool>,
    /// Whether others cannot read it; where the hub was not asked, whether they could not if it was made.
    pub private: bool,
    /// The commit that holds the files; none where it was only told what would be sent.
    pub commit: Option<String>,
    /// Every file, by name.
    pub files: Vec<PushedFile>,
    /// Files of the repository that are not among these; they stay.
    pub only_there: Vec<String>,
}

impl Pushed {
    /// Bytes that were sent, or would be.
    pub fn sent_bytes(&self) -> u64 {
        self.files.iter().filter(|file| file.how == Sent::Sent).map(|file| file.bytes).sum()
    }
}

impl Hub {
    /// Sends what is missing of these files to a repository, in one commit, and compares what the hub lists then.
    ///
    /// # Errors
    /// Files that must not be sent or that change meanwhile, a token or a repository that does not allow it, a hub that
    /// cannot be reached, stops or lists something else. Before the commit, nothing is published.
    pub fn push(&self, push: &Push, monitor: Monitor<'_>) -> Result<Pushed, HubError> {
        let settings = &self.client.settings;
        let calls = Calls { client: &self.client, repository: &push.repository, monitor };
        refuse_unready(push, &calls)?;
        let prepared = local::prepare(&push.files, settings.token.as_ref().map(Secret::expose), monitor)?;
        let there = (!push.dry_run).then(|| There::find(&calls, push)).transpose()?;
        let listed = there.as_ref().map_or(&[][..], |there| there.files.as_slice());
        let missing = commit::differences(&prepared, listed).into_iter().map(|(file, _)| file).collect::<Vec<_>>();
        let mut pushed = report(push, &calls, (&prepared, &missing), &there);
        let Some(there) = there else { return Ok(pushed) };
        let parent = there.info.sha;
        if missing.is_empty() {
            pushed.commit = parent;
            return Ok(pushed);
        }
        let divided = commit::divide(&calls, &missing)?;
        let sent = lfs::send(&calls, &divided.large)?;
        if let Some(file) = prepared.iter().find(|file| !file.is_unchanged()) {
            return Err(file.changed());
        }
        let commit = commit::commit(&calls, &push.message, parent.as_deref(), &divided)?;
        let differences = commit::differences(&prepared, &calls.tree(&commit)?);
        if !differences.is_empty() {
            let files = differences.iter().map(|(file, difference)| format!("{} {difference}", file.name())).collect();
            return Err(HubError::Differs { repository: push.repository.to_string(), files });
        }
        let stored: BTreeSet<&str> = divided.large.iter().map(|file| file.name()).collect();
        for file in pushed.files.iter_mut().filter(|file| stored.contains(file.name.as_str())) {
            file.how = if sent.contains(&file.sha256) { Sent::Sent } else { Sent::Stored };
        }
        pushed.commit = Some(commit);
        Ok(pushed)
    }
}

/// Refuses what cannot end well before a file is read.
fn refuse_unready(push: &Push, calls: &Calls<'_>) -> Result<(), HubError> {
    let settings = &calls.client.settings;
    if push.dry_run {
        return Ok(());
    }
    if settings.offline {
        return Err(HubError::Setting {
            variable: "HF_HUB_OFFLINE",
            value: "1".into(),
            reason: "forbids the network, which an upload needs".into(),
            hint: "unset it, or look at what would be sent with --dry-run".into(),
        });
    }
    match settings.token {
        Some(_) => Ok(()),
        None => Err(HubError::NoToken { page: calls.tokens() }),
    }
}

/// What the hub has.
struct There {
    info: Info,
    /// Whether the repository was made just now.
    is_new: bool,
    files: Vec<RemoteFile>,
}

impl There {
    /// Looks at the repository, and makes it where there is none.
    fn find(calls: &Calls<'_>, push: &Push) -> Result<Self, HubError> {
        let (info, is_new) = match calls.info()? {
            Some(info) => (info, false),
            None => (calls.create(push.private)?, true),
        };
        if push.private && !info.private {
            let page = format!("{}/settings", push.repository.page(calls.endpoint()));
            return Err(HubError::Public { repository: push.repository.to_string(), page });
        }
        let files = info.sha.as_ref().map(|commit| calls.tree(commit)).transpose()?.unwrap_or_default();
        Ok(Self { info, is_new, files })
    }
}

/// What is known before anything is sent.
fn report(
    push: &Push,
    calls: &Calls<'_>,
    (prepared, missing): (&[Prepared], &[&Prepared]),
    there: &Option<There>,
) -> Pushed {
    let missing: BTreeSet<&str> = missing.iter().map(|file| file.name()).collect();
    let file = |file: &Prepared| PushedFile {
        name: file.name().to_owned(),
        bytes: file.size,
        sha256: file.sha256.clone(),
        how: if missing.contains(file.name()) { Sent::Sent } else { Sent::Unchanged },
    };
    let names: BTreeSet<&str> = prepared.iter().map(Prepared::name).chain([OF_THE_HUB]).collect();
    let listed = there.iter().flat_map(|there| &there.files).map(|file| &file.name);
    Pushed {
        repository: push.repository.name.clone(),
        kind: push.repository.kind,
        url: push.repository.page(calls.endpoint()),
        is_new: there.as_ref().map(|there| there.is_new),
        private: there.as_ref().map_or(push.private, |there| there.info.private),
        commit: None,
        files: prepared.iter().map(file).collect(),
        only_there: listed.filter(|name| !names.contains(name.as_str())).cloned().collect(),
    }
}
