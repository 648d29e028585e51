//! A checkpoint that somebody names, from which one stage of a run resumes: which stage is meant, and whether it may.

use std::path::{Path, PathBuf};

use lam_store::StagingDir;

use crate::check::Prepared;
use crate::options::{NamedCheckpoint, RunOptions};
use crate::{Pipeline, PipelineError};

/// A checkpoint with its stage.
pub(crate) struct Resumption {
    /// Id of the stage.
    pub stage: String,
    pub directory: PathBuf,
}

impl Resumption {
    /// The stage that resumes: the one that is named, else the one below whose results the checkpoint lies, else the only
    /// one that trains.
    pub fn of(
        pipeline: &Pipeline,
        options: &RunOptions,
        prepared: &[Prepared<'_>],
    ) -> Result<Option<Self>, PipelineError> {
        let Some(NamedCheckpoint { stage, directory }) = &options.resume else { return Ok(None) };
        let refused = |what: &str, hint: String| {
            Err(PipelineError::definition(None, format!("--resume {}: {what}", directory.display()), hint))
        };
        let Ok(real) = directory.canonicalize() else {
            return refused(
                "no such directory",
                "name a checkpoint: a directory such as training/checkpoint-100".into(),
            );
        };
        let run_dir = pipeline.run_dir(&options.runs_dir);
        let trains = || prepared.iter().filter(|stage| stage.kind.takes_checkpoint());
        let ids = || trains().map(|stage| stage.spec.id.as_str()).collect::<Vec<_>>();
        let found: Vec<&Prepared<'_>> = match stage {
            Some(name) => prepared.iter().filter(|each| each.spec.id == *name || each.spec.name == *name).collect(),
            None => {
                let around: Vec<_> =
                    trains().filter(|stage| lies_below(&real, &run_dir.join(&stage.spec.id))).collect();
                if around.is_empty() { trains().collect() } else { around }
            }
        };
        match found.as_slice() {
            [one] if !one.kind.takes_checkpoint() => {
                let what = format!("stage `{}` trains nothing", one.spec.id);
                refused(&what, format!("stages that train are {}", ids().join(", ")))
            }
            [one] => Ok(Some(Self { stage: one.spec.id.clone(), directory: real })),
            [] => refused("no stage of that name", format!("stages that train are {}", ids().join(", "))),
            _ => refused(
                "it does not say which stage resumes",
                format!("say STAGE=DIR; stages that train are {}", ids().join(", ")),
            ),
        }
    }

    /// Whether it lies in the unfinished work of its stage.
    pub fn is_in_work(&self, destination: &Path) -> bool {
        let work = StagingDir::work_path(destination).canonicalize();
        work.is_ok_and(|work| self.directory.starts_with(work))
    }
}

/// Whether a path lies in a stage's result, or in its unfinished work.
fn lies_below(path: &Path, destination: &Path) -> bool {
    let places = [destination.to_owned(), StagingDir::work_path(destination)];
    places.iter().any(|place| place.canonicalize().is_ok_and(|place| path.starts_with(place)))
}
