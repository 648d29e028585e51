//! The devices that have dialled in: registered, kept alive, lent to one environment at a time. Knows no task.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{WebSocketUpgrade, close_code};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::any;
use lam_http_server::{Access, Door, HttpServer, ServerThreads};
use tokio::time::timeout;

use super::device::{Device, at_once, heartbeat};
use super::line::line;
use super::messages::{ClientMessage, ServerMessage};
use crate::RemoteError;
use crate::link::{LinkLimits, ServerLink};
use crate::reply::{refusal, unwelcome};
use crate::sockets::{Sockets, Stop};

/// How long a device may take to register once it is connected.
const REGISTRATION: Duration = Duration::from_secs(10);
/// Connections at once.
const MOST: usize = 64;
/// One thread carries what devices say; nothing is slow there.
const THREADS: ServerThreads = ServerThreads { name: "devices", serving: 1, blocking: 1 };
const HINT: &str = "set LAM_AIP_TOKEN and give it to the client as ?token=, or listen on 127.0.0.1";

/// How devices are taken.
pub struct HubSettings {
    /// Where is listened, and to whom.
    pub access: Access,
    /// Port; 0 for any that is free.
    pub port: u16,
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

/// What all connections know.
struct Reception {
    settings: HubSettings,
    sockets: Sockets,
    waiting: Arc<Waiting>,
}

/// A listening server for devices; it stops when it is dropped.
pub struct Hub {
    server: HttpServer,
    waiting: Arc<Waiting>,
}

impl Hub {
    /// Listens.
    ///
    /// # Errors
    /// A port that is taken, or a host that others can reach without a token.
    pub fn start(settings: HubSettings) -> Result<Self, RemoteError> {
        let waiting = Arc::new(Waiting::default());
        let sockets = Sockets::new(settings.limits);
        let reception = Arc::new(Reception { settings, sockets, waiting: Arc::clone(&waiting) });
        let HubSettings { access, port, limits, .. } = &reception.settings;
        let door = Door::new(router(&reception), MOST, limits.write_timeout);
        let ending = Arc::clone(&reception);
        let server = HttpServer::start((access, *port), door, THREADS, async move { ending.sockets.end().await });
        Ok(Self { server: server.map_err(|error| RemoteError::of_server(error, HINT))?, waiting })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
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

fn router(reception: &Arc<Reception>) -> Router {
    Router::new()
        .route("/ws", any(connect))
        .fallback(nothing)
        .layer(from_fn_with_state(Arc::clone(reception), guard))
        .with_state(Arc::clone(reception))
}

/// Lets in who may connect.
async fn guard(State(reception): State<Arc<Reception>>, request: Request, next: Next) -> Response {
    match unwelcome(&reception.settings.access, &request) {
        Some(refused) => refused,
        None => next.run(request).await,
    }
}

async fn nothing() -> Response {
    refusal(StatusCode::NOT_FOUND, "devices connect to /ws")
}

async fn connect(
    State(reception): State<Arc<Reception>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let receiving = Arc::clone(&reception);
    reception.sockets.open(upgrade, move |link, stop| welcome(receiving, link, stop))
}

/// Registers whoever connects, if it is a device, and carries what it says as long as it is there.
async fn welcome(reception: Arc<Reception>, mut link: ServerLink, mut stop: Stop) {
    let registered = tokio::select! {
        () = stop.is_told() => Err("the server stops".to_owned()),
        registered = register(&mut link) => registered,
    };
    match registered {
        Ok(name) => {
            let (line, carrier) = line();
            reception.waiting.add(Device::new(name, line, reception.settings.call_timeout));
            carrier.carry(link, stop, at_once).await;
        }
        Err(reason) => {
            let error = Some(reason.clone());
            let turned_away = ServerMessage { kind: "error", status: "error", error, ..ServerMessage::default() };
            let told = serde_json::to_string(&turned_away).expect("a message of strings serialises");
            link.close(Some(told), close_code::POLICY, &reason).await;
        }
    }
}

/// The name of the device that registers, once it is confirmed.
async fn register(link: &mut ServerLink) -> Result<String, String> {
    let late = |_| format!("no registration within {} s", REGISTRATION.as_secs());
    let text = timeout(REGISTRATION, link.receive()).await.map_err(late)?.map_err(|error| error.to_string())?;
    let message: ClientMessage = serde_json::from_str(&text).map_err(|error| format!("not understood: {error}"))?;
    if message.kind != "register" {
        return Err(format!("`{}` came before `register`", message.kind));
    }
    if message.client_type.as_deref().is_some_and(|kind| kind != "device") {
        return Err("only devices are served here".to_owned());
    }
    let name = message.client_id.filter(|name| !name.is_empty()).ok_or("`register` without a client_id")?;
    link.send(heartbeat(Some("registered"))).await.map_err(|error| error.to_string())?;
    Ok(name)
}
