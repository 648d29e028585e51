//! Where the parts lie that are not ours: chromium, chromedriver, MiniWoB++'s pages. Knows no process and no page.

use std::path::{Path, PathBuf};

use lam_env::EnvError;
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
        let pages = std::env::var_os("LAM_MINIWOB").map(PathBuf::from).or_else(above);
        let pages = pages.filter(|folder| page(folder, "click-test").is_file());
        Ok(Self {
            chromium: program("LAM_CHROMIUM", &["chromium", "chromium-browser", "google-chrome"])
                .ok_or_else(|| missing("no chromium on the PATH", "scripts/setup_environments.sh installs it"))?,
            chromedriver: program("LAM_CHROMEDRIVER", &["chromedriver"])
                .ok_or_else(|| missing("no chromedriver on the PATH", "scripts/setup_environments.sh installs it"))?,
            pages: pages.ok_or_else(|| {
                missing(&format!("no MiniWoB++ pages in {PAGES}"), "scripts/fetch_miniwob.sh fetches them")
            })?,
        })
    }

    /// The address of a task's page.
    pub fn address(&self, task: &str) -> String {
        format!("file://{}", page(&self.pages, task).display())
    }
}

fn page(pages: &Path, task: &str) -> PathBuf {
    pages.join("miniwob").join(format!("{task}.html"))
}

fn missing(what: &str, hint: &str) -> EnvError {
    EnvError::usage(Details::new(format!("environment `web`: {what}")).hint(hint))
}

fn program(variable: &str, names: &[&str]) -> Option<PathBuf> {
    let given = std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_file());
    let path = std::env::var_os("PATH")?;
    let find = |name: &&str| std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file());
    given.or_else(|| names.iter().find_map(find))
}

/// The pages in this folder or one above it.
fn above() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    here.ancestors().map(|folder| folder.join(PAGES)).find(|folder| folder.is_dir())
}
