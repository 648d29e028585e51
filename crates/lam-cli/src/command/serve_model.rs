//! `serve model`: trained models over HTTP, until Ctrl-C.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use lam_cuda::DeviceChoice;
use lam_model::is_reward_model;
use lam_serve::{Capacity, ModelPlace, Models, Server, ServerSettings};
use lam_signal::{Cancel, Failure};
use lam_store::{StagingDir, read_manifest};
use serde_json::json;

use super::site::{token, wait};
use crate::args::ServeModelArgs;
use crate::interrupt::stop_on_interrupt;
use crate::output::{Output, tell};
use crate::registry::{LAST_FIRST, registry};

/// Serves the models.
pub fn serve(args: &ServeModelArgs, device: Option<DeviceChoice>, output: &Output) -> Result<(), Failure> {
    let registry = registry();
    let name_of = |kind: &str| registry.model_name(kind);
    let settings = settings(args)?;
    settings.check()?;
    let places = places(args, &name_of)?;
    let capacity = Capacity { slots: args.slots, queue: args.queue, max_context: args.max_context, dtype: args.dtype };
    let models = Models::load(&places, capacity, &name_of, (device.unwrap_or_default(), output))?;
    let names: Vec<String> = models.names().map(str::to_owned).collect();
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

/// The models that were named, and the reward models of runs among them if those are wanted.
fn places(args: &ServeModelArgs, name_of: &dyn Fn(&str) -> Option<&'static str>) -> Result<Vec<ModelPlace>, Failure> {
    let typed = args.models.iter().map(|model| typed_place(model)).collect::<Result<Vec<_>, _>>()?;
    let mut places = typed.iter().map(|typed| last_of(typed, name_of)).collect::<Result<Vec<_>, _>>()?;
    if args.with_reward {
        let found = typed.iter().filter_map(|typed| reward_of_run(&typed.directory).transpose());
        let found = found.collect::<Result<Vec<_>, _>>()?;
        if found.is_empty() {
            let hint = "name a run, or the directory of its reward model beside the others";
            return Err(Failure::config("`--with-reward` is given, and no run is named").hint(hint));
        }
        places.extend(found);
    }
    Ok(places)
}

fn settings(args: &ServeModelArgs) -> Result<ServerSettings, Failure> {
    Ok(ServerSettings {
        host: args.host.clone(),
        port: args.port,
        token: token(&args.token)?,
        allowed_origins: args.allow_origin.clone(),
        executable: args.executable,
        application: args.application.clone(),
        max_body_bytes: args.max_body_mib << 20,
        client_timeout: Duration::from_secs(args.client_timeout_s),
        answer_timeout: Duration::from_secs(args.answer_timeout_s),
        grace: Duration::from_secs(args.grace_s),
        log: Arc::new(|line| tell(&format!("note: {line}"))),
        ..ServerSettings::default()
    })
}

/// A model as it was typed: `NAME=DIR`, a directory or a run.
fn typed_place(typed: &str) -> Result<ModelPlace, Failure> {
    let (name, directory) = match typed.split_once('=').filter(|_| !Path::new(typed).exists()) {
        Some(("", _) | (_, "")) => {
            return Err(Failure::config(format!("`{typed}` names no model")).hint("write DIR, or NAME=DIR"));
        }
        Some((name, directory)) => (Some(name.to_owned()), PathBuf::from(directory)),
        None => (None, PathBuf::from(typed)),
    };
    Ok(ModelPlace { directory, name })
}

/// The last model of a run, if the directory is one: LAM4 if there is one, else LAM3, and so on.
fn last_of(typed: &ModelPlace, name_of: &dyn Fn(&str) -> Option<&'static str>) -> Result<ModelPlace, Failure> {
    let mut found: Vec<(usize, PathBuf)> = Vec::new();
    for (kind, stage) in stages(&typed.directory)? {
        let rank = name_of(&kind).and_then(|name| LAST_FIRST.iter().position(|known| *known == name));
        found.extend(rank.map(|rank| (rank, stage)));
    }
    let Some(best) = found.iter().map(|(rank, _)| *rank).min() else { return Ok(typed.clone()) };
    let last = found.into_iter().filter(|(rank, _)| *rank == best).map(|(_, stage)| stage).collect();
    let directory = only(&typed.directory, LAST_FIRST[best], last)?.unwrap_or_else(|| typed.directory.clone());
    Ok(ModelPlace { directory, name: typed.name.clone() })
}

/// The reward model of a run, if the directory is one.
fn reward_of_run(run: &Path) -> Result<Option<ModelPlace>, Failure> {
    let stages = stages(run)?;
    let mut found = Vec::new();
    for (_, stage) in &stages {
        if is_reward_model(stage)? {
            found.push(stage.clone());
        }
    }
    if found.is_empty() && !stages.is_empty() {
        let what = format!("{}: the run has no reward model", run.display());
        return Err(
            Failure::config(what).hint("leave `--with-reward` out, or train one: a stage of kind phase4.reward")
        );
    }
    Ok(only(run, "reward models", found)?.map(|directory| ModelPlace { directory, name: None }))
}

/// The models among a run's finished stages, each with its stage's kind; none where the directory is no run.
fn stages(run: &Path) -> Result<Vec<(String, PathBuf)>, Failure> {
    let is_model = ["config.json", "adapter_config.json"].iter().any(|file| run.join(file).exists());
    let Ok(entries) = std::fs::read_dir(run) else { return Ok(Vec::new()) };
    if is_model {
        return Ok(Vec::new());
    }
    let is_stage = |path: &PathBuf| path.is_dir() && !StagingDir::is_on_its_way(path);
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(is_stage).collect();
    paths.sort();
    let mut stages = Vec::new();
    for stage in paths.into_iter().filter(|stage| stage.join("config.json").is_file()) {
        stages.extend(read_manifest(&stage)?.map(|manifest| (manifest.kind, stage)));
    }
    Ok(stages)
}

/// The only one of a run's models of a kind.
fn only(run: &Path, what: &str, found: Vec<PathBuf>) -> Result<Option<PathBuf>, Failure> {
    if let [_, other, ..] = found.as_slice() {
        let what = format!("{}: the run has several {what}", run.display());
        return Err(Failure::config(what).hint(format!("name one of them, such as {}", other.display())));
    }
    Ok(found.into_iter().next())
}
