//! The environment trait: what every application, embedded or real, looks like to an agent.
//!
//! Small and blocking. `terminated`, `truncated` and `error` are three different things: an action that
//! the application refuses is an [`Outcome`] with a status, a dead application is an [`EnvError`].
//! Knows no model, no token and no tensor.
//!
//! ```
//! use lam_env::{EnvError, Environment, Outcome};
//! use lam_types::{Action, Complete, Observation, StepStatus, Task, Verdict};
//!
//! /// An application with one button, which a task asks to press.
//! #[derive(Default)]
//! struct Button {
//!     is_pressed: bool,
//! }
//!
//! impl Environment for Button {
//!     fn reset(&mut self, _task: &Task) -> Result<Observation, EnvError> {
//!         *self = Self::default();
//!         Ok(Observation::default())
//!     }
//!
//!     fn act(&mut self, action: &Action) -> Result<Outcome, EnvError> {
//!         let is_known = action.function == "press";
//!         self.is_pressed |= is_known;
//!         let status = if is_known { StepStatus::Ok } else { StepStatus::InvalidAction };
//!         Ok(Outcome { status, message: String::new(), observation: Observation::default() })
//!     }
//!
//!     fn verify(&mut self) -> Result<Verdict, EnvError> {
//!         let complete = if self.is_pressed { Complete::Yes } else { Complete::No };
//!         Ok(Verdict { complete, reason: String::new(), judge: "state".to_owned(), sub_scores: vec![] })
//!     }
//! }
//!
//! let mut button = Button::default();
//! button.act(&Action { function: "press".to_owned(), ..Action::stop("what else") })?;
//! assert_eq!(button.verify()?.complete, Complete::Yes);
//! # Ok::<(), EnvError>(())
//! ```

mod call;
mod confinement;
mod environments;
mod guard;
pub mod keys;
pub mod random;
pub mod words;

pub use call::check_call;
pub use confinement::{Bounds, Confinement, Network};
pub use environments::{Environments, Missing, Provider, refuse_screenshots};
pub use guard::{GuardRules, Guarded, GuardedApplication, PATH_SEPARATOR, leads_out, pattern_matches};

use lam_signal::{Details, Fault, FaultKind};
use lam_types::{
    Action, Call, FunctionSpec, Observation, Phrasing, PlanSource, Split, State, StepStatus, Task, Verdict,
};

/// What came of one action.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// `Ok`, or why the action had no effect.
    pub status: StepStatus,
    /// What the application said, "" when it went well.
    pub message: String,
    /// The screen after the action.
    pub observation: Observation,
}

/// An environment that can no longer be used, or a task it cannot start.
#[derive(Debug, thiserror::Error)]
pub enum EnvError {
    /// The task names a family this environment does not have.
    UnknownFamily {
        /// Id of the task.
        task_id: String,
        /// The family it names.
        family: String,
        /// This environment.
        environment: String,
        /// What to write instead, or "".
        hint: String,
    },
    /// The environment has no tasks of its own, and was given none.
    NothingAsked {
        /// This environment.
        environment: String,
    },
    /// Plans are to be read as calls, and the environment has no language in which steps are written.
    NoStepLanguage {
        /// This environment.
        environment: String,
    },
    /// The task cannot be started, or was not started before it was acted on.
    Usage(Box<Details>),
    /// The application died or stopped answering.
    Failed {
        /// This environment.
        environment: String,
        /// What happened.
        reason: String,
        /// What may help, or "".
        hint: String,
    },
    /// Somebody asked to stop while tasks were drawn.
    Stopped,
}

impl EnvError {
    /// An environment that died, and of what.
    pub fn failed(environment: impl Into<String>, cause: &Details) -> Self {
        let (reason, hint) = (cause.sentence(), cause.hint.clone());
        EnvError::Failed { environment: environment.into(), reason, hint }
    }

    /// A task that cannot be started, and why.
    pub fn usage(details: Details) -> Self {
        EnvError::Usage(Box::new(details))
    }

    /// Somebody acts or judges before a task was started.
    pub fn not_started() -> Self {
        EnvError::usage(Details::new("no task was started").hint("call reset before act and verify"))
    }
}

impl Fault for EnvError {
    fn kind(&self) -> FaultKind {
        match self {
            EnvError::UnknownFamily { .. } | EnvError::NothingAsked { .. } | EnvError::Usage(_) => FaultKind::Data,
            EnvError::NoStepLanguage { .. } => FaultKind::Config,
            EnvError::Failed { .. } => FaultKind::Runtime,
            EnvError::Stopped => FaultKind::Cancelled,
        }
    }

    fn details(&self) -> Details {
        match self {
            EnvError::UnknownFamily { task_id, family, environment, hint } => {
                Details::new(format!("unknown family `{family}` in environment `{environment}`"))
                    .at(format!("task {task_id}"))
                    .hint(hint)
            }
            EnvError::NothingAsked { environment } => {
                Details::new(format!("environment `{environment}` has no tasks of its own"))
                    .hint("say what is asked: act --task, or the file of tasks of UFO's devices (?tasks=FILE)")
            }
            EnvError::NoStepLanguage { environment } => {
                Details::new(format!("environment `{environment}` has no language of steps: plans cannot be followed"))
                    .hint("explore by the model's own tries alone (ways = [\"tries\"])")
            }
            EnvError::Usage(details) => Details::clone(details),
            EnvError::Failed { environment, reason, hint } => {
                Details::new(format!("environment `{environment}` failed")).because(reason).hint(hint)
            }
            EnvError::Stopped => Details::new("stopped on request"),
        }
    }
}

lam_signal::display_details!(EnvError);

/// One running instance of an application.
pub trait Environment: Send {
    /// Starts the task from its template and seed.
    ///
    /// # Errors
    /// An unknown family, or an application that does not start.
    fn reset(&mut self, task: &Task) -> Result<Observation, EnvError>;

    /// Carries out one action. An action that is impossible here is an `Outcome` with `InvalidAction`.
    ///
    /// # Errors
    /// Only when the environment itself can no longer be used.
    fn act(&mut self, action: &Action) -> Result<Outcome, EnvError>;

    /// Judges the present state against the task's predicate.
    ///
    /// # Errors
    /// Only when the environment itself can no longer be used.
    fn verify(&mut self) -> Result<Verdict, EnvError>;

    /// Whether the application itself has ended the task, so that nothing can be done any more: the episode is judged
    /// as it stands (Gymnasium's `terminated`).
    fn has_ended(&self) -> bool {
        false
    }

    /// Labels of the controls that would reach the same state with this call (the paper's "set of
    /// acceptable objects", §5.3.1); asked before `act`. Empty when the environment cannot tell.
    fn acceptable_labels(&mut self, action: &Action) -> Vec<String> {
        let _ = action;
        Vec::new()
    }
}

/// Which tasks are wanted.
#[derive(Clone, Debug)]
pub struct TaskQuery {
    /// The set they belong to.
    pub split: Split,
    /// Only this wording; `None` for the set's own: known wordings in training, those kept for it in the validation set,
    /// half of each in the test set.
    pub phrasing: Option<Phrasing>,
    /// Only these families; empty for all.
    pub families: Vec<String>,
    /// How many; families take turns, so that each gets its share, and fewer tasks than families are spread over all.
    pub count: usize,
    /// Seed of the draw: the same query gives the same tasks.
    pub seed: u64,
}

/// A page, article or log from which task-plan pairs are extracted (paper §3.1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Name of the document, as provenance shows it.
    pub name: String,
    /// What kind of source it is.
    pub source: PlanSource,
    /// Markdown: headings, paragraphs, ordered lists.
    pub text: String,
}

/// A teacher that stands in for GPT-4o. It is told what any policy is told, and nothing else.
pub trait Expert: Send + Sync {
    /// Version of its rules, recorded with every trajectory.
    fn version(&self) -> String;
    /// Its answer to a state.
    ///
    /// # Errors
    /// Where it is somewhere else, and cannot be asked. One that is here always answers.
    fn decide(&self, state: &State) -> Result<Action, EnvError>;
    /// How many states it may be asked about at once: more than one is of use where it is somewhere else.
    fn parallel(&self) -> usize {
        1
    }
}

/// What an environment crate registers: everything that is the same for all its instances.
pub trait Application: Send + Sync {
    /// Name of the environment, such as `sim`.
    fn environment(&self) -> &str;
    /// Version of the environment; recorded with every trajectory.
    fn version(&self) -> &str;
    /// The functions its actions may call, for prompts and for the answer constraint.
    fn functions(&self) -> &[FunctionSpec];
    /// How many instances may run at once; `None` for an embedded application, which is called where the run is. One
    /// that runs in processes of its own names a number: each instance gets a thread, and a deadline for every call.
    fn instances(&self) -> Option<usize> {
        None
    }
    /// How the operating system confines its programs; `None` for an application without programs of its own here.
    fn confinement(&self) -> Option<Confinement> {
        None
    }
    /// What an instance keeps loaded for a task, such as a page: tasks for which it is the same are run one after another.
    /// "" (the default) where it costs nothing to change.
    fn loads<'t>(&self, task: &'t Task) -> &'t str {
        let _ = task;
        ""
    }
    /// Is told which tasks come next, in their order: an application that takes long to start a task may make it ready
    /// meanwhile. Only the latest call counts; what is no longer asked for is ended. Returns at once.
    fn prepare(&self, next: &[&Task]) {
        let _ = next;
    }
    /// A new instance.
    ///
    /// # Errors
    /// When the application cannot be started.
    fn open(&self) -> Result<Box<dyn Environment>, EnvError>;
    /// Tasks drawn for a query, deterministic by its seed.
    ///
    /// # Errors
    /// An unknown family.
    fn tasks(&self, query: &TaskQuery) -> Result<Vec<Task>, EnvError>;
    /// As [`Application::tasks`], where somebody waits: `drawn` is told how many there are and says whether to continue. An
    /// application that starts something for each task to learn what it asks has its own way; others draw at once.
    ///
    /// # Errors
    /// As [`Application::tasks`]; [`EnvError::Stopped`].
    fn draw_tasks(&self, query: &TaskQuery, drawn: &(dyn Fn(usize) -> bool + Sync)) -> Result<Vec<Task>, EnvError> {
        let _ = drawn;
        self.tasks(query)
    }
    /// Its documentation, as sources for phase 1; `entries` bounds the generated log-like sources.
    fn documents(&self, entries: usize, seed: u64) -> Vec<Document>;
    /// Texts that show the words of the application and of its documents, for tokenizer and base model.
    fn vocabulary(&self) -> Vec<String>;
    /// How its documentation words a call: the step language that plans share with actions. What it writes,
    /// [`Application::parse_step`] reads back as the same call.
    fn step_text(&self, call: &Call) -> String {
        plain_step_text(call)
    }
    /// The call that a step of its documentation describes, its control by name; `None` when it is not a step of its
    /// language.
    ///
    /// # Errors
    /// [`EnvError::NoStepLanguage`]: the application has no language of steps that can be read back.
    fn parse_step(&self, step: &str) -> Result<Option<Call>, EnvError> {
        let _ = step;
        Err(EnvError::NoStepLanguage { environment: self.environment().to_owned() })
    }
    /// Its scripted expert, if it has one.
    fn expert(&self) -> Option<Box<dyn Expert>>;
}

/// A call in plain words, for applications without a step language of their own: function, control, arguments.
pub fn plain_step_text(call: &Call) -> String {
    let words = [call.function.clone(), call.control_name.clone()].into_iter();
    let values = call.args.values().map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    words.chain(values).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}
