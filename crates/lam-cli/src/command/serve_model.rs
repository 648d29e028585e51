//! `serve model`: trained models over HTTP, until Ctrl-C.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use lam_cuda::DeviceChoice;
use lam_serve::{Capacity, ModelPlace, Models, Server, ServerSettings};
use lam_signal::{Cancel, Failure};
use serde_json::json;

use super::site::{token, wait};
use crate::args::ServeModelArgs;
use crate::interrupt::stop_on_interrupt;
use crate::output::{Output, tell};
use crate::registry::registry;

/// What the models of a run are called, the last one first.
const LAST_FIRST: [&str; 5] = ["LAM4", "LAM3", "LAM2", "LAM1", "base"];

/// Serves the models.
pub fn serve(args: &ServeModelArgs, device: Option<DeviceChoice>, output: &Output) -> Result<(), Failure> {
    let registry = registry();
    let name_of = |kind: &str| registry.model_name(kind);
    let settings = settings(args)?;
    settings.check()?;
    let places = args.models.iter().map(|model| place(model, &name_of)).collect::<Result<Vec<_>, _>>()?;
    let capacity = Capacity { slots: args.slots, queue: args.queue, max_context: args.max_context };
    let models = Models::load(&places, capacity, &name_of, (device.unwrap_or_default(), output))?;
    let names: Vec<String> = models.served.iter().map(|model| model.name.clone()).collect();
    let cancel = Cancel::default();
    stop_on_interrupt(&cancel)?;
    let server = Server::start(models, settings)?;
    let url = format!("http://{}", server.address());
    output.line(&format!("serving {} at {url}/v1, {} answers at once; Ctrl-C stops", names.join(", "), args.slots));
    output.line(&format!("a page to try them: {url}/"));
    output.value(&json!({"models": names, "url": format!("{url}/v1"), "page": format!("{url}/")}))?;
    wait(&cancel, || server.is_running())?;
    server.stop();
    Ok(())
}

fn settings(args: &ServeModelArgs) -> Result<ServerSettings, Failure> {
    Ok(ServerSettings {
        host: args.host.clone(),
        port: args.port,
        token: token(args.token.as_deref(), args.token_env.as_deref())?,
        executable: args.executable,
        max_body_bytes: args.max_body_mib << 20,
        client_timeout: Duration::from_secs(args.client_timeout_s),
        answer_timeout: Duration::from_secs(args.answer_timeout_s),
        grace: Duration::from_secs(args.grace_s),
        log: Arc::new(|line| tell(&format!("note: {line}"))),
        ..ServerSettings::default()
    })
}

/// A model as it was typed: `NAME=DIR`, a directory or a run.
fn place(typed: &str, name_of: &dyn Fn(&str) -> Option<&'static str>) -> Result<ModelPlace, Failure> {
    let (name, directory) = match typed.split_once('=').filter(|_| !Path::new(typed).exists()) {
        Some(("", _) | (_, "")) => {
            return Err(Failure::config(format!("`{typed}` names no model")).hint("write DIR, or NAME=DIR"));
        }
        Some((name, directory)) => (Some(name.to_owned()), PathBuf::from(directory)),
        None => (None, PathBuf::from(typed)),
    };
    let directory = last_of_run(&directory, name_of)?.unwrap_or(directory);
    Ok(ModelPlace { directory, name })
}

/// The last model of a run, if the directory is one: LAM4 if there is one, else LAM3, and so on.
fn last_of_run(run: &Path, name_of: &dyn Fn(&str) -> Option<&'static str>) -> Result<Option<PathBuf>, Failure> {
    let is_model = ["config.json", "adapter_config.json"].iter().any(|file| run.join(file).exists());
    let Ok(entries) = std::fs::read_dir(run) else { return Ok(None) };
    if is_model {
        return Ok(None);
    }
    let mut stages: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    stages.sort();
    let mut found: Vec<(usize, PathBuf)> = Vec::new();
    for stage in stages {
        let Some(manifest) = lam_store::read_manifest(&stage)? else { continue };
        let rank = name_of(&manifest.kind).and_then(|name| LAST_FIRST.iter().position(|known| *known == name));
        found.extend(rank.filter(|_| stage.join("config.json").is_file()).map(|rank| (rank, stage)));
    }
    let Some(best) = found.iter().map(|(rank, _)| *rank).min() else { return Ok(None) };
    let last: Vec<PathBuf> = found.into_iter().filter(|(rank, _)| *rank == best).map(|(_, stage)| stage).collect();
    if let [_, other, ..] = last.as_slice() {
        let what = format!("{}: the run has several {}", run.display(), LAST_FIRST[best]);
        return Err(Failure::config(what).hint(format!("name one of them, such as {}", other.display())));
    }
    Ok(last.into_iter().next())
}
