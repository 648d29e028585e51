//! The folder of one desktop: home, run time files, episode. Removed with the desktop, and by the next start where a
//! killed process left one behind.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

use super::process::{kill_marked, marked};
use crate::fault::Fault;

/// Variable that every process of a desktop carries.
const MARKER: &str = "LAM_DESKTOP";
/// Folder name in the system's temporary folder: this, the owner's process id, a number.
const PREFIX: &str = "lam-desktop-";

static NEXT: AtomicU32 = AtomicU32::new(0);
static CLEARED: Once = Once::new();

/// A desktop's folder.
pub struct Folder {
    path: PathBuf,
    marker: String,
}

impl Folder {
    /// Makes a new one.
    pub fn create() -> Result<Self, Fault> {
        CLEARED.call_once(clear_abandoned);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{PREFIX}{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(&name);
        let failed = |error: std::io::Error| Fault::lost(format!("{}: {error}", path.display()));
        lam_store::claim(&path).map_err(|error| Fault::lost(error.to_string()))?;
        for part in ["home", "run", "services", "episode", "temporary"] {
            std::fs::create_dir_all(path.join(part)).map_err(failed)?;
        }
        std::fs::set_permissions(path.join("run"), std::fs::Permissions::from_mode(0o700)).map_err(failed)?;
        Ok(Self { path, marker: format!("{MARKER}={name}") })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Kills every process of the desktop, whoever started it: whatever waits for one of them waits no more.
    pub fn kill_all(&self) {
        kill_marked(&self.marker);
    }

    /// The variables that say where everything lies.
    pub fn variables(&self) -> Vec<(String, String)> {
        let below = |part: &str| self.path.join(part).display().to_string();
        let path = std::env::var("PATH").unwrap_or_else(|_| "/usr/local/bin:/usr/bin:/bin".into());
        let marker = self.marker.trim_start_matches(MARKER).trim_start_matches('=');
        [
            ("PATH", path),
            ("LANG", "C.UTF-8".into()),
            ("TZ", "UTC".into()),
            // File dialogs begin in the home folder: it is the episode's; what programs keep lies elsewhere.
            ("HOME", below("episode")),
            ("XDG_CONFIG_HOME", below("home/config")),
            ("XDG_CACHE_HOME", below("home/cache")),
            ("XDG_DATA_HOME", below("home/data")),
            ("XDG_RUNTIME_DIR", below("run")),
            ("TMPDIR", below("temporary")),
            ("GSETTINGS_BACKEND", "memory".into()),
            ("GIO_USE_VFS", "local".into()),
            ("GDK_BACKEND", "x11".into()),
            (MARKER, marker.into()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        self.kill_all();
        let _ = lam_store::remove_directory(&self.path);
    }
}

/// Ends what processes that are no more have left running, and removes their folders.
fn clear_abandoned() {
    let owner_is_gone = |name: &str| {
        let owner = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next());
        owner.is_some_and(|owner| !Path::new("/proc").join(owner).exists())
    };
    let is_abandoned = |variables: &[&str]| {
        let name = variables.iter().find_map(|variable| variable.strip_prefix(MARKER)?.strip_prefix('='));
        name.is_some_and(owner_is_gone)
    };
    for pid in marked(is_abandoned) {
        // SAFETY: kill takes plain numbers; the process carries the marker of an owner that is gone.
        unsafe {
            libc::kill(pid, libc::SIGKILL);
        }
    }
    for entry in std::fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten() {
        if entry.file_name().to_str().is_some_and(owner_is_gone) {
            let _ = lam_store::remove_directory(&entry.path());
        }
    }
}
