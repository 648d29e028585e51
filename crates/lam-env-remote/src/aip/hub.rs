//! The devices that have dialled in: registered, kept alive, lent to one environment at a time. Knows no task.

use std::collections::VecDeque;
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lam_signal::Secret;
use serde_json::json;
use tungstenite::protocol::frame::coding::CloseCode;

use super::device::{Device, heartbeat};
use super::messages::{ClientMessage, ServerMessage};
use crate::RemoteError;
use crate::http::Request;
use crate::link::{Link, LinkLimits};
use crate::listener::Listener;

/// How long a device may take to register once it is connected.
const REGISTRATION: Duration = Duration::from_secs(10);
/// Connections at once.
const MOST: usize = 64;
const HINT: &str = "set LAM_AIP_TOKEN and give it to the client as ?token=, or listen on 127.0.0.1";

/// How devices are taken.
#[derive(Clone)]
pub struct HubSettings {
    /// Address that is listened on.
    pub host: String,
    /// Port; 0 for any that is free.
    pub port: u16,
    /// What devices must show; may only be missing on loopback.
    pub token: Option<Secret>,
    /// Longest wait for a tool.
    pub call_timeout: Duration,
    /// What a connection may take.
    pub limits: LinkLimits,
}

/// The devices that wait for work.
#[derive(Default)]
struct Waiting {
    devices: Mutex<VecDeque<Device>>,
    arrival: Condvar,
}

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Device>> {
        self.devices.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, device: Device) {
        let mut devices = self.lock();
        devices.retain(Device::is_usable);
        if devices.len() < MOST {
            devices.push_back(device);
            self.arrival.notify_one();
        }
    }
}

/// A listening server for devices; it stops when it is dropped.
pub struct Hub {
    listener: Listener,
    waiting: Arc<Waiting>,
}

impl Hub {
    /// Listens.
    ///
    /// # Errors
    /// A port that is taken, or a host that others can reach without a token.
    pub fn start(settings: HubSettings) -> Result<Self, RemoteError> {
        let waiting = Arc::new(Waiting::default());
        let place = (settings.host.clone(), settings.port, settings.token.clone());
        let arrived = Arc::clone(&waiting);
        let serve = move |stream: TcpStream, _: &_| {
            if let Some(device) = welcome(stream, &settings) {
                arrived.add(device);
            }
        };
        let listener = Listener::start((&place.0, place.1), (place.2.as_ref(), HINT), MOST, serve)?;
        Ok(Self { listener, waiting })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// A device that can be used, waited for at most so long.
    pub fn take(&self, longest: Duration) -> Option<Device> {
        let until = Instant::now() + longest;
        let mut devices = self.waiting.lock();
        loop {
            while let Some(device) = devices.pop_front() {
                if device.is_usable() {
                    return Some(device);
                }
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            let woken = self.waiting.arrival.wait_timeout(devices, left);
            devices = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Takes a device back after its episodes; one that can no longer be used is dropped and will dial in again.
    pub fn give_back(&self, device: Device) {
        if device.is_usable() {
            self.waiting.add(device);
        }
    }
}

/// Registers whoever connects, if it is a device that shows the token.
fn welcome(stream: TcpStream, settings: &HubSettings) -> Option<Device> {
    let request = Request::read(stream)?;
    let refused = match &settings.token {
        Some(token) if !request.presents(token) => {
            Some((401, "no or another token; hint: ws://HOST:PORT/ws?token=TOKEN"))
        }
        None if request.header("origin").is_some() => Some((403, "pages of a browser need a token")),
        _ if request.path != "/ws" => Some((404, "devices connect to /ws")),
        _ if !request.is_upgrade() => Some((426, "this path speaks WebSocket")),
        _ => None,
    };
    if let Some((status, reason)) = refused {
        request.answer(status, &json!({"detail": reason}));
        return None;
    }
    let mut link = request.upgrade(settings.limits)?;
    match register(&mut link) {
        Ok(name) => Some(Device::new(name, link, settings.call_timeout)),
        Err(reason) => {
            let error = Some(reason.clone());
            let turned_away = ServerMessage { kind: "error", status: "error", error, ..ServerMessage::default() };
            link.tell(serde_json::to_string(&turned_away).expect("a message of strings serialises"));
            link.close(CloseCode::Policy, &reason);
            None
        }
    }
}

/// The name of the device that registers, once it is confirmed.
fn register(link: &mut Link) -> Result<String, String> {
    let text = link.poll(REGISTRATION).map_err(|error| error.to_string())?;
    let text = text.ok_or_else(|| format!("no registration within {} s", REGISTRATION.as_secs()))?;
    let message: ClientMessage = serde_json::from_str(&text).map_err(|error| format!("not understood: {error}"))?;
    if message.kind != "register" {
        return Err(format!("`{}` came before `register`", message.kind));
    }
    if message.client_type.as_deref().is_some_and(|kind| kind != "device") {
        return Err("only devices are served here".to_owned());
    }
    let name = message.client_id.filter(|name| !name.is_empty()).ok_or("`register` without a client_id")?;
    link.send(heartbeat(Some("registered"))).map_err(|error| error.to_string())?;
    Ok(name)
}
