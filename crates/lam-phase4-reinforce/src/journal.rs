//! The journal of rollouts: a line a chunk, synced, so that a kill loses one chunk at most. Knows no model.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use lam_store::StoreError;

use crate::{ReinforceError, Rollout};

/// The file, open at the end of its last complete line.
pub(crate) struct RolloutJournal {
    path: PathBuf,
    file: File,
    chunks: usize,
}

impl RolloutJournal {
    /// Opens or makes the file, and reads what is complete. A line that was cut off goes.
    pub(crate) fn open(path: &Path) -> Result<(Self, Vec<Rollout>), ReinforceError> {
        let text = match std::fs::read(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            text => text.map_err(StoreError::io("read", path))?,
        };
        let complete = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        let (mut rollouts, mut chunks) = (Vec::new(), 0);
        for line in text[..complete].split_inclusive(|&byte| byte == b'\n') {
            chunks += 1;
            let chunk: Vec<Rollout> = serde_json::from_slice(line).map_err(|error| ReinforceError::Rollouts {
                path: path.into(),
                reason: format!("line {chunks}: {error}"),
            })?;
            rollouts.extend(chunk);
        }
        let file = OpenOptions::new().create(true).append(true).open(path).map_err(StoreError::io("open", path))?;
        file.set_len(complete as u64).map_err(StoreError::io("truncate", path))?;
        Ok((Self { path: path.into(), file, chunks }, rollouts))
    }

    /// Complete chunks.
    pub(crate) fn chunks(&self) -> usize {
        self.chunks
    }

    /// Adds a chunk.
    pub(crate) fn append(&mut self, chunk: &[Rollout]) -> Result<(), ReinforceError> {
        let mut line = serde_json::to_vec(chunk).expect("plain data serialises");
        line.push(b'\n');
        self.file.write_all(&line).map_err(StoreError::io("write", &self.path))?;
        self.file.sync_data().map_err(StoreError::io("write", &self.path))?;
        self.chunks += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rollout(id: &str) -> Rollout {
        Rollout {
            id: id.into(),
            prompt_ids: vec![1, 2],
            response_ids: vec![3],
            reference_logprobs: vec![7],
            reward: 0.25f32.to_bits(),
            call_reward: 0,
            baseline: 0,
            call: "click_input".into(),
        }
    }

    #[test]
    fn a_chunk_that_was_cut_off_is_made_again() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("rollouts.jsonl");
        let (mut journal, none) = RolloutJournal::open(&path).unwrap();
        assert!(none.is_empty());
        journal.append(&[rollout("a"), rollout("b")]).unwrap();
        let whole = std::fs::read(&path).unwrap();
        journal.append(&[rollout("c")]).unwrap();
        let both = std::fs::read(&path).unwrap();
        std::fs::write(&path, &both[..both.len() - 5]).unwrap();

        let (mut journal, rollouts) = RolloutJournal::open(&path).unwrap();
        assert_eq!((journal.chunks(), rollouts), (1, vec![rollout("a"), rollout("b")]));
        assert_eq!(std::fs::read(&path).unwrap(), whole);
        journal.append(&[rollout("c")]).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), both);
    }

    #[test]
    fn a_damaged_line_is_named() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("rollouts.jsonl");
        std::fs::write(&path, "[]\nrubbish\n").unwrap();
        let error = RolloutJournal::open(&path).err().unwrap().to_string();
        assert!(error.contains("rollouts.jsonl: line 2") && error.contains("hint: remove the file"), "{error}");
    }
}
