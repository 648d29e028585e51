//! Models by the name a person gives: a directory, or OWNER/NAME on the hub, which is fetched.

use std::path::{Path, PathBuf};

use lam_config::ConfigError;
use lam_hub::{Hub, HubError, HubSettings, ModelId};
use lam_pipeline::StageView;
use lam_signal::{Cancel, Failure, Monitor};
use serde_json::{Value, json};

use crate::command::stop_on_interrupt;
use crate::output::Output;

/// A model on this machine.
pub struct Named {
    /// Its directory.
    pub directory: PathBuf,
    /// Where on the hub it comes from.
    pub origin: Option<Value>,
}

/// The model in the directory `name`, or of that name on the hub.
pub fn named(name: &str, monitor: Monitor<'_>) -> Result<Named, HubError> {
    let directory = PathBuf::from(name);
    if directory.is_dir() {
        return Ok(Named { directory, origin: None });
    }
    let id: ModelId = name.parse()?;
    let snapshot = Hub::new(HubSettings::from_env()?).fetch(&id, None, monitor)?;
    let origin = json!({ "model": id.repository, "revision": id.revision, "commit": snapshot.commit });
    Ok(Named { directory: snapshot.directory, origin: Some(origin) })
}

/// The path itself, unless nothing is there and it is the name of a model on the hub.
pub fn local(path: &Path, output: &Output) -> Result<PathBuf, Failure> {
    match path.to_str().filter(|name| !path.exists() && name.parse::<ModelId>().is_ok()) {
        None => Ok(path.to_owned()),
        Some(name) => Ok(watched(name, output, |monitor| named(name, monitor))?.directory),
    }
}

/// Refuses a name that is neither a directory nor one that the hub could know.
pub fn refuse_unknown(name: &str) -> Result<(), ConfigError> {
    if Path::new(name).is_dir() || name.parse::<ModelId>().is_ok() {
        return Ok(());
    }
    let hint = "name a model directory in Hugging Face layout, or OWNER/NAME[@REVISION] on the hub";
    Err(ConfigError::value("model_name_or_path", name, "no such directory, and no name of a model", hint))
}

/// Does it with a view on stderr; Ctrl-C stops it safely.
pub fn watched<T>(
    name: &str,
    output: &Output,
    work: impl FnOnce(Monitor<'_>) -> Result<T, HubError>,
) -> Result<T, Failure> {
    let cancel = Cancel::default();
    stop_on_interrupt(&cancel)?;
    let view = lam_pipeline::view_for_stderr(output.json);
    let shown = StageView { number: 1, total: 1, id: "fetch", kind: "hub", why: name };
    view.started(&shown);
    let done = work(Monitor { progress: view.progress(), cancel: &cancel });
    view.stopped(&shown, if done.is_ok() { "done" } else { "stopped" });
    Ok(done?)
}
