//! MiniWoB++ as an environment: the pages in Chromium, driven through WebDriver, seeded, rewarded by the page itself.
//!
//! The control list is UFO's: what is visible, labelled "1" to "n", named by the text a person reads. Actions are
//! UFO's functions, grounded in the page's elements. Chromium, its driver and the pages are not part of the project:
//! `scripts/setup_environments.sh` brings them, and [`Web::find`] says so where they are missing.
//!
//! ```no_run
//! use lam_env::{Application, TaskQuery};
//! use lam_env_web::{Clicks, Web};
//! use lam_types::Split;
//!
//! let web = Web::find(Clicks::Script)?;
//! let families = vec!["click-button".to_owned()];
//! let query = TaskQuery { split: Split::Train, phrasing: None, families, count: 1, seed: 1 };
//! let task = &web.tasks(&query)?[0];
//! let mut environment = web.open()?;
//! println!("{}: {:?}", task.request, environment.reset(task)?.controls);
//! # Ok::<(), lam_env::EnvError>(())
//! ```
//!
//! Knows no model, no token and no agent.

mod browser;
mod documentation;
mod environment;
mod expert;
mod family;
mod functions;
mod keys;
mod observation;
mod parts;
mod procedures;
mod process;
mod provider;
mod random;
mod tasks;
mod webdriver;
mod words;

use std::sync::Arc;

use lam_env::{Application, Confinement, Document, EnvError, Environment, Expert, TaskQuery};
use lam_types::{Call, FunctionSpec, Task};

pub use browser::Clicks;
pub use environment::WebEnvironment;
pub use expert::WebExpert;
pub use family::{APPLICATION, ENVIRONMENT};
pub use parts::Parts;
pub use provider::WebProvider;

/// Version of the pages that `scripts/fetch_miniwob.sh` fetches.
const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "/miniwob-1.0");

/// The pages and the browser they are shown in.
#[derive(Clone, Debug)]
pub struct Web {
    parts: Arc<Parts>,
    clicks: Clicks,
}

impl Web {
    /// The application, when its parts are on this machine.
    ///
    /// # Errors
    /// Names what is missing, and the script that brings it.
    pub fn find(clicks: Clicks) -> Result<Self, EnvError> {
        Ok(Self { parts: Arc::new(Parts::find()?), clicks })
    }

    /// A new instance, whose browser starts with its first task.
    pub fn instance(&self) -> WebEnvironment {
        WebEnvironment::new(Arc::clone(&self.parts), self.clicks)
    }
}

/// Names of the task families, in the order in which they take turns.
pub fn family_names() -> Vec<&'static str> {
    family::CATALOG.families.iter().map(|family| family.name).collect()
}

/// The request in the page's own words: what the benchmark asks, without any of our wordings.
///
/// # Errors
/// A family that does not exist, or a browser that fails.
pub fn own_words(environment: &mut WebEnvironment, task: &Task) -> Result<String, EnvError> {
    environment.start(&task.family, task.seed, task.split).map(|(request, _)| request)
}

impl Application for Web {
    fn environment(&self) -> &str {
        ENVIRONMENT
    }

    fn version(&self) -> &str {
        VERSION
    }

    fn functions(&self) -> &[FunctionSpec] {
        &functions::SPECS
    }

    fn confinement(&self) -> Option<Confinement> {
        Some(Confinement::here())
    }

    fn loads<'t>(&self, task: &'t Task) -> &'t str {
        &task.family
    }

    fn instances(&self) -> Option<usize> {
        Some(std::thread::available_parallelism().map_or(1, usize::from))
    }

    fn open(&self) -> Result<Box<dyn Environment>, EnvError> {
        Ok(Box::new(self.instance()))
    }

    fn tasks(&self, query: &TaskQuery) -> Result<Vec<Task>, EnvError> {
        self.draw_tasks(query, &|_| true)
    }

    fn draw_tasks(&self, query: &TaskQuery, drawn: &(dyn Fn(usize) -> bool + Sync)) -> Result<Vec<Task>, EnvError> {
        tasks::draw(query, self.instances().unwrap_or(1), &|| self.instance(), drawn)
    }

    fn documents(&self, entries: usize, seed: u64) -> Vec<Document> {
        documentation::documents(entries, seed)
    }

    fn vocabulary(&self) -> Vec<String> {
        documentation::vocabulary()
    }

    fn step_text(&self, call: &Call) -> String {
        lam_tasks::step_text(call)
    }

    fn parse_step(&self, step: &str) -> Result<Option<Call>, EnvError> {
        Ok(lam_tasks::parse_step(step))
    }

    fn expert(&self) -> Option<Box<dyn Expert>> {
        Some(Box::new(WebExpert))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::family::values;

    #[test]
    fn steps_on_what_pages_show_read_back() {
        let parts = Parts { chromium: "".into(), chromedriver: "".into(), pages: "".into() };
        let web = Web { parts: Arc::new(parts), clicks: Clicks::Script };
        let mut names: BTreeSet<String> = words::BUTTONS.iter().map(|name| (*name).to_owned()).collect();
        for asking in family::CATALOG.families.iter().flat_map(|family| family.askings) {
            for seed in 0..5 {
                let slots = values::draw(asking.wording.train[0], &mut random::stream(seed, &["language"]));
                names.extend(lam_tasks::calls(asking.steps, &slots).into_iter().map(|call| call.control_name));
            }
        }
        assert_eq!(lam_tasks::check_language(&web, names.iter().map(String::as_str)), Ok(()));
    }
}
