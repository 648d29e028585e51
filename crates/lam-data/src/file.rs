//! Examples in files: one JSON line each, trained tokens as ranges. Knows no model.

use std::ops::Range;
use std::path::Path;

use lam_store::{StoreError, write_atomic};
use serde::{Deserialize, Serialize};

use crate::Example;

/// An example as a line.
#[derive(Serialize, Deserialize)]
struct Line {
    sample_id: String,
    input_ids: Vec<u32>,
    trained: Vec<Range<usize>>,
}

/// Writes examples, one line each.
///
/// # Errors
/// When the disk refuses.
pub fn write_examples(path: &Path, examples: &[Example]) -> Result<(), StoreError> {
    let line = |example: &Example| {
        let line = Line {
            sample_id: example.sample_id.clone(),
            input_ids: example.input_ids.clone(),
            trained: ranges(&example.loss_mask),
        };
        serde_json::to_string(&line).expect("numbers and texts serialise") + "\n"
    };
    write_atomic(path, examples.iter().map(line).collect::<String>().as_bytes())
}

/// Reads what [`write_examples`] wrote.
///
/// # Errors
/// A missing file, or a line that is not an example; names file and line.
pub fn read_examples(path: &Path) -> Result<Vec<Example>, StoreError> {
    let text = std::fs::read_to_string(path).map_err(StoreError::io("read", path))?;
    let mut examples = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let damaged = |reason: String| StoreError::Damaged {
            path: path.into(),
            reason: format!("line {}: {reason}", number + 1),
            hint: "run the stage that wrote it again",
        };
        let line: Line = serde_json::from_str(line).map_err(|error| damaged(error.to_string()))?;
        let mut loss_mask = vec![false; line.input_ids.len()];
        for range in line.trained {
            let beyond = || damaged(format!("trained tokens {range:?} lie outside `input_ids`"));
            loss_mask.get_mut(range.clone()).ok_or_else(beyond)?.fill(true);
        }
        examples.push(Example { sample_id: line.sample_id, input_ids: line.input_ids, loss_mask });
    }
    Ok(examples)
}

/// The runs of trained tokens.
fn ranges(mask: &[bool]) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for position in (0..mask.len()).filter(|&position| mask[position]) {
        match ranges.last_mut() {
            Some(last) if last.end == position => last.end += 1,
            _ => ranges.push(position..position + 1),
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_come_back_and_a_range_outside_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("replay.jsonl");
        let mask = [false, true, true, false, true];
        let example = Example { sample_id: "a".into(), input_ids: vec![5, 6, 7, 8, 9], loss_mask: mask.into() };
        write_examples(&path, &[example.clone(), example.clone()]).unwrap();
        assert_eq!(read_examples(&path).unwrap(), [example.clone(), example]);
        let line = r#"{"sample_id":"a","input_ids":[1],"trained":[{"start":0,"end":2}]}"#;
        std::fs::write(&path, line).unwrap();
        let error = read_examples(&path).unwrap_err().to_string();
        assert!(error.contains("line 1: trained tokens 0..2"), "{error}");
    }
}
