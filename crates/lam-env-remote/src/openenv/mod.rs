//! OpenEnv's protocol: JSON messages over WebSocket, one connection a session, one session an instance.
//!
//! `words` is what both sides speak. Serving: `server` (routes) → `serve` (one connection) → `worker` (the thread of
//! its instance) → `session` (the episode). Driving: `remote` (the application) → `environment` → `exchange`.

mod address;
mod environment;
mod exchange;
mod remote;
mod schema;
mod serve;
mod server;
mod session;
mod words;
mod worker;

pub use environment::RemoteEnvironment;
pub use remote::{ClientSettings, Remote};
pub use server::{OpenEnvServer, ServerSettings};
pub use words::SCHEMA_VERSION;
