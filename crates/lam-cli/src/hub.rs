//! The hub on the command line: work with it is shown on standard error, and stopped safely by Ctrl-C.

use std::path::{Path, PathBuf};
use std::time::Instant;

use lam_hub::{HubError, ModelId, NamedModel};
use lam_pipeline::{Outcome, StageOutcome, StageView};
use lam_signal::{Cancel, Failure, Monitor};
use serde_json::Value;

use crate::interrupt::stop_on_interrupt;
use crate::output::Output;

/// What views call work with the hub, where stages have their kind.
const KIND: &str = "hub";

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
    let shown = StageView { number: 1, total: 1, id, kind: KIND, why: name };
    view.started(&shown);
    let began = Instant::now();
    let done = work(Monitor { progress: view.progress(), cancel: &cancel });
    match &done {
        Ok(_) => view.finished(&shown, &finished(&shown, began.elapsed().as_secs_f64())),
        Err(error) => view.stopped(&shown, &error.to_string()),
    }
    Ok(done?)
}

/// What a view is told of work that is done.
fn finished(shown: &StageView<'_>, duration_s: f64) -> StageOutcome {
    StageOutcome {
        id: shown.id.to_owned(),
        kind: shown.kind.to_owned(),
        outcome: Outcome::Ran,
        why: shown.why.to_owned(),
        duration_s,
        reused_from: None,
        metrics: Value::Null,
    }
}
