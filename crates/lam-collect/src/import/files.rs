//! The files of a source, in the order of their names: found, unpacked, decoded. Knows no form of documents.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use lam_store::{StoreError, hash_bytes};

use super::config::{SourceConfig, SourceKind};
use super::content::Repairs;
use super::decode::decode;
use super::unpack::{PARQUET, unpacked};
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
    largest: u64,
}

/// What a file holds.
pub(super) enum Held {
    /// Text, and what was done to read it.
    Text(String, Repairs),
    /// A table of records, to be read from its file.
    Parquet,
}

impl SourceFile {
    /// What it holds, with the SHA-256 of its bytes; or why it cannot be read.
    pub(super) fn read(&self) -> Result<(Held, String), String> {
        let metadata = std::fs::metadata(&self.path).map_err(|error| match self.path.is_symlink() {
            true => format!("is a link that leads nowhere: {error}"),
            false => error.to_string(),
        })?;
        if !metadata.is_file() {
            return Err("is no file".to_owned());
        }
        if metadata.len() > self.largest {
            return Err(format!("{} bytes are more than {}, the largest that is read", metadata.len(), self.largest));
        }
        let bytes = std::fs::read(&self.path).map_err(|error| error.to_string())?;
        let hash = hash_bytes(&bytes);
        if bytes.starts_with(PARQUET) {
            return Ok((Held::Parquet, hash));
        }
        let decoded = decode(&unpacked(bytes, self.largest)?)?;
        let repairs = Repairs { converted: usize::from(decoded.encoding != "UTF-8"), replaced: decoded.replaced };
        Ok((Held::Text(decoded.text, repairs), hash))
    }

    /// Its text, with the SHA-256 of its bytes; or why it has none.
    pub(super) fn text(&self) -> Result<(String, Repairs, String), String> {
        match self.read()? {
            (Held::Text(text, repairs), hash) => Ok((text, repairs, hash)),
            (Held::Parquet, _) => Err("is a Parquet file, not a document".to_owned()),
        }
    }

    /// Where it lies.
    pub(super) fn path(&self) -> &Path {
        &self.path
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
    if metadata.is_dir() {
        Walk { source, seen: HashSet::new(), files: &mut files }.folder(root, "", DEEPEST)?;
        files.sort();
    } else {
        let name = root.file_name().unwrap_or_default().to_string_lossy().into_owned();
        files.push(SourceFile { name, path: root.clone(), largest: largest(source.kind) });
    }
    if files.is_empty() {
        return Err(missing(source, &format!("no file with an end of {}", source.kind.extensions().join(", "))));
    }
    Ok(files)
}

fn missing(source: &SourceConfig, reason: &str) -> CollectError {
    let hint = source.kind.fetched_by().unwrap_or("check `path` and `folders` of this source");
    let place = source.path.display();
    CollectError::Nothing { what: format!("source `{}`: {place}: {reason}", source.name()), hint: hint.to_owned() }
}

fn largest(kind: SourceKind) -> u64 {
    match kind {
        SourceKind::Wikihow | SourceKind::Queries => LARGEST_LOG,
        _ => LARGEST_PAGE,
    }
}

/// A walk through the folders of a source. Hidden ones, such as `.git`, belong to programs and not to the source.
struct Walk<'a> {
    source: &'a SourceConfig,
    /// Folders that were walked, without links, so that a link to a folder above ends.
    seen: HashSet<PathBuf>,
    files: &'a mut Vec<SourceFile>,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &Path, below: &str, depth: usize) -> Result<(), CollectError> {
        let own = folder.canonicalize().map_err(StoreError::io("read", folder))?;
        if !self.seen.insert(own) {
            return Ok(());
        }
        if depth == 0 {
            let reason = format!("folders deeper than {DEEPEST}: {}", folder.display());
            return Err(missing(self.source, &reason));
        }
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(StoreError::io("read", folder))? {
            paths.push(entry.map_err(StoreError::io("read", folder))?.path());
        }
        // A folder is walked under its own name, and a link to it later on is the repetition.
        paths.sort_by_key(|path| (path.is_symlink(), path.clone()));
        for path in paths {
            let part = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let name = if below.is_empty() { part.clone() } else { format!("{below}/{part}") };
            if part.starts_with('.') || part == "__MACOSX" {
                continue;
            } else if path.is_dir() {
                self.folder(&path, &name, depth - 1)?;
            } else if is_of_kind(&part, self.source) && is_wanted(below, &self.source.patterns()) {
                self.files.push(SourceFile { name, path, largest: largest(self.source.kind) });
            }
        }
        Ok(())
    }
}

/// By the end of its name, that of a compression left out.
fn is_of_kind(name: &str, source: &SourceConfig) -> bool {
    let name = name.to_lowercase();
    let bare = [".gz", ".zst", ".zstd"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(&name);
    bare.rsplit_once('.').is_some_and(|(_, extension)| source.kind.extensions().contains(&extension))
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
    fn links_end_hidden_folders_stay_out_and_what_is_no_file_is_named() {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name);
        for folder in ["a/b", ".git", "__MACOSX"] {
            std::fs::create_dir_all(path(folder)).unwrap();
        }
        for file in ["a/one.md", "a/b/two.md.gz", ".git/three.md", "__MACOSX/four.md", "a/._one.md"] {
            std::fs::write(path(file), "# x").unwrap();
        }
        let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, path(name)).unwrap();
        link("..", "a/b/up");
        link("gone.md", "a/dangling.md");
        link("round.md", "a/round.md");
        std::fs::create_dir(path("a/folder.md")).unwrap();
        let files = files_below(&SourceConfig::files(SourceKind::Markdown, root.path(), "x")).unwrap();
        let found: Vec<_> = files.iter().map(|file| (file.name.as_str(), file.text().err())).collect();
        let names: Vec<_> = found.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["a/b/two.md.gz", "a/dangling.md", "a/one.md", "a/round.md"]);
        for linked in [1, 3] {
            let reason = found[linked].1.as_deref().unwrap_or_default();
            assert!(reason.starts_with("is a link that leads nowhere"), "{found:?}");
        }
        let fifo = SourceFile { name: "x".into(), path: "/dev/null".into(), largest: 9 };
        assert_eq!(fifo.text().unwrap_err(), "is no file");
    }

    #[test]
    fn folders_are_chosen_by_pattern() {
        assert!(is_wanted("text/swriter/guide", &["text/*/guide"]));
        assert!(is_wanted("text/swriter/guide/more", &["text/*/guide"]));
        assert!(!is_wanted("text/swriter/01", &["text/*/guide"]));
        assert!(!is_wanted("text", &["text/*/guide"]));
        assert!(is_wanted("any", &[]));
    }
}
