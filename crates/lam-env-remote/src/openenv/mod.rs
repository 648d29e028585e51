//! OpenEnv's protocol: JSON messages over WebSocket, one connection a session, one session an instance.
//!
//! Both sides speak `messages`, which carry a `payload` that the `schema` describes. Serving: `server` → `routes` →
//! `serve` (the task of one connection) → `worker` (the thread of its instance) → `session` (the episode). Driving:
//! `remote` (the application) → `endpoint` (the server), `environment` → `exchange` (one session) and `expert`.

mod address;
mod endpoint;
mod environment;
mod exchange;
mod expert;
mod messages;
mod payload;
mod query;
mod remote;
mod routes;
mod schema;
mod serve;
mod server;
mod session;
mod settings;
mod shared;
mod worker;

pub use environment::RemoteEnvironment;
pub use payload::SCHEMA_VERSION;
pub use remote::Remote;
pub use server::OpenEnvServer;
pub use settings::ClientSettings;
pub use shared::ServerSettings;
