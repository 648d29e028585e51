//! What is served in the tests: the embedded editor, and applications that fail in every way there is.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use lam_env::{Application, Document, EnvError, Environment, Expert, Outcome, TaskQuery};
use lam_env_remote::{OpenEnvServer, ServerSettings};
use lam_env_sim::Sim;
use lam_types::{Action, FunctionSpec, Observation, Phrasing, Split, StepStatus, Task, Verdict};

/// Settings of a server on any free port.
pub fn settings() -> ServerSettings {
    ServerSettings { port: 0, ..ServerSettings::default() }
}

/// The editor, served.
pub fn served(settings: ServerSettings) -> OpenEnvServer {
    OpenEnvServer::start(Arc::new(Sim::new()), settings).expect("a free port")
}

/// Address of a server's WebSocket.
pub fn url(server: &OpenEnvServer) -> String {
    format!("ws://{}/ws", server.address())
}

/// A query of training tasks in known wordings.
pub fn query(count: usize) -> TaskQuery {
    TaskQuery { split: Split::Train, phrasing: Some(Phrasing::Seen), families: Vec::new(), count, seed: 11 }
}

/// An application whose instances fail as they are told by the function that is called: `panic`, `die`, `hang`; `tell`
/// shows a document of 32 MiB. Tasks of a family `panic` cannot be drawn either.
#[derive(Clone, Default)]
pub struct Failing {
    /// Whether no instance starts.
    pub is_broken: bool,
    /// Instances that are alive.
    pub alive: Arc<AtomicUsize>,
}

struct Instance(Arc<AtomicUsize>);

impl Drop for Instance {
    fn drop(&mut self) {
        // As long as a browser takes.
        std::thread::sleep(Duration::from_millis(100));
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

fn failed(reason: &str) -> EnvError {
    EnvError::failed("failing", &lam_signal::Details::new(reason))
}

impl Environment for Instance {
    fn reset(&mut self, _task: &Task) -> Result<Observation, EnvError> {
        Ok(Observation::default())
    }

    fn act(&mut self, action: &Action) -> Result<Outcome, EnvError> {
        match action.function.as_str() {
            "panic" => panic!("no such paper size"),
            "die" => Err(failed("the window is gone")),
            "tell" => {
                let observation = Observation { document: "x".repeat(32 << 20), ..Observation::default() };
                Ok(Outcome { status: StepStatus::Ok, message: String::new(), observation })
            }
            _ => {
                std::thread::sleep(Duration::from_secs(3));
                Err(failed("it woke up"))
            }
        }
    }

    fn verify(&mut self) -> Result<Verdict, EnvError> {
        Err(failed("nothing to judge"))
    }
}

impl Application for Failing {
    fn environment(&self) -> &str {
        "failing"
    }

    fn version(&self) -> &str {
        "1"
    }

    fn functions(&self) -> &[FunctionSpec] {
        &[]
    }

    fn open(&self) -> Result<Box<dyn Environment>, EnvError> {
        if self.is_broken {
            return Err(failed("the program is missing"));
        }
        self.alive.fetch_add(1, Ordering::AcqRel);
        Ok(Box::new(Instance(Arc::clone(&self.alive))))
    }

    fn tasks(&self, query: &TaskQuery) -> Result<Vec<Task>, EnvError> {
        assert!(query.families != ["panic"], "no such paper size");
        Sim::new().tasks(query)
    }

    fn documents(&self, _entries: usize, _seed: u64) -> Vec<Document> {
        Vec::new()
    }

    fn vocabulary(&self) -> Vec<String> {
        Vec::new()
    }

    fn expert(&self) -> Option<Box<dyn Expert>> {
        None
    }
}
