//! Any accessible Linux application as an environment: one private desktop an instance, seen and driven over AT-SPI,
//! judged by the documents it leaves on the disk.
//!
//! An application is a file: `configs/applications/writer.toml` is LibreOffice Writer. Its tasks are tables in
//! `tasks/`. Knows no model, no token and no agent.
//!
//! ```no_run
//! use lam_env::{Application, TaskQuery};
//! use lam_env_desktop::Desktop;
//! use lam_types::Split;
//!
//! let writer = Desktop::load("writer")?;
//! writer.check_installed()?;
//! let query = TaskQuery { split: Split::Train, phrasing: None, families: vec!["bold".into()], count: 1, seed: 1 };
//! let task = &writer.tasks(&query)?[0];
//! let mut environment = writer.open()?;
//! println!("{}: {} controls", task.request, environment.reset(task)?.controls.len());
//! # Ok::<(), lam_env::EnvError>(())
//! ```
#![cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "only Linux has accessible desktops to start"))]

mod application;
pub mod document;
mod documentation;
mod fault;
mod files;
mod functions;
mod installed;
mod screenshots;
mod tasks;

#[cfg(target_os = "linux")]
mod access;
#[cfg(target_os = "linux")]
mod desktop;
#[cfg(target_os = "linux")]
mod environment;
#[cfg(target_os = "linux")]
mod instance;
#[cfg(target_os = "linux")]
mod perform;
#[cfg(target_os = "linux")]
mod prewarm;
mod provider;
#[cfg(target_os = "linux")]
mod running;
#[cfg(target_os = "linux")]
mod session;
#[cfg(target_os = "linux")]
mod start;

use std::path::PathBuf;
use std::sync::Arc;

use lam_env::{Application, Confinement, Document, EnvError, Environment, Expert, GuardRules, TaskQuery};
use lam_types::{Action, Call, FunctionSpec, State, Task};

pub use application::ApplicationFile;
pub use provider::DesktopProvider;
pub use tasks::ENVIRONMENT;

/// An application on private desktops.
pub struct Desktop {
    file: Arc<ApplicationFile>,
    functions: Arc<Vec<FunctionSpec>>,
    screenshots: Option<PathBuf>,
    #[cfg(target_os = "linux")]
    prewarmed: Arc<prewarm::PrewarmPool>,
}

/// Desktops that run at once, unless told otherwise: one a core.
fn instances() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

impl Desktop {
    /// The shipped application called `name`, or the one that the file at this path describes.
    ///
    /// # Errors
    /// No such application, or a file that describes none.
    pub fn load(name: &str) -> Result<Self, EnvError> {
        let file = Arc::new(ApplicationFile::load(name)?);
        let functions = Arc::new(functions::specs(&file));
        Ok(Self {
            #[cfg(target_os = "linux")]
            prewarmed: Arc::new(prewarm::PrewarmPool::new(file.clone(), instances())),
            file,
            functions,
            screenshots: None,
        })
    }

    /// The same, with at most so many desktops made ready for tasks that come next (one a core by default): each takes
    /// the memory of an instance, and saves the time of a start.
    #[cfg(target_os = "linux")]
    pub fn with_prewarmed(self, most: usize) -> Self {
        Self { prewarmed: Arc::new(prewarm::PrewarmPool::new(self.file.clone(), most)), ..self }
    }

    /// Refuses when the programs are not installed.
    ///
    /// # Errors
    /// A program is missing: the error names the script that installs it.
    pub fn check_installed(&self) -> Result<(), EnvError> {
        self.file.check_installed()
    }

    /// The same, with a PNG of the screen before and after each step below `folder`.
    pub fn with_screenshots(self, folder: PathBuf) -> Self {
        Self { screenshots: Some(folder), ..self }
    }

    /// What the application's file forbids.
    pub fn rules(&self) -> GuardRules {
        self.file.rules()
    }

    /// Names of the application's task families, in the order in which they take turns.
    pub fn family_names(&self) -> Vec<&'static str> {
        tasks::catalog(&self.file.name).families.into_iter().map(|family| family.name).collect()
    }

    /// What the reference solution of a task does in a state: it knows the task's parameters, not only its request.
    ///
    /// # Errors
    /// A task of a family that does not exist.
    pub fn reference(&self, task: &Task, state: &State) -> Result<Action, EnvError> {
        let family = tasks::catalog(&self.file.name).get(&task.task_id, &task.family)?;
        let instance = tasks::instance(family, task.seed, task.split, task.phrasing);
        Ok(tasks::follow(state, &instance.calls()))
    }
}

impl Application for Desktop {
    fn environment(&self) -> &str {
        ENVIRONMENT
    }

    fn version(&self) -> &str {
        env!("CARGO_PKG_VERSION")
    }

    fn functions(&self) -> &[FunctionSpec] {
        &self.functions
    }

    fn instances(&self) -> Option<usize> {
        Some(instances())
    }

    fn confinement(&self) -> Option<Confinement> {
        Some(Confinement::here())
    }

    #[cfg(target_os = "linux")]
    fn prepare(&self, next: &[&Task]) {
        self.prewarmed.prepare(next);
    }

    #[cfg(target_os = "linux")]
    fn open(&self) -> Result<Box<dyn Environment>, EnvError> {
        self.check_installed()?;
        let (file, functions, prewarmed) = (self.file.clone(), self.functions.clone(), self.prewarmed.clone());
        Ok(Box::new(environment::DesktopEnvironment::new(file, functions, prewarmed, self.screenshots.clone())))
    }

    #[cfg(not(target_os = "linux"))]
    fn open(&self) -> Result<Box<dyn Environment>, EnvError> {
        Err(EnvError::usage(
            lam_signal::Details::new("desktops are started on Linux only").hint("use another environment here"),
        ))
    }

    fn tasks(&self, query: &TaskQuery) -> Result<Vec<Task>, EnvError> {
        tasks::draw(&self.file.name, query)
    }

    fn documents(&self, entries: usize, seed: u64) -> Vec<Document> {
        documentation::documents(&self.file.name, entries, seed)
    }

    fn vocabulary(&self) -> Vec<String> {
        documentation::vocabulary(&self.file, &self.functions)
    }

    fn step_text(&self, call: &Call) -> String {
        lam_tasks::step_text(call)
    }

    fn parse_step(&self, step: &str) -> Result<Option<Call>, EnvError> {
        Ok(lam_tasks::parse_step(step))
    }

    fn expert(&self) -> Option<Box<dyn Expert>> {
        let application = self.file.name.clone();
        (!tasks::topics(&application).is_empty())
            .then(|| Box::new(tasks::TableExpert { application }) as Box<dyn Expert>)
    }
}
