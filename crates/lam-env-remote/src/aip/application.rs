//! UFO's devices as an application: where they dial in, which tasks they are given. Listens once it is needed.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lam_env::{Application, Document, EnvError, Environment, Expert, GuardRules, Guarded, TaskQuery};
use lam_http_server::Access;
use lam_signal::{Details, Fault, Secret};
use lam_types::{FunctionSpec, Phrasing, Task};
use url::form_urlencoded;

use super::environment::{AipEnvironment, Patience};
use super::families::{ENVIRONMENT, Families};
use super::functions::SPECS;
use super::hub::{Hub, HubSettings};
use crate::RemoteError;
use crate::link::LinkLimits;

const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "/aip");
const HINT: &str = "ufo-aip:HOST:PORT, and behind it ?tasks=FILE&devices=N if wanted";

/// Where devices dial in, and how they are treated.
#[derive(Clone, Debug)]
pub struct AipSettings {
    /// Address that is listened on.
    pub host: String,
    /// Port; 0 for any that is free.
    pub port: u16,
    /// What devices must show; may only be missing on loopback.
    pub token: Option<Secret>,
    /// Devices that are used at once.
    pub devices: usize,
    /// Longest wait for a device to dial in.
    pub device_wait: Duration,
    /// Longest wait for a tool.
    pub call_timeout: Duration,
    /// Longest wait for the window of a launched program.
    pub window_wait: Duration,
    /// Wait between an action and the look at what came of it.
    pub settle: Duration,
    /// Largest message, in bytes.
    pub max_message_bytes: usize,
}

impl Default for AipSettings {
    fn default() -> Self {
        Self {
            host: "127.0.0.1".into(),
            port: 5000,
            token: None,
            devices: 1,
            device_wait: Duration::from_secs(120),
            call_timeout: Duration::from_secs(45),
            window_wait: Duration::from_secs(20),
            settle: Duration::from_millis(500),
            max_message_bytes: 16 << 20,
        }
    }
}

/// The application.
pub struct UfoAip {
    settings: AipSettings,
    families: Arc<Families>,
    hub: Mutex<Option<Arc<Hub>>>,
}

impl UfoAip {
    /// The application that devices are given at `HOST:PORT?tasks=FILE&devices=N`; "" is port 5000 of this machine.
    ///
    /// # Errors
    /// What cannot be read of the address, and a file of tasks that cannot be used.
    pub fn parse(text: &str, token: Option<Secret>) -> Result<Self, RemoteError> {
        let wrong = |reason: String| RemoteError::Address { text: text.to_owned(), reason, hint: HINT };
        let mut settings = AipSettings { token, ..AipSettings::default() };
        let mut families = Families::default();
        let (place, query) = text.split_once('?').unwrap_or((text, ""));
        if !place.is_empty() {
            let (host, port) = place.rsplit_once(':').ok_or_else(|| wrong("no port".to_owned()))?;
            settings.host = host.trim_matches(['[', ']']).to_owned();
            settings.port = port.parse().map_err(|_| wrong(format!("`{port}` is no port")))?;
        }
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            match key.as_ref() {
                "tasks" => families = Families::load(Path::new(value.as_ref()))?,
                "devices" => {
                    let devices = value.parse().ok().filter(|count| (1..=64).contains(count));
                    settings.devices = devices.ok_or_else(|| wrong(format!("devices = {value}: from 1 to 64")))?;
                }
                unknown => return Err(wrong(format!("unknown key `{unknown}`"))),
            }
        }
        Ok(Self::of(settings, families))
    }

    /// The application with these settings, and without tasks of its own.
    pub fn new(settings: AipSettings) -> Self {
        Self::of(settings, Families::default())
    }

    /// The application with these settings, and with the tasks of a file.
    ///
    /// # Errors
    /// A file that cannot be used.
    pub fn with_tasks(settings: AipSettings, file: &Path) -> Result<Self, RemoteError> {
        Ok(Self::of(settings, Families::load(file)?))
    }

    fn of(settings: AipSettings, families: Families) -> Self {
        Self { settings, families: Arc::new(families), hub: Mutex::new(None) }
    }

    /// Listens, if it does not yet, and says where.
    ///
    /// # Errors
    /// A port that is taken, or a host that others can reach without a token.
    pub fn listen(&self) -> Result<SocketAddr, RemoteError> {
        Ok(self.hub()?.address())
    }

    fn hub(&self) -> Result<Arc<Hub>, RemoteError> {
        let mut hub = self.hub.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(hub) = hub.as_ref() {
            return Ok(Arc::clone(hub));
        }
        let AipSettings { host, port, token, call_timeout, max_message_bytes, .. } = self.settings.clone();
        let limits = LinkLimits { max_message_bytes, ..LinkLimits::default() };
        let access = Access { host, token, token_in_query: true, ..Access::default() };
        let started = Arc::new(Hub::start(HubSettings { access, port, call_timeout, limits })?);
        Ok(Arc::clone(hub.insert(started)))
    }

    fn guard(&self) -> GuardRules {
        self.families.guard.clone()
    }
}

impl Application for UfoAip {
    fn environment(&self) -> &str {
        ENVIRONMENT
    }

    fn version(&self) -> &str {
        VERSION
    }

    fn functions(&self) -> &[FunctionSpec] {
        &SPECS
    }

    fn instances(&self) -> Option<usize> {
        Some(self.settings.devices)
    }

    /// Waits for a device.
    fn open(&self) -> Result<Box<dyn Environment>, EnvError> {
        let hub = self.hub().map_err(|error| EnvError::usage(error.details()))?;
        let none = || {
            let (seconds, address) = (self.settings.device_wait.as_secs(), hub.address());
            let none = Details::new(format!("no device has dialled in to {address} within {seconds} s"));
            let hint = format!(
                "start one with \
                 python -m ufo.client.client --ws --ws-server ws://THIS_HOST:{}/ws?token=TOKEN --platform windows",
                address.port()
            );
            EnvError::failed(ENVIRONMENT, &none.hint(hint))
        };
        let device = hub.take(self.settings.device_wait).ok_or_else(none)?;
        let patience = Patience { window: self.settings.window_wait, settle: self.settings.settle };
        let environment = AipEnvironment::new(Arc::clone(&hub), device, Arc::clone(&self.families), patience);
        Ok(Box::new(Guarded::new(Box::new(environment), self.guard())))
    }

    /// The tasks of the file; without one, a task that asks nothing yet, whose family is the window's title.
    fn tasks(&self, query: &TaskQuery) -> Result<Vec<Task>, EnvError> {
        if !self.families.families.is_empty() {
            return self.families.draw(query);
        }
        let pattern = query.families.first().map_or("*", String::as_str);
        Ok(vec![Task {
            task_id: format!("{ENVIRONMENT}-{}", query.seed),
            family: pattern.to_owned(),
            request: String::new(),
            environment: ENVIRONMENT.to_owned(),
            application: pattern.trim_matches(['*', ' ', '-']).to_owned(),
            seed: query.seed,
            phrasing: Phrasing::Seen,
            split: query.split,
        }])
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
