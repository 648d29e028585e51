//! Environments over the network.
//!
//! [`OpenEnvServer`] serves any application to whoever speaks OpenEnv's WebSocket protocol, one session and one
//! instance a connection. [`Remote`] is the other side: an application that lives on such a server. [`UfoAip`] plays
//! the server of UFO's agent interaction protocol, so that an unmodified UFO device client becomes an environment.
//! What listens runs on axum, what plays runs in threads that may wait; every call has a deadline, every message a
//! largest size.
//!
//! ```
//! use std::sync::Arc;
//!
//! use lam_env::{Application, TaskQuery};
//! use lam_env_remote::{ClientSettings, OpenEnvServer, Remote, ServerSettings};
//! use lam_env_sim::{Sim, reference};
//! use lam_types::{Complete, Split};
//!
//! let settings = ServerSettings { port: 0, ..ServerSettings::default() };
//! let server = OpenEnvServer::start(Arc::new(Sim::new()), settings)?;
//! let remote = Remote::connect(&format!("ws://{}/ws", server.address()), ClientSettings::default())?;
//! let query = TaskQuery { split: Split::Train, phrasing: None, families: vec![], count: 1, seed: 1 };
//! let task = &remote.tasks(&query)?[0];
//! let mut environment = remote.open()?;
//! environment.reset(task)?;
//! for action in reference(task).expect("the family exists") {
//!     environment.act(&action)?;
//! }
//! assert_eq!(environment.verify()?.complete, Complete::Yes);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Knows no model, no token of a model, no agent and no particular application.

mod aip;
mod error;
mod idle;
mod link;
mod openenv;
mod provider;
mod reply;
mod sockets;

pub use aip::{AipSettings, UfoAip};
pub use error::RemoteError;
pub use openenv::{ClientSettings, OpenEnvServer, Remote, RemoteEnvironment, SCHEMA_VERSION, ServerSettings};
pub use provider::RemoteProvider;
