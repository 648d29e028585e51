//! A result's files at a second place: hard links, or copies where there can be none. What is written for each place anew,
//! manifest, configuration and mark, is left out.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::{CONFIG_FILE, MANIFEST_FILE, MARK_FILE, StoreError};

/// Brings the files below `from` to `to`, which is made where it is not there.
pub(super) fn link_tree(from: &Path, to: &Path) -> Result<(), StoreError> {
    let root = fs::canonicalize(from).map_err(StoreError::io("read", from))?;
    link_directory(&root, &root, to)
}

fn link_directory(root: &Path, from: &Path, to: &Path) -> Result<(), StoreError> {
    fs::create_dir_all(to).map_err(StoreError::io("create directory", to))?;
    for entry in fs::read_dir(from).map_err(StoreError::io("read", from))? {
        let entry = entry.map_err(StoreError::io("read", from))?;
        let (path, place) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().map_err(StoreError::io("read", &path))?;
        if kind.is_symlink() {
            link_again(root, &path, &place)?;
        } else if kind.is_dir() {
            link_directory(root, &path, &place)?;
        } else if !is_of_the_place(&entry.file_name(), from == root) {
            link_file(&path, &place)?;
        }
    }
    Ok(())
}

fn is_of_the_place(name: &OsStr, is_top: bool) -> bool {
    name == MARK_FILE || is_top && (name == MANIFEST_FILE || name == CONFIG_FILE)
}

/// A link that leads to another file of the result leads there at its new place too; one that leads elsewhere stays with
/// what it leads to.
fn link_again(root: &Path, from: &Path, to: &Path) -> Result<(), StoreError> {
    let target = fs::read_link(from).map_err(StoreError::io("read", from))?;
    let real = fs::canonicalize(from).map_err(StoreError::io("read", from))?;
    let target = if target.is_relative() && real.starts_with(root) { target } else { real };
    symlink(target, to).map_err(StoreError::io("link", to))
}

fn link_file(from: &Path, to: &Path) -> Result<(), StoreError> {
    match fs::hard_link(from, to) {
        Err(error) if error.kind() != ErrorKind::NotFound => copy(from, to),
        linked => linked.map_err(StoreError::io("link", from)),
    }
}

/// The copy has the time of what it is a copy of: by that, and the size, one sees later that nothing has changed.
pub(super) fn copy(from: &Path, to: &Path) -> Result<(), StoreError> {
    fs::copy(from, to).map_err(StoreError::io("copy", from))?;
    let modified = fs::metadata(from).and_then(|metadata| metadata.modified()).map_err(StoreError::io("read", from))?;
    let set = File::open(to).and_then(|file| file.set_modified(modified));
    set.map_err(StoreError::io("write", to))
}
