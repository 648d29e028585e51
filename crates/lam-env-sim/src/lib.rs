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
mod drive;
mod editor;
mod environment;
mod expert;
mod family;
mod functions;
mod instance;
mod keys;
mod perform;
mod procedure;
mod provider;
mod reference;
mod ribbon;
mod screen;

use lam_env::{Application, Document, EnvError, Environment, Expert, TaskQuery};
use lam_types::{Call, FunctionSpec, Task};

pub use environment::SimEnvironment;
pub use expert::SimExpert;
pub use family::{APPLICATION, ENVIRONMENT};
pub use provider::SimProvider;
pub use reference::{reference, reference_plan};

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
    family::CATALOG.families.iter().map(|family| family.name).collect()
}

/// Every wording in which a family may ask for what this task asks; empty for tasks of several parts.
pub fn phrasings(task: &Task, phrasing: lam_types::Phrasing) -> Vec<String> {
    let parts = instance::of(task).map(|instance| instance.parts).unwrap_or_default();
    let [instance::Part { family, parameters }] = parts.as_slice() else { return Vec::new() };
    let sentences = family.wording.of(task.split, phrasing);
    let of = |word: &'static str| {
        let slots = parameters.slots(word);
        sentences.iter().map(move |sentence| lam_tasks::template::fill(sentence, &slots))
    };
    family.words.iter().flat_map(|word| of(word)).collect()
}

impl Application for Sim {
    fn environment(&self) -> &str {
        ENVIRONMENT
    }

    fn version(&self) -> &str {
        env!("CARGO_PKG_VERSION")
    }

    fn functions(&self) -> &[FunctionSpec] {
        &perform::SPECS
    }

    fn open(&self) -> Result<Box<dyn Environment>, EnvError> {
        Ok(Box::new(SimEnvironment::default()))
    }

    fn tasks(&self, query: &TaskQuery) -> Result<Vec<Task>, EnvError> {
        family::CATALOG
            .draw(query, &["task"], |turn, seed| instance::draw(turn.family, seed, turn.split, turn.phrasing).request)
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
        Some(Box::new(SimExpert))
    }
}
