//! Where Hugging Face's tools keep a model: blobs by hash, snapshots that point to them, refs that name commits.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use hf_hub::{Cache, CacheRepo, Repo, RepoType};
use lam_signal::Monitor;
use lam_store::StoreError;
use lam_weights::Index;

use crate::listing::RemoteFile;
use crate::{HubError, ModelId};

/// A model's place in the shared cache.
pub(crate) struct Shelf {
    id: ModelId,
    repo: CacheRepo,
}

impl Shelf {
    pub(crate) fn new(cache: &Path, id: &ModelId) -> Self {
        let repo = Repo::with_revision(id.repository.clone(), RepoType::Model, id.revision.clone());
        Self { id: id.clone(), repo: Cache::new(cache.to_path_buf()).repo(repo) }
    }

    /// The directory of a commit.
    pub(crate) fn snapshot(&self, commit: &str) -> PathBuf {
        self.repo.pointer_path(commit)
    }

    /// Where a file's bytes lie: by their hash, or in the snapshot itself where the hub says none.
    pub(crate) fn blob(&self, commit: &str, file: &RemoteFile) -> PathBuf {
        let snapshot = self.snapshot(commit);
        match (&file.digest, snapshot.ancestors().nth(2)) {
            (Some(digest), Some(repository)) => repository.join("blobs").join(digest.hex()),
            _ => snapshot.join(&file.name),
        }
    }

    /// Lets the snapshot show a blob under the file's name.
    pub(crate) fn point(&self, commit: &str, file: &RemoteFile) -> Result<(), HubError> {
        let (blob, pointer) = (self.blob(commit, file), self.snapshot(commit).join(&file.name));
        if pointer.exists() {
            return Ok(());
        }
        let directory = pointer.parent().unwrap_or(&pointer);
        fs::create_dir_all(directory).map_err(StoreError::io("create directory", directory))?;
        lam_store::remove_file(&pointer)?;
        match link(&blob, &pointer, file.name.matches('/').count()) {
            // Another process did it meanwhile.
            Err(error) if error.kind() == ErrorKind::AlreadyExists && pointer.exists() => Ok(()),
            linked => Ok(linked.map_err(StoreError::io("link", &pointer))?),
        }
    }

    /// Whether the file is there: its bytes by their hash, or in the snapshot, as copies of a cache may have it.
    pub(crate) fn has(&self, commit: &str, file: &RemoteFile) -> bool {
        let shown = fs::metadata(self.snapshot(commit).join(&file.name));
        let is_it = |found: &fs::Metadata| file.size.is_none_or(|size| size == found.len());
        self.blob(commit, file).exists() || shown.is_ok_and(|found| is_it(&found))
    }

    /// Remembers which commit the revision stands for. A cache that cannot be written knows it already, or does without:
    /// then a note says so.
    pub(crate) fn remember(&self, commit: &str, monitor: Monitor<'_>) -> Result<(), HubError> {
        let name = self.snapshot(commit).ancestors().nth(2).map(|root| root.join("refs").join(&self.id.revision));
        let known = name.and_then(|name| fs::read_to_string(name).ok());
        if self.id.revision == commit || known.is_some_and(|known| known.trim() == commit) {
            return Ok(());
        }
        match self.repo.create_ref(commit) {
            Err(error) if matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem) => {
                let line = format!("the cache cannot be written: it does not learn that {} is {commit}", self.id);
                monitor.progress.note(&line);
                Ok(())
            }
            written => Ok(written.map_err(StoreError::io("write a ref beside", &self.snapshot(commit)))?),
        }
    }

    /// The snapshot of the revision, if everything a model needs is there.
    pub(crate) fn complete(&self) -> Option<PathBuf> {
        let by_ref = || {
            Some(self.repo.get("config.json").or_else(|| self.repo.get("adapter_config.json"))?.parent()?.to_owned())
        };
        let by_commit = Some(self.snapshot(&self.id.revision)).filter(|snapshot| snapshot.is_dir());
        let snapshot = by_commit.or_else(by_ref)?;
        has_weights(&snapshot).then_some(snapshot)
    }
}

/// Whether the file, or every file, that holds a model's or an adapter's weights is there.
fn has_weights(snapshot: &Path) -> bool {
    let index = snapshot.join("model.safetensors.index.json");
    let every_shard = |index: Index| index.shards().into_iter().all(|name| snapshot.join(name).exists());
    let is_there = |name: &str| snapshot.join(name).exists();
    match is_there("model.safetensors") {
        false if index.exists() => Index::read(&index).is_ok_and(every_shard),
        whole => whole || is_there("adapter_model.safetensors"),
    }
}

/// Shows a blob to a snapshot, so many folders below its own.
#[cfg(unix)]
fn link(blob: &Path, pointer: &Path, folders: usize) -> std::io::Result<()> {
    let name = blob.file_name().unwrap_or_default();
    let above = "../".repeat(folders);
    std::os::unix::fs::symlink(Path::new(&above).join("../../blobs").join(name), pointer)
}

#[cfg(not(unix))]
fn link(blob: &Path, pointer: &Path, _folders: usize) -> std::io::Result<()> {
    fs::hard_link(blob, pointer)
}
