//! Which directories are ours to write into and to remove. The only place where files and directories are removed.
//!
//! A directory is ours if it, or one around it, bears a sign: the manifest of a result, a mark, or the record of the
//! unfinished work that it holds. What bears none is somebody else's: it stays as it is. Knows no stage.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use crate::{MANIFEST_FILE, MARK_FILE, StoreError};

const MARK: &str = "lam-train made this directory, and may replace and remove it with all that is in it.\n";
/// What every manifest of ours begins with, damaged or not.
const MANIFEST_SIGN: &str = "\"producer\": \"lam-train";
/// Bytes of a manifest in which the sign stands.
const SIGN_WITHIN: u64 = 128;
/// Files of a run directory. It is known by two of them: one may have been left behind by a copy.
const RUN_FILES: [&str; 3] = [".lock", "events.jsonl", "origins.json"];

/// What stands behind a stage's name where the record of its unfinished work lies, beside its `.partial`.
pub const ATTEMPT_SUFFIX: &str = ".attempt.json";

/// Refuses a directory that somebody else made and filled. One that is not there or empty, one of ours, one of a run,
/// and one that holds nothing but directories of ours and files of the names `own` may be written into.
pub fn refuse_foreign(directory: &Path, own: &[&str]) -> Result<(), StoreError> {
    // Before its entries are looked at: another process may be removing some of them.
    if is_ours(directory) {
        return Ok(());
    }
    let entries = match fs::read_dir(directory) {
        Err(error) if [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory].contains(&error.kind()) => return Ok(()),
        entries => entries.and_then(Iterator::collect::<io::Result<Vec<_>>>),
    };
    let entries = entries.map_err(StoreError::io("read", directory))?;
    let is_own = |entry: &fs::DirEntry| entry.file_name().to_str().is_some_and(|name| own.contains(&name));
    let is_run = || RUN_FILES.iter().filter(|name| directory.join(name).is_file()).count() >= 2;
    if is_run() || entries.iter().all(|entry| is_own(entry) || is_ours(&entry.path())) {
        return Ok(());
    }
    Err(StoreError::Foreign { path: directory.to_path_buf() })
}

/// Makes a directory of ours, or takes one that is empty or ours already.
pub fn claim(directory: &Path) -> Result<(), StoreError> {
    refuse_foreign(directory, &[])?;
    fs::create_dir_all(directory).map_err(StoreError::io("create directory", directory))?;
    if is_ours(directory) {
        return Ok(());
    }
    let mark = directory.join(MARK_FILE);
    fs::write(&mark, MARK).map_err(StoreError::io("write", &mark))
}

/// Makes a directory of ours that nobody else has: `<stem>-<number>`, with a number that is free. The number of a process in
/// the stem does not see to that: another container may have it, too.
pub fn claim_new(stem: &Path) -> Result<PathBuf, StoreError> {
    let mut number = 0_u64;
    loop {
        let mut path = stem.as_os_str().to_owned();
        path.push(format!("-{number}"));
        let path = PathBuf::from(path);
        match fs::create_dir(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            made => {
                made.map_err(StoreError::io("create directory", &path))?;
                claim(&path)?;
                return Ok(path);
            }
        }
    }
}

/// Remove a directory of ours, or an empty one, and what is in it; one that is not there is fine.
pub fn remove_directory(path: &Path) -> Result<(), StoreError> {
    refuse_to_replace(path)?;
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StoreError::io("remove", path)(error)),
        _ => Ok(()),
    }
}

/// Remove a file; one that is not there is fine.
pub fn remove_file(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(StoreError::io("remove", path)(error)),
        _ => Ok(()),
    }
}

/// Refuses a place that may not be replaced as a whole: something is there that is neither ours nor empty.
pub fn refuse_to_replace(path: &Path) -> Result<(), StoreError> {
    let is_empty = |directory: &Path| fs::read_dir(directory).is_ok_and(|mut entries| entries.next().is_none());
    if !path.exists() || is_ours(path) || is_empty(path) {
        return Ok(());
    }
    Err(StoreError::Foreign { path: path.to_path_buf() })
}

/// Whether two paths name the same place, or one lies in the other.
pub fn overlap(one: &Path, other: &Path) -> bool {
    let (one, other) = (resolved(one), resolved(other));
    one.starts_with(&other) || other.starts_with(&one)
}

/// The path without links, `.` and `..`. What is not there yet is taken for a directory: it is one when it is made.
pub fn resolved(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    path.components().fold(PathBuf::new(), |mut above, part| {
        if part == Component::ParentDir {
            above.pop();
            return above;
        }
        let place = above.join(part);
        fs::canonicalize(&place).unwrap_or(place)
    })
}

/// The paths in their order, without those that name a place for the second time.
pub fn distinct_paths(paths: &[PathBuf]) -> Vec<PathBuf> {
    let mut seen = BTreeSet::new();
    paths.iter().filter(|path| seen.insert(resolved(path))).cloned().collect()
}

fn is_ours(directory: &Path) -> bool {
    fs::canonicalize(directory).is_ok_and(|path| path.ancestors().any(bears_sign))
}

fn bears_sign(directory: &Path) -> bool {
    directory.join(MARK_FILE).is_file() || has_manifest(directory) || is_unfinished(directory)
}

fn has_manifest(directory: &Path) -> bool {
    let mut head = Vec::new();
    let read = File::open(directory.join(MANIFEST_FILE)).map(|file| file.take(SIGN_WITHIN).read_to_end(&mut head));
    read.is_ok() && head.windows(MANIFEST_SIGN.len()).any(|bytes| bytes == MANIFEST_SIGN.as_bytes())
}

/// Whether it is a stage's `<name>.partial`, with the record of the try beside it.
fn is_unfinished(directory: &Path) -> bool {
    let name = directory.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".partial"));
    name.is_some_and(|name| directory.with_file_name(format!("{name}{ATTEMPT_SUFFIX}")).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(root: &Path, name: &str, file: &str, text: &str) -> PathBuf {
        let directory = root.join(name);
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join(file), text).unwrap();
        directory
    }

    #[test]
    fn what_somebody_else_made_stays() {
        let root = tempfile::tempdir().unwrap();
        let foreign = [
            with(root.path(), "mine", "letter", "x"),
            with(root.path(), "extension", MANIFEST_FILE, "{\"manifest_version\": 3, \"name\": \"clock\"}"),
            with(root.path(), "lam2.partial", "letter", "x"),
            with(root.path(), "lam2.replaced", "letter", "x"),
        ];
        for directory in &foreign {
            for refused in [remove_directory(directory), claim(directory), refuse_foreign(directory, &["table"])] {
                let message = refused.unwrap_err().to_string();
                assert!(message.contains("not a directory that lam-train made"), "{message}");
            }
            assert_eq!(fs::read_dir(directory).unwrap().count(), 1);
        }
        let link = root.path().join("link");
        std::os::unix::fs::symlink(&foreign[0], &link).unwrap();
        assert!(remove_directory(&link).is_err());
        assert!(refuse_foreign(&foreign[0], &["letter"]).is_ok());
    }

    #[test]
    fn what_is_ours_goes_with_all_that_is_in_it() {
        let root = tempfile::tempdir().unwrap();
        let claimed = root.path().join("new");
        claim(&claimed).unwrap();
        claim(&claimed).unwrap();
        let head = "{\n  \"format_version\": 1,\n  \"producer\": \"lam-train 0.1.0\", damaged";
        let partial = with(root.path(), "lam2.partial", "x", "1");
        fs::write(root.path().join("lam2.attempt.json"), "{}").unwrap();
        let inner = with(&partial, "training/checkpoint-3", "x", "1");
        for directory in [claimed, with(root.path(), "result", MANIFEST_FILE, head), inner, partial] {
            remove_directory(&directory).unwrap();
            assert!(!directory.exists());
        }
        fs::create_dir(root.path().join("empty")).unwrap();
        remove_directory(&root.path().join("empty")).unwrap();
        remove_directory(&root.path().join("absent")).unwrap();
    }

    #[test]
    fn a_new_directory_is_nobody_elses() {
        let root = tempfile::tempdir().unwrap();
        let stem = root.path().join("act-7");
        let (one, other) = (claim_new(&stem).unwrap(), claim_new(&stem).unwrap());
        assert_eq!([&one, &other], [&root.path().join("act-7-0"), &root.path().join("act-7-1")]);
        remove_directory(&one).unwrap();
        assert!(!one.exists() && claim_new(&root.path().join("none/act")).is_err());
    }

    #[test]
    fn a_run_is_known_by_its_files() {
        let root = tempfile::tempdir().unwrap();
        let run = with(root.path(), "run", ".lock", "7");
        fs::write(run.join("notes.txt"), "mine").unwrap();
        assert!(refuse_foreign(&run, &[]).is_err());
        fs::write(run.join("events.jsonl"), "").unwrap();
        refuse_foreign(&run, &[]).unwrap();
        fs::write(run.join("origins.json"), "{}").unwrap();
        fs::remove_file(run.join(".lock")).unwrap();
        refuse_foreign(&run, &[]).unwrap();
        assert!(remove_directory(&run).is_err(), "results in it are ours, the rest is not");
    }

    #[test]
    fn places_overlap_whatever_they_are_called() {
        let root = tempfile::tempdir().unwrap();
        let model = with(root.path(), "model", "x", "1");
        assert!(overlap(&model, &root.path().join("not/there/../../model")));
        assert!(overlap(&model, &model.join("not/there/yet")) && overlap(&model.join("x"), root.path()));
        assert!(!overlap(&model, &root.path().join("model-2")));
        std::os::unix::fs::symlink("model", root.path().join("link")).unwrap();
        let twice = ["model", "other", "link/../model", "link", "model/x"].map(|name| root.path().join(name));
        assert_eq!(distinct_paths(&twice), [&twice[0], &twice[1], &twice[4]].map(Clone::clone));
        assert!(overlap(&model, &root.path().join("not/../link/../model/x")));
    }
}
