//! The pipeline file's own keys, as they are written, with the files it includes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lam_config::{ConfigLayers, Origin};
use lam_cuda::{DeviceChoice, Numerics};
use serde::Deserialize;
use toml::{Table, Value};

use super::{ReadText, StageDraft, read_text};
use crate::PipelineError;
use crate::tracker::ReportTo;

/// Most stages of a file.
pub(super) const MOST_STAGES: usize = 1_000;

/// What a file says, and what the files it includes say.
pub(super) struct RawPipeline {
    pub name: String,
    /// Where the name was written.
    pub name_origin: Option<Origin>,
    pub description: String,
    pub seed: Option<u64>,
    pub seeds: Option<Vec<u64>>,
    pub device: Option<DeviceChoice>,
    pub numerics: Option<Numerics>,
    pub report_to: Option<ReportTo>,
    /// Stages of included files: they are repeated for each seed.
    pub included: Vec<RawStage>,
    /// The file's own stages.
    pub own: Vec<RawStage>,
    /// Settings laid over stages, later ones over earlier ones.
    pub settings: Vec<Setting>,
}

/// One `[set.<stage>]` table.
pub(super) struct Setting {
    pub stage: String,
    pub table: Table,
    pub origins: BTreeMap<String, Origin>,
    pub origin: Option<Origin>,
}

/// One `[[stage]]`.
#[derive(Clone)]
pub(super) struct RawStage {
    pub keys: StageKeys,
    /// Where each key of it was written, without a prefix; "" for the stage itself.
    pub origins: BTreeMap<String, Origin>,
    /// The file that says it.
    pub file: PathBuf,
}

impl RawStage {
    pub fn origin(&self, key: &str) -> Option<&Origin> {
        self.origins.get(key).or_else(|| self.origins.get("name")).or_else(|| self.origins.get(""))
    }
}

impl From<StageDraft> for RawStage {
    fn from(draft: StageDraft) -> Self {
        let written = draft.settings.origins().iter();
        let origins = written.map(|(key, origin)| (format!("set.{key}"), origin.clone())).collect();
        let set = draft.settings.table().clone();
        let keys = StageKeys { name: draft.name, kind: draft.kind, inputs: draft.inputs, config: None, set };
        Self { keys, origins, file: PathBuf::new() }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileKeys {
    name: String,
    #[serde(default)]
    description: String,
    seed: Option<u64>,
    seeds: Option<Vec<u64>>,
    device: Option<DeviceChoice>,
    numerics: Option<Numerics>,
    report_to: Option<Value>,
    include: Option<String>,
    #[serde(default)]
    set: BTreeMap<String, Table>,
    #[serde(default)]
    stage: Vec<StageKeys>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StageKeys {
    pub name: String,
    pub kind: String,
    /// Names of stages, or paths.
    #[serde(default)]
    pub inputs: BTreeMap<String, Vec<String>>,
    pub config: Option<String>,
    #[serde(default)]
    pub set: Table,
}

/// Read the file at `path`; `open` are the files that are being included now.
pub(super) fn read_raw(path: &Path, read: ReadText<'_>, open: &mut Vec<PathBuf>) -> Result<RawPipeline, PipelineError> {
    let mut layers = ConfigLayers::new();
    layers.add_text(path, &read_text(path, read)?)?;
    let keys: FileKeys = layers.decode()?;
    refuse_more_than(MOST_STAGES, keys.stage.len(), layers.origin("stage"))?;
    let stage_of = |(index, keys): (usize, StageKeys)| {
        let origins = below(&layers, &format!("stage.{index}"));
        RawStage { keys, origins, file: path.to_path_buf() }
    };
    let own: Vec<RawStage> = keys.stage.into_iter().enumerate().map(stage_of).collect();
    let settings = keys.set.into_iter().map(|(stage, table)| {
        let path = format!("set.{stage}");
        Setting { stage, table, origins: below(&layers, &path), origin: layers.origin(&path).cloned() }
    });
    let mut raw = RawPipeline {
        name: keys.name,
        name_origin: layers.origin("name").cloned(),
        description: keys.description,
        seed: keys.seed,
        seeds: keys.seeds,
        device: keys.device,
        numerics: keys.numerics,
        report_to: report_to(keys.report_to.as_ref(), layers.origin("report_to"))?,
        included: Vec::new(),
        own,
        settings: Vec::new(),
    };
    if let Some(name) = keys.include {
        open.push(path.to_path_buf());
        include(&mut raw, &path.with_file_name(name), layers.origin("include"), read, open)?;
    }
    raw.settings.extend(settings);
    Ok(raw)
}

/// The trackers that were written, if any were.
pub(super) fn report_to(written: Option<&Value>, origin: Option<&Origin>) -> Result<Option<ReportTo>, PipelineError> {
    written.map(|value| ReportTo::of_value(value).map_err(|unknown| unknown.at(origin))).transpose()
}

/// Refuses more stages than a pipeline is made for.
pub(super) fn refuse_more_than(most: usize, count: usize, origin: Option<&Origin>) -> Result<(), PipelineError> {
    if count <= most {
        return Ok(());
    }
    let what = format!("{count} stages are more than the {most} that a pipeline may have");
    Err(PipelineError::definition(origin, what, "split it in several files, which are run one after the other"))
}

fn include(
    raw: &mut RawPipeline,
    path: &Path,
    origin: Option<&Origin>,
    read: ReadText<'_>,
    open: &mut Vec<PathBuf>,
) -> Result<(), PipelineError> {
    if open.iter().any(|file| file == path) {
        return Err(PipelineError::definition(origin, format!("{} includes itself", path.display()), ""));
    }
    let below = read_raw(path, read, open)?;
    raw.seeds = raw.seeds.take().or(if raw.seed.is_some() { None } else { below.seeds });
    raw.seed = raw.seed.or(below.seed);
    raw.device = raw.device.or(below.device);
    raw.numerics = raw.numerics.or(below.numerics);
    raw.report_to = raw.report_to.take().or(below.report_to);
    raw.included = below.included.into_iter().chain(below.own).collect();
    raw.settings = below.settings;
    Ok(())
}

/// The origins below `prefix`, without it.
fn below(layers: &ConfigLayers, prefix: &str) -> BTreeMap<String, Origin> {
    let inside = format!("{prefix}.");
    let here = layers.origin(prefix).map(|origin| (String::new(), origin.clone()));
    let deeper = layers
        .origins()
        .iter()
        .filter_map(|(key, origin)| key.strip_prefix(&inside).map(|key| (key.to_string(), origin.clone())));
    here.into_iter().chain(deeper).collect()
}
