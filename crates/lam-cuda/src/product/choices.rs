//! Which algorithm was chosen for which shape: measured once on a card, then the same in every process, so that the same
//! run has the same bits. One file a card and a version of cuBLASLt. Knows no library.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use crate::cache::write_whole;
use crate::error::CudaError;
use crate::library::cublaslt::Algorithm;

/// The choices that are known, and their file.
#[derive(Debug, Default)]
pub(crate) struct Choices {
    file: Option<PathBuf>,
    known: HashMap<String, Algorithm>,
}

impl Choices {
    /// Those of a file that may not be there yet; `None` keeps them for this process alone.
    pub fn of(file: Option<PathBuf>) -> Self {
        let known = file.as_deref().map(read).unwrap_or_default();
        Self { file, known }
    }

    /// The choice for a shape.
    pub fn get(&self, shape: &str) -> Option<Algorithm> {
        self.known.get(shape).copied()
    }

    /// Keeps a choice, unless another process was faster: what is kept is what this returns.
    pub fn keep(&mut self, shape: String, measured: Algorithm) -> Algorithm {
        // A disk that is full or read-only costs the next process its measuring, and this one nothing.
        let kept = self.share(&shape, measured).unwrap_or(measured);
        self.known.insert(shape, kept);
        kept
    }

    fn share(&self, shape: &str, measured: Algorithm) -> Result<Algorithm, CudaError> {
        let Some(file) = &self.file else { return Ok(measured) };
        let folder = file.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).map_err(CudaError::file(folder))?;
        let path = file.with_extension("lock");
        let lock = File::create(&path).map_err(CudaError::file(&path))?;
        // Until the end of this function, or of the process.
        lock.lock().map_err(CudaError::file(&path))?;
        let mut there = read(file);
        if let Some(&theirs) = there.get(shape) {
            return Ok(theirs);
        }
        there.insert(shape.to_owned(), measured);
        let mut lines: Vec<_> = there.iter().map(|(shape, algorithm)| line(shape, algorithm)).collect();
        lines.sort();
        write_whole(file, lines.concat().as_bytes()).map(|()| measured)
    }
}

fn line(shape: &str, algorithm: &Algorithm) -> String {
    let words: Vec<_> = algorithm.0.iter().map(|word| format!("{word:016x}")).collect();
    format!("{shape} {}\n", words.join(""))
}

/// The choices of a file; lines that are none, such as a cut one, are left out.
fn read(file: &Path) -> HashMap<String, Algorithm> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    text.lines().filter_map(parsed).collect()
}

fn parsed(line: &str) -> Option<(String, Algorithm)> {
    let (shape, digits) = line.split_once(' ')?;
    let mut words = [0; 8];
    if digits.len() != 128 || !digits.is_ascii() {
        return None;
    }
    for (index, word) in words.iter_mut().enumerate() {
        *word = u64::from_str_radix(&digits[index * 16..][..16], 16).ok()?;
    }
    Some((shape.to_owned(), Algorithm(words)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Algorithm = Algorithm([1, 2, 3, 4, 5, 6, 7, u64::MAX]);
    const OTHER: Algorithm = Algorithm([9; 8]);

    #[test]
    fn the_first_choice_stays_for_all_processes() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("products/card.txt");
        let (mut first, mut second) = (Choices::of(Some(file.clone())), Choices::of(Some(file.clone())));
        assert_eq!(first.keep("a".into(), ONE), ONE);
        assert_eq!(second.keep("a".into(), OTHER), ONE, "the other process was faster");
        assert_eq!(second.keep("b".into(), OTHER), OTHER);
        let third = Choices::of(Some(file));
        assert_eq!((third.get("a"), third.get("b"), third.get("c")), (Some(ONE), Some(OTHER), None));
    }

    #[test]
    fn a_damaged_line_costs_its_choice_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("card.txt");
        let text = format!("{}broken 12\nd {}\n{}", line("a", &ONE), "é".repeat(64), &line("b", &ONE)[..40]);
        std::fs::write(&file, text).unwrap();
        let choices = Choices::of(Some(file));
        assert_eq!((choices.get("a"), choices.known.len()), (Some(ONE), 1));
    }

    #[test]
    fn without_a_file_choices_are_this_processes_own() {
        let mut choices = Choices::of(None);
        assert_eq!(choices.keep("a".into(), ONE), ONE);
        assert_eq!(choices.get("a"), Some(ONE));
    }
}
