//! TensorBoard's event files: length-prefixed protocol buffers with masked CRC-32C.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use lam_store::{StoreError, remove_file, write_atomic};

use super::crc32::{CASTAGNOLI, crc32};
use super::protobuf::{field_bytes, field_double, field_float, field_varint};
use super::record::{Record, tag};

/// How the names of event files begin and end; the time at which they were begun stands between.
const NAME: [&str; 2] = ["events.out.tfevents.", ".lam-train"];

/// The event file of a directory.
pub(crate) struct EventFile {
    path: PathBuf,
}

impl EventFile {
    /// Whether a directory holds one.
    pub fn is_in(directory: &Path) -> bool {
        !event_files(directory).is_empty()
    }

    /// Begins a file with these records; `at` is the present, in seconds since 1970.
    ///
    /// It takes the place of what an earlier process wrote. TensorBoard reads files in the order of their names, and drops
    /// what it has read of steps behind the one at which a session starts: a loop that goes on has no step twice.
    pub fn begin(directory: &Path, at: f64, records: &[Record]) -> Result<Self, StoreError> {
        std::fs::create_dir_all(directory).map_err(StoreError::io("create directory", directory))?;
        let earlier = event_files(directory);
        let path = directory.join(format!("{}{:010}{}", NAME[0], at as u64, NAME[1]));
        let mut frames = frame(&[field_double(1, at), field_bytes(3, b"brain.Event:2")].concat());
        frames.extend(frame(&[field_double(1, at), field_bytes(7, &field_varint(1, 1))].concat()));
        records.iter().for_each(|record| frames.extend(frame(&event(record))));
        write_atomic(&path, &frames)?;
        earlier.iter().filter(|file| **file != path).try_for_each(|file| remove_file(file))?;
        Ok(Self { path })
    }

    /// Appends the record's figures as scalars.
    pub fn append(&self, record: &Record) -> Result<(), StoreError> {
        let mut file = OpenOptions::new().append(true).open(&self.path).map_err(StoreError::io("open", &self.path))?;
        file.write_all(&frame(&event(record))).map_err(StoreError::io("write", &self.path))
    }
}

/// The event files of ours in a directory.
fn event_files(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let is_ours = |name: &str| name.starts_with(NAME[0]) && name.ends_with(NAME[1]);
    let ours = entries.flatten().filter(|entry| entry.file_name().to_str().is_some_and(is_ours));
    ours.map(|entry| entry.path()).collect()
}

/// `Event { wall_time = 1, step = 2, summary = 5 }`.
fn event(record: &Record) -> Vec<u8> {
    let scalars = record.numbers().flat_map(|(name, value)| field_bytes(1, &scalar(&tag(name), value)));
    let summary: Vec<u8> = scalars.collect();
    [field_double(1, record.at), field_varint(2, record.step), field_bytes(5, &summary)].concat()
}

/// Length, its checksum, the event, its checksum.
fn frame(event: &[u8]) -> Vec<u8> {
    let length = (event.len() as u64).to_le_bytes();
    let mut frame = length.to_vec();
    frame.extend(masked_crc(&length).to_le_bytes());
    frame.extend(event);
    frame.extend(masked_crc(event).to_le_bytes());
    frame
}

/// `Summary.Value { tag = 1, simple_value = 2 }`.
fn scalar(tag: &str, value: f32) -> Vec<u8> {
    [field_bytes(1, tag.as_bytes()), field_float(2, value)].concat()
}

fn masked_crc(bytes: &[u8]) -> u32 {
    crc32(CASTAGNOLI, bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_what_tensorboard_writes() {
        // python: event_pb2.Event(wall_time=1.5, step=3, summary=Summary(value=[Summary.Value(tag="train/loss",
        // simple_value=0.5)])).SerializeToString().hex(), of tensorboard 2.21
        let record = Record::new(1.5, 3, &[("loss".to_owned(), 0.5)].into());
        let hex: String = event(&record).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "09000000000000f83f10032a130a110a0a747261696e2f6c6f7373150000003f");
    }
}
