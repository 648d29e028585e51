//! A file's bytes while they are sent: read anew at each try, and held against what was read before anything was sent.

use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

use lam_http::Upload;
use sha2::{Digest as _, Sha256};

use super::local::Prepared;
use crate::HubError;
use crate::verify::hex;

/// A file on its way, part after part.
pub(super) struct Reading<'a> {
    file: &'a Prepared,
    /// Over the parts that have been taken.
    digest: Sha256,
    /// What the part on its way makes of it.
    current: Arc<Mutex<Part>>,
}

/// A part as it is read.
#[derive(Default)]
struct Part {
    digest: Sha256,
    /// Whether it could not be read as announced.
    is_broken: bool,
}

impl<'a> Reading<'a> {
    pub(super) fn new(file: &'a Prepared) -> Self {
        Self { file, digest: Sha256::new(), current: Arc::default() }
    }

    /// The bytes of the next part, for one request; the part before it has been taken or is given up.
    pub(super) fn part(&self, first: u64, length: u64) -> Upload {
        let (source, before, current) = (self.file.file.source.clone(), self.digest.clone(), Arc::clone(&self.current));
        let open = move || -> io::Result<Box<dyn Read>> {
            let begin = |is_broken: bool| {
                let part = Part { digest: before.clone(), is_broken };
                *current.lock().unwrap_or_else(PoisonError::into_inner) = part;
            };
            begin(true);
            let bytes: Box<dyn Read> = Box::new(Prepared::open_at(&source, first)?);
            begin(false);
            Ok(Box::new(Noted { bytes: bytes.take(length), current: Arc::clone(&current) }))
        };
        Upload { length, open: Arc::new(open) }
    }

    /// The part was taken.
    pub(super) fn taken(&mut self) {
        self.digest = self.current.lock().unwrap_or_else(PoisonError::into_inner).digest.clone();
    }

    /// What a failed try means: a file that cannot be read as it was is no failure of the network or of storage.
    pub(super) fn fault(&self, error: HubError) -> HubError {
        let is_broken = self.current.lock().unwrap_or_else(PoisonError::into_inner).is_broken;
        let is_other = is_broken || !self.file.is_unchanged();
        if is_other && !matches!(error, HubError::Cancelled) { self.file.changed() } else { error }
    }

    /// Refuses a file of which other bytes were sent than were announced.
    pub(super) fn check(&self) -> Result<(), HubError> {
        let sent = hex(&self.digest.clone().finalize());
        if sent == self.file.sha256 && self.file.is_unchanged() { Ok(()) } else { Err(self.file.changed()) }
    }
}

/// Notes what is read.
struct Noted {
    bytes: io::Take<Box<dyn Read>>,
    current: Arc<Mutex<Part>>,
}

impl Read for Noted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.bytes.read(buffer);
        let is_short = self.bytes.limit() > 0 && !buffer.is_empty() && matches!(read, Ok(0));
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.is_broken = read.is_err() || is_short;
        if let Ok(count) = &read {
            current.digest.update(&buffer[..*count]);
        }
        read
    }
}
