//! One run at a time in a run directory: the operating system's lock, which a killed process leaves by itself.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;

use fs2::FileExt;
use lam_store::StoreError;

use crate::PipelineError;

/// Name of the lock in a run directory.
pub(crate) const LOCK_FILE: &str = ".lock";

/// Held while a run is under way.
pub(crate) struct RunLock {
    _file: File,
}

impl RunLock {
    /// Take the lock of `run_dir`, or say who has it.
    pub fn take(run_dir: &Path) -> Result<Self, PipelineError> {
        let path = run_dir.join(LOCK_FILE);
        let mut options = OpenOptions::new();
        let opened = options.read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = opened.map_err(StoreError::io("open", &path))?;
        if let Err(error) = file.try_lock_exclusive() {
            if error.raw_os_error() != fs2::lock_contended_error().raw_os_error() {
                return Err(StoreError::io("lock", &path)(error).into());
            }
            let mut process = String::new();
            let known = file.read_to_string(&mut process).is_ok() && !process.trim().is_empty();
            let owner = if known { format!(" (process {})", process.trim()) } else { String::new() };
            return Err(PipelineError::Locked { path: run_dir.to_path_buf(), owner });
        }
        file.set_len(0).map_err(StoreError::io("write", &path))?;
        writeln!(file, "{}", std::process::id()).map_err(StoreError::io("write", &path))?;
        Ok(Self { _file: file })
    }
}
