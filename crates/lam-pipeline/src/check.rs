//! A pipeline against a registry: every kind, input and configuration is looked at before anything runs.

use std::path::PathBuf;

use lam_config::{ConfigError, nearest};
use toml::Table;

use crate::file::StageSpec;
use crate::{Pipeline, PipelineError, Registry, Stage};

/// A stage with its code and its resolved configuration.
pub(crate) struct Prepared<'a> {
    pub spec: &'a StageSpec,
    pub stage: &'a dyn Stage,
    pub config: Table,
    /// Files outside the run that the configuration names.
    pub files: Vec<PathBuf>,
}

/// Refuse a pipeline that cannot run with these kinds of stages.
pub fn check(pipeline: &Pipeline, registry: &Registry) -> Result<(), PipelineError> {
    prepare(pipeline, registry).map(|_| ())
}

/// The stages in order, each with its code and its resolved configuration.
pub(crate) fn prepare<'a>(pipeline: &'a Pipeline, registry: &'a Registry) -> Result<Vec<Prepared<'a>>, PipelineError> {
    pipeline.stages.iter().map(|spec| prepare_stage(spec, registry)).collect()
}

fn prepare_stage<'a>(spec: &'a StageSpec, registry: &'a Registry) -> Result<Prepared<'a>, PipelineError> {
    let Some(stage) = registry.get(&spec.kind) else {
        let hint = match nearest(&spec.kind, registry.kinds()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the kinds are {}", registry.kinds().collect::<Vec<_>>().join(", ")),
        };
        let reason = format!("stage `{}` is of unknown kind `{}`", spec.name, spec.kind);
        return Err(PipelineError::definition(spec.origin.as_ref(), reason, hint));
    };
    check_inputs(spec, stage)?;
    let config = stage.resolve(spec.config.table()).map_err(|error| refused(spec, error))?;
    let counts = spec.inputs.iter().map(|(name, sources)| (name.clone(), sources.len())).collect();
    stage.check_inputs(&config, &counts).map_err(|error| refused(spec, error))?;
    let files = stage.files(&config).map_err(|error| refused(spec, error))?;
    Ok(Prepared { spec, stage, config, files })
}

/// A setting's error with its place.
fn refused(spec: &StageSpec, error: ConfigError) -> PipelineError {
    let error = error.located(|key| spec.config.origin(key).or(spec.origin.as_ref()).cloned());
    PipelineError::Setting { stage: spec.name.clone(), error: Box::new(error) }
}

fn check_inputs(spec: &StageSpec, stage: &dyn Stage) -> Result<(), PipelineError> {
    let refused = |reason: String, hint: String| Err(PipelineError::definition(spec.origin.as_ref(), reason, hint));
    let name = &spec.name;
    for (input, sources) in &spec.inputs {
        let Some(known) = stage.inputs().iter().find(|known| known.name == input) else {
            let names = || stage.inputs().iter().map(|known| known.name);
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
    match stage.inputs().iter().find(|known| known.required && !given(known.name)) {
        Some(missing) => {
            let hint = format!("add `inputs = {{ {} = \"…\" }}`", missing.name);
            refused(format!("stage `{name}` ({}) needs the input `{}`", spec.kind, missing.name), hint)
        }
        None => Ok(()),
    }
}
