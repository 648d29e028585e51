//! A pipeline against a registry: every kind, input and configuration is looked at before anything runs.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use lam_config::{ConfigError, Origin, nearest};
use lam_store::{refuse_foreign, refuse_to_replace, resolved};

use crate::file::{InputSource, StageSpec};
use crate::kind::{Configured, Kind};
use crate::lock::LOCK_FILE;
use crate::stage::InputCounts;
use crate::{Pipeline, PipelineError, Registry};

/// A stage with its settings.
pub(crate) struct Prepared<'a> {
    pub spec: &'a StageSpec,
    pub kind: &'a dyn Kind,
    pub configured: Box<dyn Configured + 'a>,
    /// Files outside the run that the settings name.
    pub files: Vec<PathBuf>,
    /// Hashes of the code that makes its result, by crate.
    pub code: BTreeMap<String, String>,
    /// Whether names of runs and stages stand in its result.
    pub tells_names: bool,
}

/// Refuse a pipeline that cannot run with these kinds of stages.
pub fn check(pipeline: &Pipeline, registry: &Registry) -> Result<(), PipelineError> {
    prepare(pipeline, registry).map(|_| ())
}

/// Refuses results where something stands that is not ours, or where they would lie over what the run reads.
pub(crate) fn check_places(run_dir: &Path, prepared: &[Prepared<'_>]) -> Result<(), PipelineError> {
    refuse_foreign(run_dir, &[LOCK_FILE])?;
    let read = prepared.iter().flat_map(|stage| {
        let inputs = stage.spec.inputs.values().flatten().filter_map(|source| match source {
            InputSource::External(path) => Some(path),
            InputSource::Stage { .. } => None,
        });
        inputs.chain(stage.files.iter().filter(|path| path.exists()))
    });
    let read: Vec<PathBuf> = read.map(|path| resolved(path)).collect();
    let run_dir = resolved(run_dir);
    for stage in prepared {
        let place = run_dir.join(&stage.spec.id);
        refuse_to_replace(&place)?;
        if let Some(input) = read.iter().find(|input| input.starts_with(&place) || place.starts_with(input)) {
            let (place, input) = (place.display(), input.display());
            let what =
                format!("the result of stage `{}` would lie in {place}, over {input}, which is read", stage.spec.name);
            let hint = "write into another directory";
            return Err(PipelineError::definition(stage.spec.origin.as_ref(), what, hint));
        }
    }
    Ok(())
}

/// The stages in order, each with its settings.
pub(crate) fn prepare<'a>(pipeline: &'a Pipeline, registry: &'a Registry) -> Result<Vec<Prepared<'a>>, PipelineError> {
    pipeline.stages.iter().map(|spec| prepare_stage(spec, registry)).collect()
}

fn prepare_stage<'a>(spec: &'a StageSpec, registry: &'a Registry) -> Result<Prepared<'a>, PipelineError> {
    let Some(kind) = registry.get(&spec.kind) else {
        let what = format!("stage `{}` is of unknown kind `{}`", spec.name, spec.kind);
        return Err(PipelineError::definition(spec.origin.as_ref(), what, registry.hint(&spec.kind)));
    };
    check_inputs(spec, kind)?;
    if spec.report_to.is_some() && !kind.defaults().contains_key(TRAINING) {
        let what = format!("stage `{}` ({}) trains nothing that `train.report_to` could tell of", spec.name, spec.kind);
        return Err(PipelineError::definition(spec.origin.as_ref(), what, "leave `train.report_to` out"));
    }
    let counts = InputCounts(spec.inputs.iter().map(|(name, sources)| (name.clone(), sources.len())).collect());
    let environments = &registry.environments;
    let beside = |key: &str, path: &Path| match spec.config.origin(key) {
        Some(Origin::File { path: file, .. }) => Some(file.with_file_name(path)).filter(|path| path.exists()),
        _ => None,
    };
    let configured = kind.configure(spec.config.table(), &counts, environments, &beside);
    let configured = configured.map_err(|error| refused(spec, error))?;
    check_tables(spec, kind)?;
    let environment = configured.environment();
    let files = configured.files().into_iter().chain(environment.and_then(|name| environments.file_of(name))).collect();
    let crates = [Some(kind.crate_name()), environment.and_then(|name| environments.crate_of(name))];
    let code = registry.code.of(crates.into_iter().flatten());
    Ok(Prepared { spec, kind, configured, files, code, tells_names: kind.tells_names(&counts) })
}

/// The settings of a training loop, in kinds that have one.
pub(crate) const TRAINING: &str = "train";

/// Why settings have no seed.
const ONE_SEED: &str = "a stage has the seed of its pipeline: `seed = 7` at the top of the file, `--set seed=7`, or \
                        `--seed 7` where a single stage is run";

/// A setting's error with its place.
fn refused(spec: &StageSpec, error: ConfigError) -> PipelineError {
    let mut error = error.located(|key| spec.config.origin(key).or(spec.origin.as_ref()).cloned());
    if let ConfigError::Unknown { key, meant, hint, .. } = &mut error
        && key.rsplit('.').next() == Some("seed")
    {
        (*meant, *hint) = (None, ONE_SEED.to_owned());
    }
    PipelineError::Setting { stage: spec.name.clone(), error: Box::new(error) }
}

/// Refuses what lies outside the run and is not what the stage reads: a table that is none.
fn check_tables(spec: &StageSpec, kind: &dyn Kind) -> Result<(), PipelineError> {
    let tables = kind.inputs().iter().filter(|known| known.is_table);
    let sources = tables.filter_map(|known| spec.inputs.get(known.name)).flatten();
    let mut outside = sources.filter_map(|source| match source {
        InputSource::External(path) => Some(path),
        InputSource::Stage { .. } => None,
    });
    outside.find(|path| !may_be_table(path)).map_or(Ok(()), |path| {
        let what =
            format!("stage `{}`: {} is no table (a Parquet file, or a folder with one)", spec.name, path.display());
        let hint = "`lam-train data import FORMAT PATH` makes tables of other records";
        Err(PipelineError::definition(spec.origin.as_ref(), what, hint))
    })
}

/// Whether it is a Parquet file by its first bytes, or a directory with one by its name. What cannot be looked at says so
/// where it is read.
fn may_be_table(path: &Path) -> bool {
    /// With which every Parquet file begins.
    const MAGIC: [u8; 4] = *b"PAR1";
    if let Ok(entries) = std::fs::read_dir(path) {
        let mut entries = entries.flatten();
        return entries.any(|entry| entry.path().extension().is_some_and(|extension| extension == "parquet"));
    }
    let mut start = [0; MAGIC.len()];
    match std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut start)) {
        Err(error) => error.kind() != ErrorKind::UnexpectedEof,
        Ok(()) => start == MAGIC,
    }
}

fn check_inputs(spec: &StageSpec, kind: &dyn Kind) -> Result<(), PipelineError> {
    let refused = |reason: String, hint: String| Err(PipelineError::definition(spec.origin.as_ref(), reason, hint));
    let name = &spec.name;
    for (input, sources) in &spec.inputs {
        let Some(known) = kind.inputs().iter().find(|known| known.name == input) else {
            let names = || kind.inputs().iter().map(|known| known.name);
            let hint = match nearest(input, names()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("its inputs are {}", names().collect::<Vec<_>>().join(", ")),
            };
            return refused(format!("stage `{name}` ({}) takes no input `{input}`", spec.kind), hint);
        };
        if sources.len() > 1 && !known.many {
            let hint = "name one".to_string();
            return refused(format!("stage `{name}` takes one `{input}`, not {}", sources.len()), hint);
        }
    }
    let given = |known: &str| spec.inputs.get(known).is_some_and(|sources| !sources.is_empty());
    match kind.inputs().iter().find(|known| known.required && !given(known.name)) {
        Some(missing) => {
            let hint = format!("add `inputs = {{ {} = \"…\" }}`", missing.name);
            refused(format!("stage `{name}` ({}) needs the input `{}`", spec.kind, missing.name), hint)
        }
        None => Ok(()),
    }
}
