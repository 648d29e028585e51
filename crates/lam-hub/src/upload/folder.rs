//! Which files of a directory are sent, which stay, and which forbid that anything is sent.

use std::fs;
use std::path::{Path, PathBuf};

use lam_store::{MARK_FILE, StoreError};
use serde::Serialize;

use super::local::OutgoingFile;
use super::secrets;
use crate::HubError;

/// Files and folders that are nobody's content, and that the hub takes in part no file of.
const NOT_CONTENT: [&str; 6] = [".git", ".cache", "__pycache__", ".ipynb_checkpoints", ".DS_Store", MARK_FILE];
/// Files with the state of an optimizer or of a trainer.
const TRAINING: [&str; 5] =
    ["optimizer.pt", "optimizer.bin", "optimizer.safetensors", "scheduler.pt", "trainer_state.json"];

/// What of a directory would be sent.
#[derive(Clone, Debug, Default)]
pub struct Folder {
    /// The files, by name.
    pub files: Vec<OutgoingFile>,
    /// What stays.
    pub left_out: Vec<LeftOut>,
}

/// A file or folder that is not sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// The way to it from the directory, with `/` between its parts.
    pub name: String,
    /// Why.
    pub reason: &'static str,
}

impl Folder {
    /// The files of a directory as it stands. Links within it are followed to files; checkpoints of training stay
    /// unless they are asked for.
    ///
    /// # Errors
    /// A directory that cannot be read, that holds no file, or that holds what must not be sent: links that lead out of
    /// it, files that hold keys by their name, names that the hub cannot have.
    pub fn read(directory: &Path, checkpoints: bool) -> Result<Self, HubError> {
        let root = fs::canonicalize(directory).map_err(StoreError::io("read", directory))?;
        let mut walk = Walk { root, checkpoints, found: Self::default(), refused: Vec::new() };
        walk.enter(Path::new(""), "")?;
        let Walk { mut found, refused, .. } = walk;
        if !refused.is_empty() {
            let hint = "move them out of the directory, or send a copy without them";
            return Err(HubError::Unsendable { files: refused, hint });
        }
        if found.files.is_empty() {
            return Err(HubError::Nothing { directory: directory.to_owned() });
        }
        found.files.sort_by(|one, other| one.name.cmp(&other.name));
        found.left_out.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(found)
    }
}

struct Walk {
    /// The directory, without links.
    root: PathBuf,
    checkpoints: bool,
    found: Folder,
    /// Each with its reason.
    refused: Vec<String>,
}

impl Walk {
    /// Looks through a folder; `name` is the way to it with `/` behind it, or "".
    fn enter(&mut self, below: &Path, name: &str) -> Result<(), HubError> {
        let folder = self.root.join(below);
        let mut entries = fs::read_dir(&folder)
            .and_then(Iterator::collect::<std::io::Result<Vec<_>>>)
            .map_err(StoreError::io("read", &folder))?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let below = below.join(entry.file_name());
            match entry.file_name().to_str().filter(|part| is_sendable(part)) {
                Some(part) => self.look(&below, &format!("{name}{part}"))?,
                None => self.refused.push(format!("{}: the hub has no such name", below.display())),
            }
        }
        Ok(())
    }

    /// Decides about one entry.
    fn look(&mut self, below: &Path, name: &str) -> Result<(), HubError> {
        let path = self.root.join(below);
        let last = name.rsplit('/').next().unwrap_or(name);
        let is_link = fs::symlink_metadata(&path).map_err(StoreError::io("read", &path))?.is_symlink();
        if NOT_CONTENT.contains(&last) {
            self.leave(name, "no content");
            return Ok(());
        }
        let Ok(real) = fs::canonicalize(&path) else {
            self.refused.push(format!("{name}: a link that leads nowhere"));
            return Ok(());
        };
        let Ok(real_name) = real.strip_prefix(&self.root) else {
            self.refused.push(format!("{name}: a link that leads out of the directory"));
            return Ok(());
        };
        let real_name = real_name.to_string_lossy().replace('\\', "/");
        if let Some(reason) = secrets::of_name(name).or_else(|| secrets::of_name(&real_name)) {
            self.refused.push(format!("{name}: {reason}"));
            return Ok(());
        }
        match (real.is_dir(), is_link) {
            _ if !self.checkpoints && (is_of_training(name) || is_of_training(&real_name)) => {
                self.leave(name, "a checkpoint of training; --checkpoints sends it");
            }
            (true, true) => self.leave(name, "a link to a folder beside it"),
            (true, false) => self.enter(below, &format!("{name}/"))?,
            (false, _) if real.is_file() => self.found.files.push(OutgoingFile::of_file(name, real)),
            (false, _) => self.refused.push(format!("{name}: neither a file nor a folder")),
        }
        Ok(())
    }

    fn leave(&mut self, name: &str, reason: &'static str) {
        self.found.left_out.push(LeftOut { name: name.to_owned(), reason });
    }
}

/// Whether the hub can have a file or folder of this name.
fn is_sendable(part: &str) -> bool {
    part.len() <= 255 && !part.contains('\\') && !part.chars().any(char::is_control)
}

/// Whether it is a checkpoint, or state that only training goes on from.
fn is_of_training(name: &str) -> bool {
    let last = name.rsplit('/').next().unwrap_or(name);
    let step = last.strip_prefix("checkpoint-").filter(|step| !step.is_empty());
    let is_checkpoint = step.is_some_and(|step| step.bytes().all(|byte| byte.is_ascii_digit()));
    is_checkpoint || TRAINING.contains(&last) || last.starts_with("rng_state")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, names: &[&str]) {
        for name in names {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
    }

    fn names(folder: &Folder) -> Vec<&str> {
        folder.files.iter().map(|file| file.name.as_str()).collect()
    }

    #[test]
    fn a_directory_is_sent_without_checkpoints_and_what_is_no_content() {
        let root = tempfile::tempdir().unwrap();
        let state = ["training/checkpoint-20/model.safetensors", "training/optimizer.pt"];
        write(root.path(), &["model.safetensors", "base/config.json", "training/metrics.jsonl", ".gitattributes"]);
        write(root.path(), &[".git/config", ".lam-train", state[0], state[1]]);
        let folder = Folder::read(root.path(), false).unwrap();
        let all = [".gitattributes", "base/config.json", "model.safetensors", "training/metrics.jsonl"];
        assert_eq!(names(&folder), all);
        let left: Vec<&str> = folder.left_out.iter().map(|left| left.name.as_str()).collect();
        assert_eq!(left, [".git", ".lam-train", "training/checkpoint-20", "training/optimizer.pt"]);
        assert!(folder.left_out[2].reason.contains("--checkpoints"));
        let folder = Folder::read(root.path(), true).unwrap();
        assert!(state.iter().all(|name| names(&folder).contains(name)));
        let error = Folder::read(&root.path().join(".git/none"), false).unwrap_err().to_string();
        assert!(error.contains("cannot read"), "{error}");
        fs::create_dir(root.path().join("empty")).unwrap();
        let error = Folder::read(&root.path().join("empty"), false).unwrap_err().to_string();
        assert!(error.contains("holds no file") && error.contains("hint:"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_within_the_directory_and_refused_beyond() {
        use std::os::unix::fs::symlink;
        let (root, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let place = |name: &str| root.path().join(name);
        write(root.path(), &["a.txt", "d/b.txt", "training/checkpoint-7/x"]);
        symlink("a.txt", place("copy.txt")).unwrap();
        symlink("d", place("again")).unwrap();
        symlink("checkpoint-7", place("training/last")).unwrap();
        let folder = Folder::read(root.path(), false).unwrap();
        assert_eq!(names(&folder), ["a.txt", "copy.txt", "d/b.txt"]);
        assert_eq!(folder.left_out.len(), 3, "{:?}", folder.left_out);

        write(root.path(), &[".env"]);
        write(other.path(), &["secret"]);
        symlink(other.path().join("secret"), place("out")).unwrap();
        symlink(other.path(), place("folder")).unwrap();
        symlink("none", place("nowhere")).unwrap();
        symlink(".env", place("settings.txt")).unwrap();
        let error = Folder::read(root.path(), false).unwrap_err().to_string();
        for part in
            ["out: a link that leads out", "folder: a link that leads out", "nowhere: a link that leads nowhere"]
        {
            assert!(error.contains(part), "no `{part}` in: {error}");
        }
        assert!(error.contains(".env: a file of this name") && error.contains("settings.txt: a file of"), "{error}");
        assert!(error.contains("hint: move them"), "{error}");
    }
}
