//! TensorBoard's event files: length-prefixed protocol buffers with masked CRC-32C. Wall times are written as 0, so
//! that the same run writes the same bytes.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use lam_store::{StoreError, write_atomic};

use crate::LogRecord;

/// The event file of a directory.
pub(crate) struct EventFile {
    path: PathBuf,
}

impl EventFile {
    /// The file's place; nothing is written yet.
    pub(crate) fn new(directory: &Path) -> Self {
        Self { path: directory.join("events.out.tfevents.0.lam-train") }
    }

    /// Begins anew with these records.
    pub(crate) fn restart(&self, history: &[LogRecord]) -> Result<(), StoreError> {
        let mut frames = frame(&field_bytes(3, b"brain.Event:2"));
        history.iter().for_each(|record| frames.extend(frame(&event(record))));
        write_atomic(&self.path, &frames)
    }

    /// Appends the record's figures as scalars.
    pub(crate) fn write(&self, record: &LogRecord) -> Result<(), StoreError> {
        let mut file = OpenOptions::new().append(true).open(&self.path).map_err(StoreError::io("open", &self.path))?;
        file.write_all(&frame(&event(record))).map_err(StoreError::io("write", &self.path))
    }
}

/// `Event { step = 2, summary = 5 }`.
fn event(record: &LogRecord) -> Vec<u8> {
    let scalars = record.values.iter().flat_map(|(name, &value)| field_bytes(1, &scalar(&tag(name), value)));
    let summary: Vec<u8> = scalars.collect();
    let mut event = field_varint(2, record.global_step);
    event.extend(field_bytes(5, &summary));
    event
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

/// Hugging Face's tags: `eval_loss` is `eval/loss`, all others are under `train/`.
fn tag(name: &str) -> String {
    match name.strip_prefix("eval_") {
        Some(rest) => format!("eval/{rest}"),
        None => format!("train/{name}"),
    }
}

/// `Summary.Value { tag = 1, simple_value = 2 }`.
fn scalar(tag: &str, value: f32) -> Vec<u8> {
    let mut message = field_bytes(1, tag.as_bytes());
    message.push(2 << 3 | 5);
    message.extend(value.to_le_bytes());
    message
}

fn field_bytes(field: u8, bytes: &[u8]) -> Vec<u8> {
    let mut message = vec![field << 3 | 2];
    message.extend(varint(bytes.len() as u64));
    message.extend(bytes);
    message
}

fn field_varint(field: u8, value: u64) -> Vec<u8> {
    let mut message = vec![field << 3];
    message.extend(varint(value));
    message
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

fn masked_crc(bytes: &[u8]) -> u32 {
    crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// CRC-32C (Castagnoli), bit by bit: events are short.
fn crc32c(bytes: &[u8]) -> u32 {
    let feed = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0x82f6_3b78 & (crc & 1).wrapping_neg()))
    };
    !bytes.iter().fold(u32::MAX, feed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_castagnoli() {
        // The check value of the CRC catalogue for CRC-32/ISCSI.
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }

    #[test]
    fn numbers_are_varints_and_tags_are_hugging_faces() {
        assert_eq!(varint(300), [0xac, 0x02]);
        assert_eq!((tag("eval_loss"), tag("loss")), ("eval/loss".into(), "train/loss".into()));
    }
}
