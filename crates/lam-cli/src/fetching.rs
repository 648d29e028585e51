//! The hub on the command line: work with it is shown on standard error, and stopped safely by Ctrl-C.

use std::path::{Path, PathBuf};

use lam_hub::{HubError, ModelId, NamedModel};
use lam_pipeline::StageView;
use lam_signal::{Cancel, Failure, Monitor};

use crate::interrupt::stop_on_interrupt;
use crate::output::Output;

/// The path itself, unless nothing is there and it is the name of a model on the hub.
pub fn local(path: &Path, output: &Output) -> Result<PathBuf, Failure> {
    match path.to_str().filter(|name| !path.exists() && name.parse::<ModelId>().is_ok()) {
        None => Ok(path.to_owned()),
        Some(name) => Ok(watched("fetch", name, output, |monitor| NamedModel::find(name, monitor))?.directory),
    }
}

/// Does what `id` says with the model or data set of that name, with a view on stderr; Ctrl-C stops it safely.
pub fn watched<T>(
    id: &str,
    name: &str,
    output: &Output,
    work: impl FnOnce(Monitor<'_>) -> Result<T, HubError>,
) -> Result<T, Failure> {
    let cancel = Cancel::default();
    stop_on_interrupt(&cancel)?;
    let view = output.view();
    let shown = StageView { number: 1, total: 1, id, kind: "hub", why: name };
    view.started(&shown);
    let done = work(Monitor { progress: view.progress(), cancel: &cancel });
    view.stopped(&shown, if done.is_ok() { "done" } else { "stopped" });
    Ok(done?)
}
