//! A file to which lines are appended: each look reads what is new. Knows no line's meaning.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Bytes at the end of what was read that are looked at again: they tell whether the file is still the same.
const MARK: usize = 256;

/// A file, as far as it was read.
#[derive(Debug)]
pub struct GrowingFile {
    path: PathBuf,
    /// Bytes of whole lines that were read.
    read: u64,
    /// The last of them.
    mark: Vec<u8>,
}

/// What a look found.
#[derive(Debug, PartialEq, Eq)]
pub enum News {
    /// Whole lines behind those that were read.
    More(String),
    /// Another file, or one that was begun anew: all of its whole lines.
    Anew(String),
}

impl GrowingFile {
    /// A file that was not looked at yet.
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), read: 0, mark: Vec::new() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads on. A line that is still being written waits for the next look.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn look(&mut self) -> std::io::Result<News> {
        let mut file = File::open(&self.path)?;
        if !self.is_the_same(&mut file)? {
            (self.read, self.mark) = (0, Vec::new());
        }
        let is_new = self.read == 0;
        file.seek(SeekFrom::Start(self.read))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        bytes.truncate(whole);
        self.read += whole as u64;
        if whole > 0 {
            self.mark = bytes[whole.saturating_sub(MARK)..].to_vec();
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Ok(if is_new { News::Anew(text) } else { News::More(text) })
    }

    fn is_the_same(&self, file: &mut File) -> std::io::Result<bool> {
        if file.metadata()?.len() < self.read {
            return Ok(false);
        }
        let mut found = vec![0; self.mark.len()];
        file.seek(SeekFrom::Start(self.read - self.mark.len() as u64))?;
        file.read_exact(&mut found)?;
        Ok(found == self.mark)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn lines_are_read_once_and_whole_and_a_new_beginning_is_noticed() {
        let path = std::env::temp_dir().join(format!("lam-growing-{}", std::process::id()));
        fs::write(&path, "one\ntw").unwrap();
        let mut file = GrowingFile::new(&path);
        assert_eq!(file.look().unwrap(), News::Anew("one\n".into()));
        assert_eq!(file.look().unwrap(), News::More(String::new()));
        fs::write(&path, "one\ntwo\n").unwrap();
        assert_eq!(file.look().unwrap(), News::More("two\n".into()));
        fs::write(&path, "one\ntoo\nthree\n").unwrap();
        assert_eq!(file.look().unwrap(), News::Anew("one\ntoo\nthree\n".into()), "longer, and not the same");
        fs::write(&path, "one\n").unwrap();
        assert_eq!(file.look().unwrap(), News::Anew("one\n".into()), "shorter");
        fs::remove_file(&path).unwrap();
        assert!(file.look().is_err());
    }
}
