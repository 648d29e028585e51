//! A journal: JSON lines that are only appended, so that a killed program loses the last one at most.
//!
//! A line is complete once its newline is there. Opening cuts off what a kill left behind the last newline, and what
//! follows starts on a line of its own. Does not know what the lines mean.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{StoreError, write_atomic};

/// A journal that is open for appending.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
}

/// A complete line of a journal.
#[derive(Clone, Copy, Debug)]
pub struct JournalLine<'a> {
    path: &'a Path,
    /// Its number, from 1.
    pub number: usize,
    bytes: &'a [u8],
}

impl JournalLine<'_> {
    /// What the line says; `hint` tells what to do with a journal that holds something else.
    ///
    /// # Errors
    /// Names the file and the line.
    pub fn decode<T: DeserializeOwned>(&self, hint: &'static str) -> Result<T, StoreError> {
        serde_json::from_slice(self.bytes).map_err(|error| StoreError::Damaged {
            path: self.path.into(),
            reason: format!("line {}: {error}", self.number),
            hint,
        })
    }
}

impl Journal {
    /// Opens or creates the journal, gives each complete line to `read`, and cuts off a torn one at the end.
    ///
    /// # Errors
    /// A file that cannot be read or written, and what `read` refuses: the file is left as it is then.
    pub fn open<E: From<StoreError>>(
        path: &Path,
        mut read: impl FnMut(JournalLine<'_>) -> Result<(), E>,
    ) -> Result<Self, E> {
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(StoreError::io("create directory", parent))?;
        }
        let mut options = OpenOptions::new();
        let file = options.read(true).append(true).create(true).open(path).map_err(StoreError::io("open", path))?;
        let (mut reader, mut line) = (BufReader::new(&file), Vec::new());
        let (mut number, mut complete) = (0, 0);
        loop {
            line.clear();
            let length = reader.read_until(b'\n', &mut line).map_err(StoreError::io("read", path))?;
            if line.last() != Some(&b'\n') {
                break;
            }
            number += 1;
            read(JournalLine { path, number, bytes: &line })?;
            complete += length as u64;
        }
        file.set_len(complete).map_err(StoreError::io("write", path))?;
        Ok(Self { path: path.into(), file })
    }

    /// Replaces all lines by these, as a whole.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn restart<T: Serialize>(&mut self, entries: &[T]) -> Result<(), StoreError> {
        let lines: Vec<u8> = entries.iter().flat_map(line_of).collect();
        write_atomic(&self.path, &lines)?;
        self.file = OpenOptions::new().append(true).open(&self.path).map_err(StoreError::io("open", &self.path))?;
        Ok(())
    }

    /// Appends a line. The system has it then: a process that is killed does not lose it.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn append<T: Serialize>(&mut self, entry: &T) -> Result<(), StoreError> {
        self.file.write_all(&line_of(entry)).map_err(StoreError::io("write", &self.path))
    }

    /// Waits until all lines are on the disk: a machine that loses its power does not lose them.
    ///
    /// # Errors
    /// A disk that refuses.
    pub fn sync(&self) -> Result<(), StoreError> {
        self.file.sync_data().map_err(StoreError::io("write", &self.path))
    }
}

fn line_of<T: Serialize>(entry: &T) -> Vec<u8> {
    let mut line = serde_json::to_vec(entry).expect("entries have string keys");
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(path: &Path) -> (Journal, Vec<f32>) {
        let mut read = Vec::new();
        let journal = Journal::open(path, |line| {
            read.push(line.decode("remove the file")?);
            Ok::<(), StoreError>(())
        });
        (journal.unwrap(), read)
    }

    #[test]
    fn a_torn_line_is_cut_off_and_floats_come_back_to_the_bit() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("below/journal.jsonl");
        let values = [0.1f32, -1.0 / 3.0, f32::MIN_POSITIVE, 1.0e-45, 16_777_216.0, f32::MAX];
        let (mut journal, none) = open(&path);
        assert!(none.is_empty());
        values.iter().for_each(|value| journal.append(value).unwrap());
        let whole = std::fs::read(&path).unwrap();
        assert!(whole.starts_with(b"0.1\n"), "the shortest form that comes back: {whole:?}");
        std::fs::write(&path, [&whole, b"0.25".as_slice()].concat()).unwrap();

        let (mut journal, read) = open(&path);
        assert_eq!(read, values);
        assert_eq!(std::fs::read(&path).unwrap(), whole);
        journal.append(&0.5f32).unwrap();
        journal.sync().unwrap();
        assert_eq!(open(&path).1.len(), values.len() + 1);
    }

    #[test]
    fn a_restarted_journal_has_the_given_lines_and_those_that_follow() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("journal.jsonl");
        let (mut journal, _) = open(&path);
        journal.append(&9.0f32).unwrap();
        journal.restart(&[1.0f32, 2.0]).unwrap();
        journal.append(&3.0f32).unwrap();
        assert_eq!(open(&path).1, [1.0, 2.0, 3.0]);
    }

    #[test]
    fn a_line_that_cannot_be_read_is_named_and_nothing_is_cut_off() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("journal.jsonl");
        std::fs::write(&path, "1.5\nrubbish\n0.2").unwrap();
        let read = |line: JournalLine<'_>| line.decode::<f32>("remove the file").map(drop);
        let error = Journal::open(&path, read).unwrap_err().to_string();
        assert!(error.contains("journal.jsonl: damaged: line 2: ") && error.contains("hint: remove"), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), b"1.5\nrubbish\n0.2");
    }
}
