//! One file over the network: appended to what an earlier try left, verified, then put in its place.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use lam_http::{Body, Reply};
use lam_signal::Monitor;
use lam_store::StoreError;

use crate::client::Client;
use crate::listing::RemoteFile;
use crate::verify::difference;
use crate::{HubError, ModelId};

/// Bytes read at once.
const PIECE: usize = 1 << 17;
/// How often it is looked whether another download of the same file is over.
const LOOK: Duration = Duration::from_millis(100);

/// A download.
pub(crate) struct Transfer<'a> {
    pub(crate) client: &'a Client,
    pub(crate) id: &'a ModelId,
    pub(crate) url: String,
    pub(crate) file: &'a RemoteFile,
    /// Where the file goes once it is complete and verified.
    pub(crate) place: &'a Path,
    /// Is told how many of its bytes are there.
    pub(crate) heard: &'a dyn Fn(u64),
    pub(crate) monitor: Monitor<'a>,
}

/// Where the bytes of an unfinished file lie.
pub(crate) fn partial(place: &Path) -> PathBuf {
    let mut name = place.file_name().unwrap_or_default().to_os_string();
    name.push(".incomplete");
    place.with_file_name(name)
}

impl Transfer<'_> {
    /// Downloads what is missing, unless another process does so meanwhile; returns how many bytes came. Bytes that
    /// are not those announced are thrown away, once.
    pub(crate) fn run(&self) -> Result<u64, HubError> {
        let path = partial(self.place);
        let directory = self.place.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(directory).map_err(StoreError::io("create directory", directory))?;
        let Some(mut kept) = self.lock(&path)? else { return Ok(0) };
        let (mut last_chance, mut bytes) = (length(&kept, &path)? == 0, 0);
        loop {
            bytes += self.complete(&mut kept, &path).inspect_err(|error| {
                if matches!(error, HubError::Damaged { .. }) {
                    let _ = lam_store::remove_file(&path);
                }
            })?;
            kept.sync_all().map_err(StoreError::io("write", &path))?;
            match difference(&path, self.file)? {
                None => {
                    std::fs::rename(&path, self.place).map_err(StoreError::io("rename to", self.place))?;
                    return Ok(bytes);
                }
                Some(reason) if last_chance => {
                    lam_store::remove_file(&path)?;
                    return Err(self.damaged(reason));
                }
                Some(_) => restart(&mut kept, &path)?,
            }
            last_chance = true;
        }
    }

    /// The unfinished file, for us alone; none when another download has put the file in its place meanwhile.
    fn lock(&self, path: &Path) -> Result<Option<File>, HubError> {
        let mut is_told = false;
        loop {
            let opened = OpenOptions::new().read(true).append(true).create(true).open(path);
            let kept = opened.map_err(StoreError::io("open", path))?;
            while let Err(refused) = kept.try_lock() {
                if let TryLockError::Error(error) = refused {
                    return Err(StoreError::io("lock", path)(error).into());
                }
                if !std::mem::replace(&mut is_told, true) {
                    let name = &self.file.name;
                    self.monitor.progress.note(&format!("{name} is being downloaded already; waiting for that"));
                }
                if self.monitor.cancel.wait(LOOK) {
                    return Err(HubError::Cancelled);
                }
            }
            if self.place.exists() {
                lam_store::remove_file(path)?;
                return Ok(None);
            }
            // Whoever was before us may have given up and removed it.
            if is_still_there(&kept, path) {
                return Ok(Some(kept));
            }
        }
    }

    /// Asks until the announced size is reached, or, where none is, until a body ends. Only bytes beyond the furthest
    /// so far count as progress: a server that sends the same again and again is given up.
    fn complete(&self, kept: &mut File, path: &Path) -> Result<u64, HubError> {
        let (mut tries, mut furthest, mut bytes) = (self.client.tries(), length(kept, path)?, 0);
        loop {
            if self.file.size.is_some_and(|size| length(kept, path).is_ok_and(|have| have > size)) {
                restart(kept, path)?;
            }
            let have = length(kept, path)?;
            if self.file.size == Some(have) {
                return Ok(bytes);
            }
            let (came, end) = self.ask(kept, path, have)?;
            bytes += came;
            let now = length(kept, path)?;
            let Some(error) = end else { return Ok(bytes) };
            if matches!(error, HubError::Damaged { .. }) {
                restart(kept, path)?;
            }
            if now > furthest {
                tries.progressed();
            }
            furthest = furthest.max(now);
            tries.again(error, self.monitor)?;
        }
    }

    /// One request for the bytes from `have` on: how many came, and what went wrong that may pass; nothing when the file
    /// is complete.
    fn ask(&self, kept: &mut File, path: &Path, have: u64) -> Result<(u64, Option<HubError>), HubError> {
        let range = (have > 0).then_some((have, None));
        let reply = match self.client.get(self.id, &self.url, range, self.monitor.cancel) {
            Ok(reply) => reply,
            Err(error) if error.is_network() => return Ok((0, Some(error))),
            Err(error) => return Err(error),
        };
        let kind = Some(reply.header("content-type")).filter(|kind| !kind.is_empty()).unwrap_or("no content type");
        let kind = kind.to_owned();
        if let (Some(size), Some(found)) = (self.file.size, total(&reply))
            && size != found
        {
            return Ok((0, Some(self.differs(&found.to_string(), &kind))));
        }
        match reply.status {
            206 if begins_at(&reply, have) => {}
            // The server gives all of it, or says that what is here is longer than the file.
            200 => restart(kept, path)?,
            status => {
                restart(kept, path)?;
                return Ok((0, Some(self.network(format!("status {status} for bytes from {have} on")))));
            }
        }
        self.append(kept, path, (reply.body, &kind))
    }

    fn append(
        &self,
        kept: &mut File,
        path: &Path,
        (mut body, kind): (Body, &str),
    ) -> Result<(u64, Option<HubError>), HubError> {
        let begun = length(kept, path)?;
        let (mut piece, mut bytes) = (vec![0; PIECE], 0);
        loop {
            let read = body.read(&mut piece);
            if self.monitor.cancel.is_cancelled() {
                return Err(HubError::Cancelled);
            }
            let count = match read {
                Ok(0) => return Ok((bytes, self.cut_short(begun + bytes, kind))),
                Ok(count) => count,
                Err(error) => return Ok((bytes, Some(self.network(error.to_string())))),
            };
            let now = begun + bytes + count as u64;
            if self.file.size.is_some_and(|size| now > size) {
                return Ok((bytes, Some(self.differs(&format!("{now} or more"), kind))));
            }
            kept.write_all(&piece[..count]).map_err(StoreError::io("write", path))?;
            bytes += count as u64;
            (self.heard)(now);
        }
    }

    fn network(&self, reason: String) -> HubError {
        HubError::Network { url: self.url.clone(), reason, wait: None }
    }

    /// What a body's end means that comes before the announced size: a page is no part of a file.
    fn cut_short(&self, now: u64, kind: &str) -> Option<HubError> {
        let size = self.file.size.filter(|size| *size != now)?;
        Some(match kind.starts_with("text/html") {
            true => self.differs(&now.to_string(), kind),
            false => self.network(format!("the connection ended after {now} of {size} bytes ({kind})")),
        })
    }

    /// The server has another file than the hub announced.
    fn differs(&self, found: &str, kind: &str) -> HubError {
        let (size, url) = (self.file.size.unwrap_or_default(), &self.url);
        self.damaged(format!("announced were {size} bytes, {url} sends {found} ({kind})"))
    }

    fn damaged(&self, reason: String) -> HubError {
        HubError::Damaged { path: self.place.to_path_buf(), reason }
    }
}

fn length(file: &File, path: &Path) -> Result<u64, HubError> {
    Ok(file.metadata().map_err(StoreError::io("read", path))?.len())
}

/// Throws away what is there.
fn restart(file: &mut File, path: &Path) -> Result<(), HubError> {
    let emptied = file.set_len(0).and_then(|()| file.seek(SeekFrom::Start(0)));
    Ok(emptied.map(|_| ()).map_err(StoreError::io("empty", path))?)
}

/// Whether the path still names the open file.
#[cfg(unix)]
fn is_still_there(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let both = file.metadata().and_then(|open| Ok((open, std::fs::metadata(path)?)));
    both.is_ok_and(|(open, named)| (open.dev(), open.ino()) == (named.dev(), named.ino()))
}

#[cfg(not(unix))]
fn is_still_there(_file: &File, path: &Path) -> bool {
    path.exists()
}

/// The whole file's size, as an answer states it.
fn total(reply: &Reply) -> Option<u64> {
    match reply.status {
        200 => reply.header("content-length").parse().ok(),
        _ => reply.header("content-range").rsplit_once('/')?.1.trim().parse().ok(),
    }
}

/// Whether the answer's bytes begin where they were asked for.
fn begins_at(reply: &Reply, first: u64) -> bool {
    let begin = reply.header("content-range").strip_prefix("bytes ").and_then(|range| range.split('-').next());
    begin.and_then(|begin| begin.trim().parse::<u64>().ok()) == Some(first)
}
