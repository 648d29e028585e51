//! An application that lives on an OpenEnv server: asks it what it is, and draws its tasks there.

use std::sync::Arc;

use lam_env::random::stream;
use lam_env::{Application, Document, EnvError, Environment, Expert, TaskQuery};
use lam_signal::Details;
use lam_tasks::order_of_turns;
use lam_types::{Call, FunctionSpec, Phrasing, Task};
use url::form_urlencoded::byte_serialize;

use super::address::Address;
use super::endpoint::{ANY_FAMILY, Endpoint};
use super::environment::RemoteEnvironment;
use super::expert::RemoteExpert;
use super::messages::Reset;
use super::payload::taken;
use super::settings::ClientSettings;
use crate::RemoteError;

/// An application on a server.
pub struct Remote {
    endpoint: Arc<Endpoint>,
    twin: Option<Box<dyn Application>>,
}

impl Remote {
    /// The application at `ws://HOST:PORT/ws`.
    ///
    /// # Errors
    /// Nobody who answers there, or another version of actions and observations.
    pub fn connect(address: &str, settings: ClientSettings) -> Result<Self, RemoteError> {
        let endpoint = Endpoint::connect(Address::parse(address)?, settings)?;
        Ok(Self { endpoint: Arc::new(endpoint), twin: None })
    }

    /// Whether `text` is the address of a server; connects to nothing.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check_address(text: &str) -> Result<(), RemoteError> {
        Address::parse(text).map(drop)
    }

    /// Name under which the server's command line knows the application, if it says one.
    pub fn served_as(&self) -> Option<&str> {
        self.endpoint.described.served_as.as_deref()
    }

    /// With the documentation, the wordings and the expert of the same application on this machine; one of another
    /// name, version or with other functions is not the same.
    #[must_use]
    pub fn with_twin(mut self, twin: Box<dyn Application>) -> Self {
        let is_same = twin.environment() == self.environment()
            && self.version().strip_suffix("/openenv") == Some(twin.version())
            && twin.functions() == self.functions();
        self.twin = is_same.then_some(twin);
        self
    }

    /// Tasks as our own servers draw them.
    fn drawn(&self, query: &TaskQuery) -> Result<Vec<Task>, EnvError> {
        let mut path = format!("/tasks?split={}&count={}&seed={}", query.split.as_str(), query.count, query.seed);
        if let Some(phrasing) = query.phrasing {
            path.push_str(&format!("&phrasing={}", phrasing.as_str()));
        }
        for family in &query.families {
            path.push_str("&family=");
            path.extend(byte_serialize(family.as_bytes()));
        }
        let refused = |reason: String| EnvError::usage(Details::new(reason));
        let mut answer = self.endpoint.get(&path, self.endpoint.settings.draw_timeout).map_err(refused)?;
        let tasks: Vec<Task> = serde_json::from_value(taken(&mut answer, "tasks"))
            .map_err(|error| self.endpoint.failed(format!("/tasks: {error}")))?;
        match tasks.len() > query.count {
            true => Err(self.endpoint.failed(format!("/tasks: {} tasks, {} were asked for", tasks.len(), query.count))),
            false => Ok(tasks),
        }
    }

    /// Tasks of a server that draws none: what a session shows for a seed is one.
    fn seen(&self, query: &TaskQuery) -> Result<Vec<Task>, EnvError> {
        let mut environment = RemoteEnvironment::new(Arc::clone(&self.endpoint));
        let mut random = stream(&["turns", self.environment(), query.split.as_str()], query.seed);
        let order = order_of_turns(query.families.len(), query.count, &mut random);
        let see = |index: usize| {
            let place = order.get(index % order.len().max(1));
            let family = place.map_or(ANY_FAMILY, |place| query.families[*place].as_str());
            let phrasing = query.phrasing.unwrap_or(Phrasing::Seen);
            let (split, wording) = (query.split.as_str(), phrasing.as_str());
            let seed = mixed(query.seed, split, index as u64);
            let mut task = Task {
                task_id: format!("{}-{family}-{split}-{wording}-{seed:012x}", self.environment()),
                family: family.to_owned(),
                request: String::new(),
                environment: self.environment().to_owned(),
                application: String::new(),
                seed,
                phrasing,
                split: query.split,
            };
            let reset = Reset { request: None, ..self.endpoint.reset_to(&task) };
            let observation = environment.start(&reset)?.observation;
            (task.request, task.application) = (observation.request, observation.application);
            Ok(task)
        };
        (0..query.count).map(see).collect()
    }
}

/// A seed of 48 bits that differs with each of these (the finaliser of SplitMix64).
fn mixed(seed: u64, split: &str, index: u64) -> u64 {
    let step = |state: u64, next: u64| {
        let mut mixed = (state ^ next).wrapping_add(0x9E37_79B9_7F4A_7C15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    };
    let named = split.bytes().fold(seed, |state, byte| step(state, u64::from(byte)));
    step(named, index) >> 16
}

impl Application for Remote {
    fn environment(&self) -> &str {
        &self.endpoint.environment
    }

    fn version(&self) -> &str {
        &self.endpoint.version
    }

    fn functions(&self) -> &[FunctionSpec] {
        &self.endpoint.described.functions
    }

    fn instances(&self) -> Option<usize> {
        Some(self.endpoint.described.max_sessions.max(1))
    }

    fn open(&self) -> Result<Box<dyn Environment>, EnvError> {
        Ok(Box::new(RemoteEnvironment::new(Arc::clone(&self.endpoint))))
    }

    fn tasks(&self, query: &TaskQuery) -> Result<Vec<Task>, EnvError> {
        if self.endpoint.described.tasks { self.drawn(query) } else { self.seen(query) }
    }

    fn documents(&self, entries: usize, seed: u64) -> Vec<Document> {
        self.twin.as_ref().map(|twin| twin.documents(entries, seed)).unwrap_or_default()
    }

    fn vocabulary(&self) -> Vec<String> {
        self.twin.as_ref().map_or_else(|| self.endpoint.described.vocabulary.clone(), |twin| twin.vocabulary())
    }

    fn step_text(&self, call: &Call) -> String {
        match &self.twin {
            Some(twin) => twin.step_text(call),
            None => lam_env::plain_step_text(call),
        }
    }

    fn parse_step(&self, step: &str) -> Result<Option<Call>, EnvError> {
        match &self.twin {
            Some(twin) => twin.parse_step(step),
            None => Err(EnvError::NoStepLanguage { environment: self.environment().to_owned() }),
        }
    }

    /// The twin's, which is the same and here; else the server's.
    fn expert(&self) -> Option<Box<dyn Expert>> {
        let here = self.twin.as_ref().and_then(|twin| twin.expert());
        here.or_else(|| Some(Box::new(RemoteExpert::of(&self.endpoint)?)))
    }
}
