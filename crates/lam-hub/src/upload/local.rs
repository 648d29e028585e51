//! Files on this machine that are to be sent: their bytes, hashes, and whether they are still what they were.

use std::fs::{self, File, Metadata};
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use lam_signal::Monitor;
use lam_store::StoreError;
use sha2::Digest as _;

use super::secrets::Search;
use crate::HubError;
use crate::listing::{Digest, RemoteFile};
use crate::verify::{hex, visit};

const MIB: u64 = 1 << 20;
/// First bytes of a file, by which the hub judges whether it is text.
const SAMPLE: usize = 512;

/// Where a file's bytes are.
#[derive(Clone, Debug)]
pub enum Source {
    /// In a file.
    File(PathBuf),
    /// Here.
    Bytes(Arc<[u8]>),
}

/// A file to send.
#[derive(Clone, Debug)]
pub struct OutgoingFile {
    /// Its name in the repository, with `/` between folders.
    pub name: String,
    /// Its bytes.
    pub source: Source,
}

impl OutgoingFile {
    /// A file that is on disk.
    pub fn of_file(name: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        Self { name: name.into(), source: Source::File(path.into()) }
    }

    /// A text that is made for the repository.
    pub fn of_text(name: impl Into<String>, text: &str) -> Self {
        Self { name: name.into(), source: Source::Bytes(text.as_bytes().into()) }
    }

    /// Where it is, for a message.
    fn place(&self) -> PathBuf {
        match &self.source {
            Source::File(path) => path.clone(),
            Source::Bytes(_) => PathBuf::from(&self.name),
        }
    }
}

/// By what it is seen that a file is another one now.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stamp {
    size: u64,
    modified: Option<SystemTime>,
    number: u64,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        let number = std::os::unix::fs::MetadataExt::ino(metadata);
        #[cfg(not(unix))]
        let number = 0;
        Self { size: metadata.len(), modified: metadata.modified().ok(), number }
    }
}

/// Bytes that can be read from any place on.
pub(super) trait Bytes: Read + Seek {}
impl<T: Read + Seek> Bytes for T {}

/// A file that was read once: it is sent as it was then, or not at all.
pub(super) struct Prepared {
    pub(super) file: OutgoingFile,
    pub(super) size: u64,
    /// SHA-256 of its bytes, hex.
    pub(super) sha256: String,
    /// Git's hash of it as a blob, hex.
    git: String,
    /// Its first bytes.
    pub(super) sample: Vec<u8>,
    stamp: Option<Stamp>,
    /// The line of a key in it, and what that looks like.
    pub(super) key: Option<(usize, &'static str)>,
}

impl Prepared {
    /// Reads the file for its hashes and for keys in it; `token` is the one that must not be in it, `heard` is told how
    /// many bytes were read.
    pub(super) fn read(
        file: &OutgoingFile,
        token: Option<&str>,
        monitor: Monitor<'_>,
        heard: impl Fn(u64),
    ) -> Result<Self, HubError> {
        let place = file.place();
        let failed = || StoreError::io("read", &place);
        let stamp = stamp_of(&file.source).map_err(failed())?;
        let size = match (&file.source, &stamp) {
            (Source::Bytes(bytes), _) => bytes.len() as u64,
            (_, stamp) => stamp.as_ref().map_or(0, |stamp| stamp.size),
        };
        let mut bytes = open(&file.source).map_err(failed())?;
        let (mut sha256, mut search) = (sha2::Sha256::new(), Search::new(token));
        let mut git = sha1::Sha1::new_with_prefix(format!("blob {size}\0"));
        let (mut sample, mut count) = (Vec::new(), 0);
        visit(&mut bytes, |piece| {
            sha256.update(piece);
            git.update(piece);
            search.take(piece);
            let wanted = SAMPLE.saturating_sub(sample.len()).min(piece.len());
            sample.extend_from_slice(&piece[..wanted]);
            count += piece.len() as u64;
            heard(count);
            !monitor.cancel.is_cancelled()
        })
        .map_err(failed())?;
        if monitor.cancel.is_cancelled() {
            return Err(HubError::Cancelled);
        }
        let (sha256, git) = (hex(&sha256.finalize()), hex(&git.finalize()));
        let read = Self { file: file.clone(), size, sha256, git, sample, stamp, key: search.end() };
        if count != size || !read.is_unchanged() {
            return Err(read.changed());
        }
        Ok(read)
    }

    /// Its name in the repository.
    pub(super) fn name(&self) -> &str {
        &self.file.name
    }

    /// Whether it looks as it did when it was read.
    pub(super) fn is_unchanged(&self) -> bool {
        stamp_of(&self.file.source).is_ok_and(|now| now == self.stamp)
    }

    pub(super) fn changed(&self) -> HubError {
        HubError::Changed { path: self.file.place() }
    }

    /// Its bytes from `first` on; an error where it is another file now.
    pub(super) fn open_at(source: &Source, first: u64) -> io::Result<Box<dyn Bytes>> {
        let mut bytes = open(source)?;
        bytes.seek(SeekFrom::Start(first))?;
        Ok(bytes)
    }

    /// All its bytes, which must be those of the first reading.
    pub(super) fn whole(&self) -> Result<Vec<u8>, HubError> {
        let mut bytes = Vec::new();
        let read = open(&self.file.source).and_then(|mut file| file.read_to_end(&mut bytes));
        read.map_err(StoreError::io("read", &self.file.place()))?;
        match hex(&sha2::Sha256::digest(&bytes)) == self.sha256 {
            true => Ok(bytes),
            false => Err(self.changed()),
        }
    }

    /// How what the hub lists under its name differs from it; `None` where it is the same.
    pub(super) fn difference(&self, listed: Option<&RemoteFile>) -> Option<String> {
        let Some(listed) = listed else { return Some("is not listed".into()) };
        if let Some(size) = listed.size.filter(|size| *size != self.size) {
            return Some(format!("is listed with {size} bytes and has {}", self.size));
        }
        let (own, other) = match &listed.digest {
            Some(Digest::Sha256(other)) => (&self.sha256, other),
            Some(Digest::GitBlob(other)) => (&self.git, other),
            None => return Some("is listed without a hash".into()),
        };
        (own != other).then(|| format!("is listed with hash {other} and has {own}"))
    }
}

fn stamp_of(source: &Source) -> io::Result<Option<Stamp>> {
    match source {
        Source::File(path) => Ok(Some(Stamp::of(&fs::metadata(path)?))),
        Source::Bytes(_) => Ok(None),
    }
}

fn open(source: &Source) -> io::Result<Box<dyn Bytes>> {
    Ok(match source {
        Source::File(path) => Box::new(File::open(path)?),
        Source::Bytes(bytes) => Box::new(Cursor::new(Arc::clone(bytes))),
    })
}

/// Reads every file; refuses those that hold keys.
pub(super) fn prepare(
    files: &[OutgoingFile],
    token: Option<&str>,
    monitor: Monitor<'_>,
) -> Result<Vec<Prepared>, HubError> {
    let sizes = files.iter().map(|file| match &file.source {
        Source::File(path) => fs::metadata(path).map_or(0, |found| found.len()),
        Source::Bytes(bytes) => bytes.len() as u64,
    });
    monitor.progress.begin("reading, MiB", Some(sizes.sum::<u64>().div_ceil(MIB)));
    let (mut prepared, mut done) = (Vec::new(), 0);
    for file in files {
        let heard = |bytes: u64| monitor.progress.advance((done + bytes) / MIB, &file.name);
        let read = Prepared::read(file, token, monitor, heard)?;
        done += read.size;
        prepared.push(read);
    }
    monitor.progress.end();
    let told = |file: &Prepared| match file.key? {
        (0, what) => Some(format!("{}: holds {what}", file.name())),
        (line, what) => Some(format!("{}:{line}: holds what looks like {what}", file.name())),
    };
    let files: Vec<String> = prepared.iter().filter_map(told).collect();
    match files.is_empty() {
        true => Ok(prepared),
        false => Err(HubError::Unsendable {
            files,
            hint: "take the keys out, and make them invalid where others may have seen them",
        }),
    }
}
