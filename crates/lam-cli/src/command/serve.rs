//! `serve`: environments and models for others, until Ctrl-C.

use std::sync::Arc;
use std::time::Duration;

use lam_cuda::DeviceChoice;
use lam_env::{GuardRules, GuardedApplication};
use lam_env_remote::{OpenEnvServer, ServerSettings};
use lam_signal::{Cancel, Failure};
use serde_json::json;

use super::site::{token, wait};
use crate::args::{ServeCommand, ServeEnvArgs};
use crate::interrupt::stop_on_interrupt;
use crate::output::Output;
use crate::registry::environments;

/// Sessions of an environment that does not say how many instances run at once.
const SESSIONS: usize = 8;

/// Does what was typed.
pub fn run(command: &ServeCommand, device: Option<DeviceChoice>, output: &Output) -> Result<(), Failure> {
    match command {
        ServeCommand::Env(args) => environment(args, output),
        ServeCommand::Model(args) => super::serve_model::serve(args, device, output),
    }
}

fn environment(args: &ServeEnvArgs, output: &Output) -> Result<(), Failure> {
    let app = environments().open(&args.environment)?;
    let settings = ServerSettings {
        host: args.host.clone(),
        port: args.port,
        token: token(&args.token)?,
        max_sessions: args.max_sessions.or(app.instances()).unwrap_or(SESSIONS),
        max_message_bytes: args.max_message_mib << 20,
        max_steps: args.max_steps,
        idle_timeout: Duration::from_secs(args.idle_timeout_s),
        served_as: Some(args.environment.clone()),
        ..ServerSettings::default()
    };
    if let Some(confinement) = app.confinement() {
        output.line(&format!("programs {confinement}"));
    }
    let (name, sessions) = (app.environment().to_owned(), settings.max_sessions);
    let guarded = GuardedApplication::new(app, GuardRules::default());
    let server = OpenEnvServer::start(Arc::new(guarded), settings)?;
    let url = format!("ws://{}/ws", server.address());
    output.line(&format!("serving {name} at {url}, {sessions} sessions at once; Ctrl-C stops"));
    output.value(&json!({"environment": name, "url": url, "max_sessions": sessions}))?;
    let cancel = Cancel::default();
    stop_on_interrupt(&cancel)?;
    wait(&cancel, || server.is_running())
}
