//! The files of an application and of an episode: a home that is the same at each start. Knows no desktop.

use std::path::{Path, PathBuf};

use crate::application::HomeFile;
use crate::fault::Fault;

/// The home of an application. What it kept at its first start, before anybody acted, is what every later start finds:
/// no episode sees the histories, last pages of dialogs or settings of another.
pub struct Home {
    place: PathBuf,
    first: PathBuf,
}

impl Home {
    /// A home below `folder` that holds these files.
    pub fn furnish(folder: &Path, files: &[HomeFile]) -> Result<Self, Fault> {
        let home = Self { place: folder.join("home"), first: folder.join("first-home") };
        for file in files {
            write(&home.place.join(&file.path), file.text.as_bytes())?;
        }
        Ok(home)
    }

    /// Keeps the home as it is after the first start.
    pub fn keep(&self) -> Result<(), Fault> {
        if self.first.exists() {
            return Ok(());
        }
        copy(&self.place, &self.first)
    }

    /// Puts the home back as it was after the first start.
    pub fn restore(&self) -> Result<(), Fault> {
        if !self.first.exists() {
            return Ok(());
        }
        empty(&self.place)?;
        copy(&self.first, &self.place)
    }
}

/// Makes a folder that holds nothing.
pub fn empty(folder: &Path) -> Result<(), Fault> {
    lam_store::remove_directory(folder).map_err(|error| Fault::lost(error.to_string()))?;
    std::fs::create_dir_all(folder).map_err(|error| failed(folder, &error))
}

/// Writes a file, in folders that are made for it.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Fault> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(|error| failed(parent, &error))?;
    }
    std::fs::write(path, bytes).map_err(|error| failed(path, &error))
}

/// Copies folders and plain files. A running application makes and removes files: one that is gone is left out, as
/// are sockets and locks, which belong to its process.
fn copy(from: &Path, to: &Path) -> Result<(), Fault> {
    std::fs::create_dir_all(to).map_err(|error| failed(to, &error))?;
    let entries = std::fs::read_dir(from).map_err(|error| failed(from, &error))?;
    for entry in entries.flatten() {
        let Ok(kind) = entry.file_type() else { continue };
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if kind.is_dir() {
            copy(&source, &target)?;
        } else if kind.is_file() && entry.file_name() != ".lock" {
            copy_file(&source, &target)?;
        }
    }
    Ok(())
}

fn copy_file(source: &Path, target: &Path) -> Result<(), Fault> {
    match std::fs::copy(source, target) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(source, &error)),
        _ => Ok(()),
    }
}

fn failed(path: &Path, error: &std::io::Error) -> Fault {
    Fault::lost(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_is_the_same_at_each_start() {
        let folder = tempfile::tempdir().expect("a folder");
        lam_store::claim(folder.path()).expect("an empty folder");
        let file = HomeFile { path: "profile/settings".into(), text: "plain".into() };
        let home = Home::furnish(folder.path(), &[file]).expect("a home");
        let settings = folder.path().join("home/profile/settings");
        home.restore().expect("nothing is kept yet");
        write(&folder.path().join("home/cache/first"), b"made by the first start").expect("written");
        home.keep().expect("kept");
        write(&settings, b"changed in an episode").expect("written");
        write(&folder.path().join("home/history"), b"of an episode").expect("written");
        home.keep().expect("the first start counts");
        home.restore().expect("restored");
        assert_eq!(std::fs::read(settings).expect("a file"), b"plain");
        assert!(folder.path().join("home/cache/first").exists() && !folder.path().join("home/history").exists());
    }
}
