//! The embedded environment: a Word-like editor, its task families, its reference solutions, its limited
//! expert and its documentation. Everything is made in memory from seeds.
//!
//! ```
//! use lam_env::{Application, TaskQuery};
//! use lam_env_sim::{Sim, reference};
//! use lam_types::{Complete, Split};
//!
//! let sim = Sim::new();
//! let query = TaskQuery { split: Split::Train, phrasing: None, families: vec![], count: 1, seed: 1 };
//! let task = &sim.tasks(&query)?[0];
//! let mut environment = sim.open()?;
//! environment.reset(task)?;
//! for action in reference(task).expect("the family exists") {
//!     environment.act(&action)?;
//! }
//! assert_eq!(environment.verify()?.complete, Complete::Yes);
//! # Ok::<(), lam_env::EnvError>(())
//! ```
//!
//! Knows no model, no token and no agent.

mod command;
mod document;
mod documentation;
mod editor;
mod environment;
mod expert;
mod family;
mod functions;
mod instance;
mod keys;
mod phrasing;
mod procedure;
mod provider;
mod reference;
mod ribbon;
mod screen;
mod steps;
mod tasks;
mod words;

use lam_env::{Application, Document, EnvError, Environment, Expert, TaskQuery};
use lam_types::{FunctionSpec, Task};

pub use environment::{APPLICATION, ENVIRONMENT, SimEnvironment};
pub use expert::SimExpert;
pub use provider::SimProvider;
pub use reference::{reference, reference_plan};
pub use steps::{Call, parse_step, step_of_action, step_text};

/// The embedded application.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sim;

impl Sim {
    /// The application; it holds no state of its own.
    pub fn new() -> Self {
        Self
    }
}

/// Names of the task families, in the order in which they take turns.
pub fn family_names() -> Vec<&'static str> {
    family::all().map(|family| family.name).collect()
}

/// Every wording in which a family may ask for what this task asks; empty for tasks of several parts.
pub fn phrasings(task: &Task, phrasing: lam_types::Phrasing) -> Vec<String> {
    let Some(instance) = reference::instance_of(task) else {
        return Vec::new();
    };
    match instance.parts.as_slice() {
        [part] => phrasing::all_phrasings(part.family, &part.parameters, phrasing),
        _ => Vec::new(),
    }
}

impl Application for Sim {
    fn environment(&self) -> &str {
        ENVIRONMENT
    }

    fn version(&self) -> &str {
        env!("CARGO_PKG_VERSION")
    }

    fn functions(&self) -> &[FunctionSpec] {
        &environment::SPECS
    }

    fn open(&self) -> Result<Box<dyn Environment>, EnvError> {
        Ok(Box::new(SimEnvironment::default()))
    }

    fn tasks(&self, query: &TaskQuery) -> Result<Vec<Task>, EnvError> {
        tasks::draw(query)
    }

    fn documents(&self, entries: usize, seed: u64) -> Vec<Document> {
        documentation::documents(entries, seed)
    }

    fn vocabulary(&self) -> Vec<String> {
        documentation::vocabulary()
    }

    fn step_text(&self, function: &str, control_name: &str, args: &lam_types::Args) -> String {
        steps::step_text(function, control_name, args)
    }

    fn expert(&self) -> Option<Box<dyn Expert>> {
        Some(Box::new(SimExpert))
    }
}
