//! The header of a file, read from its beginning on: each length is compared with what is left before it is believed.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use crate::GgufError;

/// Longest header that is read, in bytes: the vocabularies of known models take some 10 million.
const LONGEST: u64 = 256 << 20;
pub(crate) const DAMAGED: &str = "the file is truncated, damaged or not GGUF: fetch it again";

/// Where reading stands.
pub(crate) struct Cursor<'p> {
    pub(crate) path: &'p Path,
    reader: BufReader<File>,
    /// Bytes read.
    pub(crate) at: u64,
    /// Bytes that may be read.
    end: u64,
    /// Bytes of the file.
    pub(crate) size: u64,
}

impl<'p> Cursor<'p> {
    pub(crate) fn open(path: &'p Path) -> Result<Self, GgufError> {
        // Opening a pipe waits for a writer.
        let found = std::fs::metadata(path).map_err(GgufError::io(path))?;
        if !found.is_file() {
            return Err(GgufError::file(path, "is no file", "a GGUF model lies in a regular file"));
        }
        let (file, size) = (File::open(path).map_err(GgufError::io(path))?, found.len());
        Ok(Self { path, reader: BufReader::new(file), at: 0, end: size.min(LONGEST), size })
    }

    pub(crate) fn fault<T>(&self, reason: impl ToString) -> Result<T, GgufError> {
        Err(GgufError::file(self.path, reason, DAMAGED))
    }

    /// Refuses `count` things of at least `each` bytes where so many are not left.
    pub(crate) fn room(&self, count: u64, each: u64, what: &str) -> Result<(), GgufError> {
        let left = self.end - self.at;
        if count.checked_mul(each).is_some_and(|bytes| bytes <= left) {
            return Ok(());
        }
        if self.end < self.size {
            return self
                .fault(format!("{what}, of {count} at byte {}: a header of more than {LONGEST} bytes", self.at));
        }
        self.fault(format!("{what}, of {count} at byte {}: the file ends at byte {}", self.at, self.size))
    }

    pub(crate) fn bytes(&mut self, count: u64, what: &str) -> Result<Vec<u8>, GgufError> {
        self.room(count, 1, what)?;
        let mut bytes = vec![0; count as usize];
        self.reader.read_exact(&mut bytes).map_err(GgufError::io(self.path))?;
        self.at += count;
        Ok(bytes)
    }

    /// The bytes of a number of `N`.
    pub(crate) fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N], GgufError> {
        self.room(N as u64, 1, what)?;
        let mut bytes = [0; N];
        self.reader.read_exact(&mut bytes).map_err(GgufError::io(self.path))?;
        self.at += N as u64;
        Ok(bytes)
    }

    pub(crate) fn u32(&mut self, what: &str) -> Result<u32, GgufError> {
        Ok(u32::from_le_bytes(self.array(what)?))
    }

    pub(crate) fn u64(&mut self, what: &str) -> Result<u64, GgufError> {
        Ok(u64::from_le_bytes(self.array(what)?))
    }

    /// A text. Vocabularies may hold bytes that are no UTF-8; they become U+FFFD.
    pub(crate) fn text(&mut self, what: &str) -> Result<String, GgufError> {
        let length = self.u64(what)?;
        let bytes = self.bytes(length, what)?;
        Ok(String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
    }

    /// A name: a text that is none without being UTF-8.
    pub(crate) fn name(&mut self, what: &str) -> Result<String, GgufError> {
        let (at, length) = (self.at, self.u64(what)?);
        let bytes = self.bytes(length, what)?;
        String::from_utf8(bytes).or_else(|_| self.fault(format!("{what} at byte {at} is no UTF-8")))
    }
}
