//! One run at a time in a run directory: the operating system's lock, which a killed process leaves by itself.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

use lam_store::StoreError;

use crate::PipelineError;

/// Name of the lock in a run directory.
pub(crate) const LOCK_FILE: &str = ".lock";

/// How often, and after how many milliseconds, a lock that somebody has is tried once more: who only looks whether it is
/// held lets it go at once.
const TRIES: u32 = 3;
const BETWEEN_TRIES_MS: u64 = 20;

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
        if let Err(refused) = take(&file) {
            if let TryLockError::Error(error) = refused {
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

fn take(file: &File) -> Result<(), TryLockError> {
    for _ in 1..TRIES {
        if file.try_lock().is_ok() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(BETWEEN_TRIES_MS));
    }
    file.try_lock()
}

/// Whether a run is under way in `run_dir`: whether its lock is held. The number of a process says less, as another may
/// have it by now.
pub fn is_running(run_dir: &Path) -> bool {
    let Ok(file) = File::open(run_dir.join(LOCK_FILE)) else { return false };
    // What was taken is let go with the file.
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
}
