//! The files of a source, in the order of their names. Knows no form of documents.

use std::path::{Path, PathBuf};

use lam_store::StoreError;

use super::config::{SourceConfig, SourceKind};
use crate::CollectError;

/// Largest document, in bytes; logs and collections of articles may be larger.
const LARGEST_PAGE: u64 = 16 << 20;
const LARGEST_LOG: u64 = 1 << 30;
/// Deepest folder below the source's own.
const DEEPEST: usize = 32;

/// One file of a source.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SourceFile {
    /// Its path below the source's, with `/`.
    pub(crate) name: String,
    path: PathBuf,
}

impl SourceFile {
    /// Its bytes, or why they cannot be read.
    pub(crate) fn read(&self) -> Result<Vec<u8>, String> {
        let size = std::fs::metadata(&self.path).map_err(|error| error.to_string())?.len();
        let is_log = [".json", ".jsonl", ".txt", ".tsv", ".log", ".csv"].iter().any(|end| self.name.ends_with(end));
        let largest = if is_log { LARGEST_LOG } else { LARGEST_PAGE };
        if size > largest {
            return Err(format!("{size} bytes are more than {largest}, the largest that is read"));
        }
        std::fs::read(&self.path).map_err(|error| error.to_string())
    }
}

/// The files that the source is made of.
///
/// # Errors
/// A path that does not exist, or under which no file of this kind lies.
pub(crate) fn files_below(source: &SourceConfig) -> Result<Vec<SourceFile>, CollectError> {
    let root = &source.path;
    let metadata = std::fs::metadata(root).map_err(|error| missing(source, &error.to_string()))?;
    let mut files = Vec::new();
    if metadata.is_file() {
        let name = root.file_name().unwrap_or_default().to_string_lossy().into_owned();
        files.push(SourceFile { name, path: root.clone() });
    } else {
        walk(root, "", source, DEEPEST, &mut files)?;
        files.sort();
    }
    if files.is_empty() {
        return Err(missing(source, &format!("no file with an end of {}", source.kind.extensions().join(", "))));
    }
    Ok(files)
}

fn missing(source: &SourceConfig, reason: &str) -> CollectError {
    let hint = match source.kind {
        SourceKind::LibreofficeHelp | SourceKind::GnomeHelp => {
            "scripts/setup_environments.sh documents fetches LibreOffice's and GNOME's help"
        }
        _ => "check `path` and `folders` of this source",
    };
    let place = source.path.display();
    CollectError::Nothing { what: format!("source `{}`: {place}: {reason}", source.name()), hint: hint.to_owned() }
}

fn walk(
    directory: &Path,
    below: &str,
    source: &SourceConfig,
    depth: usize,
    files: &mut Vec<SourceFile>,
) -> Result<(), CollectError> {
    if depth == 0 {
        return Ok(());
    }
    for entry in std::fs::read_dir(directory).map_err(StoreError::io("read", directory))? {
        let path = entry.map_err(StoreError::io("read", directory))?.path();
        let part = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let name = if below.is_empty() { part } else { format!("{below}/{part}") };
        if path.is_dir() {
            walk(&path, &name, source, depth - 1, files)?;
        } else if is_of_kind(&path, source) && is_wanted(below, &source.patterns()) {
            files.push(SourceFile { name, path });
        }
    }
    Ok(())
}

fn is_of_kind(path: &Path, source: &SourceConfig) -> bool {
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    extension.is_some_and(|extension| source.kind.extensions().contains(&extension.as_str()))
}

/// Whether the folder lies in one of those that are named.
fn is_wanted(folder: &str, patterns: &[&str]) -> bool {
    let matches = |pattern: &&str| {
        let (wanted, found): (Vec<&str>, Vec<&str>) = (pattern.split('/').collect(), folder.split('/').collect());
        wanted.len() <= found.len()
            && wanted.iter().zip(&found).all(|(wanted, found)| *wanted == "*" || wanted == found)
    };
    patterns.is_empty() || patterns.iter().any(matches)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_chosen_by_pattern() {
        assert!(is_wanted("text/swriter/guide", &["text/*/guide"]));
        assert!(is_wanted("text/swriter/guide/more", &["text/*/guide"]));
        assert!(!is_wanted("text/swriter/01", &["text/*/guide"]));
        assert!(!is_wanted("text", &["text/*/guide"]));
        assert!(is_wanted("any", &[]));
    }
}
