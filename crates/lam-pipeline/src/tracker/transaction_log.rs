//! The log in which Weights & Biases keeps a run: LevelDB's log format, with a header of its own and CRC-32 as zlib
//! computes it. Blocks of 32 KiB hold chunks; a record that does not fit into the rest of a block is split into several.
//! Knows no record.
//!
//! Source: `wandb/sdk/internal/datastore.py` of wandb 0.22; wandb 0.31 writes the same.

use super::crc32::{IEEE, crc32};

/// `:W&B`, the magic number 0xbee1 and version 0.
pub(super) const HEADER: [u8; 7] = *b":W&B\xe1\xbe\0";

const BLOCK: usize = 32 * 1024;
/// Bytes before a chunk's data: checksum, length, kind.
const CHUNK_HEADER: usize = 7;

/// Where a chunk stands in its record.
#[derive(Clone, Copy)]
enum Chunk {
    Full = 1,
    First = 2,
    Middle = 3,
    Last = 4,
}

/// The bytes that put a record behind `offset` bytes of a log, the header counted.
pub(super) fn frame(offset: u64, record: &[u8]) -> Vec<u8> {
    let mut room = BLOCK - (offset % BLOCK as u64) as usize;
    let mut framed = Vec::with_capacity(record.len() + 2 * CHUNK_HEADER);
    // No chunk fits behind the last one: zeros fill the block.
    if room < CHUNK_HEADER {
        framed.resize(room, 0);
        room = BLOCK;
    }
    let (mut rest, mut is_first) = (record, true);
    loop {
        let (data, behind) = rest.split_at(rest.len().min(room - CHUNK_HEADER));
        let chunk = match (is_first, behind.is_empty()) {
            (true, true) => Chunk::Full,
            (true, false) => Chunk::First,
            (false, false) => Chunk::Middle,
            (false, true) => Chunk::Last,
        };
        let checksum = crc32(IEEE, [chunk as u8].iter().chain(data));
        framed.extend(checksum.to_le_bytes());
        framed.extend((data.len() as u16).to_le_bytes());
        framed.push(chunk as u8);
        framed.extend(data);
        if behind.is_empty() {
            return framed;
        }
        (rest, room, is_first) = (behind, BLOCK, false);
    }
}

/// The records of a log; where it is damaged, the test that reads it fails.
#[cfg(test)]
pub(super) fn records(log: &[u8]) -> Vec<Vec<u8>> {
    assert_eq!(log[..HEADER.len()], HEADER);
    let (mut records, mut at, mut is_whole) = (Vec::<Vec<u8>>::new(), HEADER.len(), true);
    while at < log.len() {
        let room = BLOCK - at % BLOCK;
        if room < CHUNK_HEADER {
            assert!(log[at..at + room].iter().all(|byte| *byte == 0), "padding");
            at += room;
            continue;
        }
        let (header, rest) = log[at..].split_at(CHUNK_HEADER);
        let length = usize::from(u16::from_le_bytes(header[4..6].try_into().unwrap()));
        assert!(CHUNK_HEADER + length <= room, "a chunk at {at} goes over the end of its block");
        let checksum = crc32(IEEE, log[at + 6..at + 7].iter().chain(&rest[..length]));
        assert_eq!(header[..4], checksum.to_le_bytes(), "checksum of the chunk at {at}");
        let (begins, ends) = match header[6] {
            1 => (true, true),
            2 => (true, false),
            3 => (false, false),
            4 => (false, true),
            kind => panic!("kind {kind}"),
        };
        assert_eq!(begins, is_whole, "the chunk at {at} continues what does not stand before it");
        if begins {
            records.push(Vec::new());
        }
        records.last_mut().unwrap().extend(&rest[..length]);
        (at, is_whole) = (at + CHUNK_HEADER + length, ends);
    }
    assert!(is_whole, "the last record ends");
    records
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(records: &[Vec<u8>]) -> Vec<u8> {
        records.iter().fold(HEADER.to_vec(), |mut log, record| {
            log.extend(frame(log.len() as u64, record));
            log
        })
    }

    #[test]
    fn a_record_is_framed_as_by_the_client() {
        // python: store = DataStore(); store.open_for_write(path); store._write_data(b"lam"); store.close(), of wandb 0.22.3
        let hex: String = log(&[b"lam".to_vec()]).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "3a572642e1be003ecdd0970300016c616d");
    }

    #[test]
    fn records_come_back_whatever_their_place_in_a_block() {
        // The first one ends from 8 bytes before the border of the block to 1 behind it: room for a chunk without data,
        // room for none, and none left.
        for left in -1i64..=8 {
            let first = (BLOCK as i64 - left) as usize - HEADER.len() - CHUNK_HEADER;
            let written = [vec![7; first], b"behind".to_vec(), Vec::new(), vec![1; 3 * BLOCK], b"last".to_vec()];
            assert_eq!(records(&log(&written)), written, "{left} bytes left");
        }
    }

    #[test]
    fn a_record_over_several_blocks_is_split_at_their_borders() {
        let log = log(&[vec![1; 2 * BLOCK]]);
        let kinds = [HEADER.len(), BLOCK, 2 * BLOCK].map(|chunk| log[chunk + 6]);
        assert_eq!(kinds, [2, 3, 4]);
        assert_eq!(log.len(), HEADER.len() + 2 * BLOCK + 3 * CHUNK_HEADER);
    }

    #[test]
    #[should_panic(expected = "checksum")]
    fn a_byte_that_changed_is_noticed() {
        let mut log = log(&[b"lam".to_vec()]);
        *log.last_mut().unwrap() ^= 1;
        records(&log);
    }
}
