//! One file over the network: appended to what an earlier try left, verified, then put in its place.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use fs2::FileExt;
use lam_signal::Cancel;
use lam_store::StoreError;
use ureq::Body;
use ureq::http::Response;

use crate::client::Client;
use crate::listing::RemoteFile;
use crate::verify::difference;
use crate::{HubError, ModelId};

/// Bytes read at once.
const PIECE: usize = 1 << 17;

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
    pub(crate) cancel: &'a Cancel,
}

/// What came of one request.
enum Piece {
    /// The body ended; whether the file is complete is for the size and the hash to say.
    Ended,
    /// The connection broke; so many bytes had come.
    Broken { bytes: u64, error: HubError },
}

/// Where the bytes of an unfinished file lie.
pub(crate) fn partial(place: &Path) -> PathBuf {
    let mut name = place.file_name().unwrap_or_default().to_os_string();
    name.push(".incomplete");
    place.with_file_name(name)
}

impl Transfer<'_> {
    /// Downloads what is missing. Bytes that are not those announced are thrown away, once.
    pub(crate) fn run(&self) -> Result<(), HubError> {
        let path = partial(self.place);
        let directory = self.place.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(directory).map_err(StoreError::io("create directory", directory))?;
        let mut kept = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(&path)
            .map_err(StoreError::io("open", &path))?;
        // Another process may be at the same file: then it is there when the lock is free.
        kept.lock_exclusive().map_err(StoreError::io("lock", &path))?;
        if self.place.exists() {
            return Ok(lam_store::remove_file(&path)?);
        }
        let resumed = length(&kept, &path)? > 0;
        let mut last_chance = !resumed;
        loop {
            self.complete(&mut kept, &path)?;
            kept.sync_all().map_err(StoreError::io("write", &path))?;
            match difference(&path, self.file)? {
                None => return Ok(std::fs::rename(&path, self.place).map_err(StoreError::io("rename to", self.place))?),
                Some(reason) if last_chance => {
                    lam_store::remove_file(&path)?;
                    return Err(HubError::Damaged { path: self.place.to_path_buf(), reason });
                }
                Some(_) => restart(&mut kept, &path)?,
            }
            last_chance = true;
        }
    }

    /// Asks until the announced size is reached, or, where none is, until a body ends.
    fn complete(&self, kept: &mut File, path: &Path) -> Result<(), HubError> {
        let mut failures = 0;
        loop {
            let have = length(kept, path)?;
            if let Some(size) = self.file.size {
                if have > size {
                    restart(kept, path)?;
                    continue;
                }
                if have == size {
                    return Ok(());
                }
            }
            let (bytes, error) = match self.ask(kept, path, have) {
                Ok(Piece::Ended) if self.file.size.is_none() => return Ok(()),
                Ok(Piece::Ended) => {
                    let reason = "the connection ended before the file did".into();
                    (length(kept, path)?.saturating_sub(have), HubError::Network { url: self.url.clone(), reason })
                }
                Ok(Piece::Broken { bytes, error }) => (bytes, error),
                Err(error) if error.is_network() => (0, error),
                Err(error) => return Err(error),
            };
            failures = if bytes > 0 { 1 } else { failures + 1 };
            if failures >= self.client.settings.retries {
                return Err(error);
            }
            self.client.pause(failures, self.cancel)?;
        }
    }

    /// One request for the bytes from `have` on.
    fn ask(&self, kept: &mut File, path: &Path, have: u64) -> Result<Piece, HubError> {
        let range = (have > 0).then_some((have, None));
        let response = self.client.get(self.id, &self.url, range)?;
        match response.status().as_u16() {
            206 if begins_at(&response, have) => {}
            // The server gives all of it, or says that what is here is longer than the file.
            200 => restart(kept, path)?,
            status => {
                restart(kept, path)?;
                let reason = format!("status {status} for bytes from {have} on");
                return Err(HubError::Network { url: self.url.clone(), reason });
            }
        }
        self.append(kept, path, response.into_body())
    }

    fn append(&self, kept: &mut File, path: &Path, body: Body) -> Result<Piece, HubError> {
        let begun = length(kept, path)?;
        let mut reader = body.into_reader();
        let (mut piece, mut bytes) = (vec![0; PIECE], 0);
        loop {
            if self.cancel.is_cancelled() {
                return Err(HubError::Cancelled);
            }
            let count = match reader.read(&mut piece) {
                Ok(0) => return Ok(Piece::Ended),
                Ok(count) => count,
                Err(error) => {
                    let error = HubError::Network { url: self.url.clone(), reason: error.to_string() };
                    return Ok(Piece::Broken { bytes, error });
                }
            };
            kept.write_all(&piece[..count]).map_err(StoreError::io("write", path))?;
            bytes += count as u64;
            (self.heard)(begun + bytes);
        }
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

/// Whether the answer's bytes begin where they were asked for.
fn begins_at(response: &Response<Body>, first: u64) -> bool {
    let range = response.headers().get("content-range").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let begin = range.strip_prefix("bytes ").and_then(|range| range.split('-').next());
    begin.and_then(|begin| begin.trim().parse::<u64>().ok()) == Some(first)
}
