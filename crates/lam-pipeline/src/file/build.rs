//! From what files say to stages: seeds multiplied, inputs resolved, configurations layered.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use lam_config::{ConfigLayers, Origin, nearest};

use super::order::{check_names, in_order, split_input, unknown_input};
use super::raw::{MOST_STAGES, RawPipeline, RawStage, refuse_more_than, report_to};
use super::{InputSource, Override, Pipeline, ReadText, StageSpec};
use crate::PipelineError;

/// Where a stage's settings may say which trackers its figures go to.
const REPORT_TO: &str = "train.report_to";

/// Seed of a pipeline that names none.
const DEFAULT_SEED: u64 = 42;

pub(super) fn expand(
    raw: RawPipeline,
    path: &Path,
    overrides: &[Override],
    read: ReadText<'_>,
) -> Result<Pipeline, PipelineError> {
    let own_from = raw.included.len();
    let all: Vec<RawStage> = raw.included.iter().chain(&raw.own).cloned().collect();
    check_names(&all)?;
    check_settings(&raw, overrides, &all)?;
    let first_seed = raw.seed.unwrap_or(DEFAULT_SEED);
    let seeds = raw.seeds.clone().unwrap_or_else(|| vec![first_seed]);
    check_seeds(&seeds)?;
    refuse_more_than(10 * MOST_STAGES, all.len().saturating_mul(seeds.len()), None)?;
    // Without an include, a list of seeds repeats the file's own stages.
    let repeated_to = if raw.included.is_empty() { all.len() } else { own_from };
    let once = all[repeated_to..].to_vec();
    let repeated = in_order(all[..repeated_to].to_vec())?;
    let mut builder = Builder { raw: &raw, overrides, read, stages: Vec::new() };
    for &seed in &seeds {
        let prefix = if raw.seeds.is_some() { format!("seed-{seed}/") } else { String::new() };
        builder.add(&repeated, &prefix, seed, 0)?;
    }
    builder.add(&in_order(once)?, "", first_seed, repeated.len())?;
    let stages = builder.stages;
    Ok(Pipeline {
        name: raw.name,
        description: raw.description,
        file: path.to_path_buf(),
        seeds,
        device: raw.device.unwrap_or_default(),
        numerics: raw.numerics.unwrap_or_default(),
        report_to: raw.report_to,
        stages,
    })
}

/// Refuse seeds whose results would lie in one directory, and none at all.
fn check_seeds(seeds: &[u64]) -> Result<(), PipelineError> {
    let mut seen = BTreeSet::new();
    let refused = |what: String| Err(PipelineError::definition(None, what, "give each seed once"));
    match seeds.iter().find(|seed| !seen.insert(**seed)) {
        Some(twice) => refused(format!("seed {twice} stands twice in `seeds`")),
        None if seeds.is_empty() => refused("`seeds` is empty".to_owned()),
        None => Ok(()),
    }
}

/// Refuse settings for stages that are not there.
fn check_settings(raw: &RawPipeline, overrides: &[Override], all: &[RawStage]) -> Result<(), PipelineError> {
    let names = || all.iter().map(|stage| stage.keys.name.as_str());
    let from_files = raw.settings.iter().map(|setting| (setting.stage.as_str(), setting.origin.as_ref()));
    let from_overrides = overrides.iter().filter_map(|over| Some((over.key.split_once('.')?.0, Some(&over.origin))));
    for (stage, origin) in from_files.chain(from_overrides) {
        if !names().any(|name| name == stage) {
            let hint = match nearest(stage, names()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the stages are {}", names().collect::<Vec<_>>().join(", ")),
            };
            return Err(PipelineError::definition(origin, format!("no stage is called `{stage}`"), hint));
        }
    }
    Ok(())
}

struct Builder<'a> {
    raw: &'a RawPipeline,
    overrides: &'a [Override],
    read: ReadText<'a>,
    stages: Vec<StageSpec>,
}

impl Builder<'_> {
    /// Add stages that stand in order; those they name are among them or were added before.
    fn add(&mut self, raw: &[RawStage], prefix: &str, seed: u64, first: usize) -> Result<(), PipelineError> {
        for (offset, stage) in raw.iter().enumerate() {
            let mut inputs = BTreeMap::new();
            for (name, texts) in &stage.keys.inputs {
                let mut sources = Vec::new();
                for text in texts {
                    sources.extend(self.resolve(stage, name, text, prefix)?);
                }
                inputs.insert(name.clone(), sources);
            }
            let mut config = self.config(stage)?;
            let reported = config.take_value(REPORT_TO);
            let (written, origin) = reported.as_ref().map_or((None, None), |(value, at)| (Some(value), at.as_ref()));
            let spec = StageSpec {
                id: format!("{prefix}{}", stage.keys.name),
                name: stage.keys.name.clone(),
                kind: stage.keys.kind.clone(),
                seed,
                inputs,
                config,
                report_to: report_to(written, origin)?,
                origin: stage.origin("kind").cloned(),
                position: first + offset,
            };
            self.stages.push(spec);
        }
        Ok(())
    }

    /// What an input's text names: the stage of the same seed, else that stage of every seed, else a path.
    fn resolve(
        &self,
        stage: &RawStage,
        input: &str,
        text: &str,
        prefix: &str,
    ) -> Result<Vec<InputSource>, PipelineError> {
        let (name, below) = split_input(text);
        let matches = |spec: &StageSpec| spec.name == name && (prefix.is_empty() || spec.id.starts_with(prefix));
        let found = self.stages.iter().enumerate().filter(|(_, spec)| matches(spec));
        let sources: Vec<InputSource> =
            found.map(|(index, _)| InputSource::Stage { index, below: PathBuf::from(below) }).collect();
        if !sources.is_empty() {
            return Ok(sources);
        }
        let beside = stage.file.with_file_name(text);
        match [PathBuf::from(text), beside].into_iter().find(|path| path.exists()) {
            Some(path) => Ok(vec![InputSource::External(path)]),
            None => {
                let known = self.raw.included.iter().chain(&self.raw.own).map(|stage| stage.keys.name.as_str());
                Err(unknown_input(stage, input, text, known))
            }
        }
    }

    /// The stage's configuration: its file, its `set`, `[set.<stage>]` tables, overrides.
    fn config(&self, stage: &RawStage) -> Result<ConfigLayers, PipelineError> {
        let mut layers = ConfigLayers::new();
        if let Some(name) = &stage.keys.config {
            let (path, text) = self.config_file(stage, name)?;
            layers.add_text(&path, &text)?;
        }
        let inline = stage.origins.iter().filter_map(|(key, origin)| Some((key.strip_prefix("set.")?, origin)));
        let inline: BTreeMap<String, Origin> = inline.map(|(key, origin)| (key.to_string(), origin.clone())).collect();
        layers.add_table(&stage.keys.set, &inline);
        for setting in self.raw.settings.iter().filter(|setting| setting.stage == stage.keys.name) {
            layers.add_table(&setting.table, &setting.origins);
        }
        for over in self.overrides {
            if let Some((_, key)) = over.key.split_once('.').filter(|(name, _)| *name == stage.keys.name) {
                layers.add_value(key, over.value.clone(), &over.origin);
            }
        }
        Ok(layers)
    }

    /// A configuration file stands beside the pipeline file, or its name counts from the directory above.
    fn config_file(&self, stage: &RawStage, name: &str) -> Result<(PathBuf, String), PipelineError> {
        let beside = stage.file.with_file_name(name);
        let directory = stage.file.parent().unwrap_or(Path::new(""));
        let above = directory.parent().map(|above| above.join(name));
        let candidates = [Some(beside.clone()), above, Some(PathBuf::from(name))];
        for path in candidates.into_iter().flatten() {
            if let Ok(text) = (self.read)(&path) {
                return Ok((path, text));
            }
        }
        let reason = format!("stage `{}`: there is no configuration file {}", stage.keys.name, beside.display());
        Err(PipelineError::definition(stage.origin("config"), reason, "the path counts from the pipeline file"))
    }
}
