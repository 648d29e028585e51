//! A model from the hub: from its listing to a directory that can be loaded.

use std::cell::Cell;
use std::io::Read;
use std::path::{Path, PathBuf};

use lam_signal::{Cancel, Details, Fault, Monitor};
use lam_store::StoreError;
use lam_weights::{Header, Parsed, Shard, WeightFiles};
use serde::Serialize;

use crate::cache::Shelf;
use crate::client::Client;
use crate::directory::{MIB, index, refuse_full};
use crate::listing::{Listing, RemoteFile};
use crate::transfer::{Transfer, partial};
use crate::verify::difference;
use crate::{HubError, HubSettings, ModelId, local_copy};

/// What is asked for first of a file whose header is wanted: enough for most.
const FIRST_BYTES: u64 = 1 << 16;

/// The hub.
pub struct Hub {
    pub(crate) client: Client,
}

/// A file of a fetched model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fetched {
    /// Its name.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// The hash that was verified: SHA-256, or Git's for small files; "" where the hub says none.
    pub hash: String,
}

/// A model on this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Snapshot {
    /// Its directory, in Hugging Face layout.
    pub directory: PathBuf,
    /// The commit on the hub; of a model that was taken from the cache, the one whose snapshot that is.
    pub commit: String,
    /// The licence's name on its card; none where that was not asked for or says none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// Its files; empty when it was taken from the cache.
    pub files: Vec<Fetched>,
    /// Bytes that had to be downloaded.
    pub downloaded_bytes: u64,
}

/// Where files go.
enum Place {
    /// The cache that all tools share.
    Cache(Shelf),
    /// A directory that was named.
    Directory(PathBuf),
}

impl Hub {
    /// The hub as the settings say.
    pub fn new(settings: HubSettings) -> Self {
        Self { client: Client::new(settings) }
    }

    /// Downloads what is missing of a model, into the shared cache or into `directory`.
    ///
    /// Where the network fails and the cache has the model, that is taken, and a note says so.
    ///
    /// # Errors
    /// A model that cannot be had, for the reason given.
    pub fn fetch(&self, id: &ModelId, directory: Option<&Path>, monitor: Monitor<'_>) -> Result<Snapshot, HubError> {
        let settings = &self.client.settings;
        let shelf = Shelf::new(&settings.cache, id);
        if settings.offline {
            let offline = || HubError::Offline { model: id.to_string(), cache: settings.cache.clone() };
            return taken(id, shelf.complete().ok_or_else(offline)?, directory);
        }
        let listing = match self.client.patiently(monitor, || self.client.listing(id, monitor.cancel)) {
            Err(error) if error.is_out_of_reach() => match shelf.complete() {
                Some(snapshot) => {
                    let Details { reason, .. } = error.details();
                    monitor.progress.note(&format!("the hub is out of reach ({reason}); {id} is taken from the cache"));
                    return taken(id, snapshot, directory);
                }
                None => return Err(error),
            },
            listing => listing?,
        };
        let place = directory.map_or(Place::Cache(shelf), |directory| Place::Directory(directory.to_owned()));
        let files = listing.needed(id)?;
        let snapshot = self.obtain(id, &listing, &files, &place, monitor)?;
        every_shard_is_there(id, &snapshot.directory)?;
        Ok(snapshot)
    }

    /// A model's descriptions, fetched into the cache, and the headers of its weights, read without
    /// downloading them.
    ///
    /// # Errors
    /// As for [`Hub::fetch`].
    pub fn headers(&self, id: &ModelId, monitor: Monitor<'_>) -> Result<(Snapshot, Vec<Shard>), HubError> {
        let shelf = Shelf::new(&self.client.settings.cache, id);
        if let Some(directory) = shelf.complete() {
            let stem = if directory.join("config.json").exists() { "model" } else { "adapter_model" };
            let shards = WeightFiles::open(&directory, stem)?.shards;
            return Ok((taken(id, directory, None)?, shards));
        }
        if self.client.settings.offline {
            return Err(HubError::Offline { model: id.to_string(), cache: self.client.settings.cache.clone() });
        }
        let listing = self.client.patiently(monitor, || self.client.listing(id, monitor.cancel))?;
        let (weights, descriptions): (Vec<_>, Vec<_>) =
            listing.needed(id)?.into_iter().partition(RemoteFile::is_weights);
        let snapshot = self.obtain(id, &listing, &descriptions, &Place::Cache(shelf), monitor)?;
        let shard = |file: &RemoteFile| {
            self.client.patiently(monitor, || self.header(id, &listing.commit, file, monitor.cancel))
        };
        let shards = weights.iter().map(shard).collect::<Result<Vec<_>, _>>()?;
        if let Some(index) = index(&snapshot.directory)? {
            index.compare(&shards)?;
        }
        Ok((snapshot, shards))
    }

    fn obtain(
        &self,
        id: &ModelId,
        listing: &Listing,
        files: &[RemoteFile],
        place: &Place,
        monitor: Monitor<'_>,
    ) -> Result<Snapshot, HubError> {
        let commit = &listing.commit;
        let missing = files.iter().filter_map(|file| match place.has(id, commit, file) {
            Ok(true) => None,
            Ok(false) => Some(Ok(file)),
            Err(error) => Some(Err(error)),
        });
        let missing: Vec<&RemoteFile> = missing.collect::<Result<_, _>>()?;
        let kept =
            |file: &&RemoteFile| std::fs::metadata(partial(&place.of(commit, file))).map_or(0, |kept| kept.len());
        let wanted: u64 = missing.iter().map(|file| file.size.unwrap_or(0)).sum();
        let resumed: u64 = missing.iter().map(kept).sum();
        place.refuse_full(wanted.saturating_sub(resumed))?;
        monitor.progress.begin(&format!("{id}, MiB"), Some(wanted.div_ceil(MIB)));
        let (done, mut downloaded_bytes) = (Cell::new(0), 0);
        for file in &missing {
            let heard = |bytes: u64| monitor.progress.advance((done.get() + bytes) / MIB, &file.name);
            let at = place.of(commit, file);
            let url = self.client.file_url(id, commit, &file.name);
            downloaded_bytes +=
                Transfer { client: &self.client, id, url, file, place: &at, heard: &heard, monitor }.run()?;
            done.set(done.get() + file.size.unwrap_or(0));
        }
        monitor.progress.end();
        let directory = place.close(commit, files, monitor)?;
        let fetched = files.iter().map(|file| fetched(&directory, file)).collect::<Result<_, _>>()?;
        let license = listing.license();
        Ok(Snapshot { directory, commit: commit.clone(), license, files: fetched, downloaded_bytes })
    }

    /// The header of a file that stays where it is.
    fn header(&self, id: &ModelId, commit: &str, file: &RemoteFile, cancel: &Cancel) -> Result<Shard, HubError> {
        let url = self.client.file_url(id, commit, &file.name);
        let mut wanted = FIRST_BYTES;
        loop {
            let reply = self.client.get(id, &url, Some((0, Some(wanted - 1))), cancel)?;
            let whole = reply.header("content-range").rsplit_once('/').and_then(|(_, size)| size.parse().ok());
            let size = whole.or(file.size);
            let mut first = Vec::new();
            let read = reply.body.take(wanted).read_to_end(&mut first);
            read.map_err(|error| HubError::Network { url: url.clone(), reason: error.to_string(), wait: None })?;
            match Header::parse(Path::new(&file.name), size, &first)? {
                Parsed::Header(header) => {
                    return Ok(Shard { file: file.name.clone(), path: PathBuf::new(), header });
                }
                Parsed::Needs(more) if more > wanted => wanted = more,
                Parsed::Needs(_) => {
                    return Err(HubError::Network { url, reason: "the header ended early".into(), wait: None });
                }
            }
        }
    }
}

impl Place {
    /// Where a file's bytes go.
    fn of(&self, commit: &str, file: &RemoteFile) -> PathBuf {
        match self {
            Place::Cache(shelf) => shelf.blob(commit, file),
            Place::Directory(directory) => directory.join(&file.name),
        }
    }

    /// Whether the file is there. In a directory that was named, another file of its name is not overwritten.
    fn has(&self, id: &ModelId, commit: &str, file: &RemoteFile) -> Result<bool, HubError> {
        let path = self.of(commit, file);
        match self {
            Place::Cache(shelf) => Ok(shelf.has(commit, file)),
            Place::Directory(_) if !path.exists() => Ok(false),
            Place::Directory(_) if difference(&path, file)?.is_some() => {
                Err(HubError::Occupied { path, model: id.to_string() })
            }
            Place::Directory(_) => Ok(true),
        }
    }

    /// Refuses before the first byte where there is no room for the last.
    fn refuse_full(&self, needed: u64) -> Result<(), HubError> {
        match self {
            Place::Cache(shelf) => refuse_full(&shelf.snapshot("none"), needed, "HF_HOME"),
            Place::Directory(directory) => refuse_full(directory, needed, "--output-dir"),
        }
    }

    /// Makes the files one directory.
    fn close(&self, commit: &str, files: &[RemoteFile], monitor: Monitor<'_>) -> Result<PathBuf, HubError> {
        match self {
            Place::Directory(directory) => Ok(directory.clone()),
            Place::Cache(shelf) => {
                for file in files {
                    shelf.point(commit, file)?;
                }
                shelf.remember(commit, monitor)?;
                Ok(shelf.snapshot(commit))
            }
        }
    }
}

fn fetched(directory: &Path, file: &RemoteFile) -> Result<Fetched, HubError> {
    let path = directory.join(&file.name);
    let bytes = std::fs::metadata(&path).map_err(StoreError::io("read", &path))?.len();
    let hash = file.digest.as_ref().map(|digest| digest.hex().to_owned()).unwrap_or_default();
    Ok(Fetched { name: file.name.clone(), bytes, hash })
}

/// A model that the cache had; copied where a directory was named.
fn taken(id: &ModelId, snapshot: PathBuf, directory: Option<&Path>) -> Result<Snapshot, HubError> {
    let commit = snapshot.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if let Some(directory) = directory {
        local_copy::make(id, &snapshot, directory)?;
    }
    let directory = directory.map_or(snapshot, Path::to_owned);
    Ok(Snapshot { directory, commit, license: None, files: Vec::new(), downloaded_bytes: 0 })
}

/// Refuses a model whose index names files that the repository does not have.
fn every_shard_is_there(id: &ModelId, directory: &Path) -> Result<(), HubError> {
    let Some(index) = index(directory)? else { return Ok(()) };
    match index.shards().into_iter().find(|name| !directory.join(name).exists()) {
        None => Ok(()),
        Some(name) => Err(HubError::Unusable {
            model: id.to_string(),
            reason: format!("the repository's index names `{name}`, which it does not hold"),
            hint: "its upload is not complete; try another revision".into(),
        }),
    }
}
