//! Where the parts lie that are not ours: chromium, chromedriver, MiniWoB++'s pages. Knows no process and no page.

use std::path::{Path, PathBuf};

use lam_env::{EnvError, Missing};
use lam_signal::Details;

/// Where the pages lie below a folder of the project, as `scripts/fetch_miniwob.sh` puts them.
const PAGES: &str = "data/cache/miniwob/html";

/// The parts found on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    /// The browser.
    pub chromium: PathBuf,
    /// Its driver.
    pub chromedriver: PathBuf,
    /// Folder of MiniWoB++'s `core`, `common` and `miniwob`.
    pub pages: PathBuf,
}

impl Parts {
    /// Looks for the parts: `LAM_CHROMIUM`, `LAM_CHROMEDRIVER` and `LAM_MINIWOB` first, then `PATH`, then
    /// `data/cache/miniwob` in this folder or one above it.
    ///
    /// # Errors
    /// Names what is missing, and the script that brings it.
    pub fn find() -> Result<Self, EnvError> {
        let refused = |missing: Missing| {
            EnvError::usage(Details::new(format!("environment `web`: {}", missing.what)).hint(missing.hint))
        };
        Ok(Self {
            chromium: chromium().map_err(refused)?,
            chromedriver: chromedriver().map_err(refused)?,
            pages: pages().map_err(refused)?,
        })
    }

    /// The parts that are not there.
    pub(crate) fn missing() -> Vec<Missing> {
        [chromium(), chromedriver(), pages()].into_iter().filter_map(Result::err).collect()
    }

    /// The address of a task's page.
    pub fn address(&self, task: &str) -> String {
        format!("file://{}", page(&self.pages, task).display())
    }
}

fn page(pages: &Path, task: &str) -> PathBuf {
    pages.join("miniwob").join(format!("{task}.html"))
}

fn chromium() -> Result<PathBuf, Missing> {
    program("LAM_CHROMIUM", &["chromium", "chromium-browser", "google-chrome"])
}

fn chromedriver() -> Result<PathBuf, Missing> {
    program("LAM_CHROMEDRIVER", &["chromedriver"])
}

fn pages() -> Result<PathBuf, Missing> {
    let folder = std::env::var_os("LAM_MINIWOB").map(PathBuf::from).or_else(above);
    folder.filter(|folder| page(folder, "click-test").is_file()).ok_or_else(|| Missing {
        what: format!("no MiniWoB++ pages in {PAGES}"),
        hint: "scripts/fetch_miniwob.sh fetches them",
    })
}

/// The program that a variable names, or the first of these names on the `PATH`.
fn program(variable: &str, names: &[&str]) -> Result<PathBuf, Missing> {
    let given = std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_file());
    let path = std::env::var_os("PATH").unwrap_or_default();
    let find = |name: &&str| std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file());
    given.or_else(|| names.iter().find_map(find)).ok_or_else(|| Missing {
        what: format!("no {} on the PATH", names[0]),
        hint: "scripts/setup_environments.sh installs it",
    })
}

/// The pages in this folder or one above it.
fn above() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    here.ancestors().map(|folder| folder.join(PAGES)).find(|folder| folder.is_dir())
}
