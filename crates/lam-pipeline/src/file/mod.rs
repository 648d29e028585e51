//! A pipeline file as stages in the order in which they run.
//!
//! Reading knows the file's own keys only; whether kinds, inputs and configurations exist is checked against a
//! registry before anything runs. Files come through a function, so that a program may carry some inside.

mod build;
mod order;
mod raw;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use lam_config::{ConfigLayers, Origin, parse_assignment};
use lam_cuda::{DeviceChoice, Numerics};
use lam_store::StoreError;
use toml::Value;

use crate::PipelineError;
use crate::tracker::ReportTo;

use self::build::expand;
use self::order::check_name;
use self::raw::{RawPipeline, RawStage, read_raw};

/// Reads a text file of a pipeline.
pub type ReadText<'a> = &'a dyn Fn(&Path) -> std::io::Result<String>;

/// A pipeline: stages in an order in which each stands after its inputs.
#[derive(Clone, Debug)]
pub struct Pipeline {
    /// Its name, and that of its run directory.
    pub name: String,
    /// What it is for, in a line.
    pub description: String,
    /// The file it was read from.
    pub file: PathBuf,
    /// Its seeds; more than one where it is repeated.
    pub seeds: Vec<u64>,
    /// On which device its models compute.
    pub device: DeviceChoice,
    /// In which order its products in bf16 are summed.
    pub numerics: Numerics,
    /// The trackers that figures of its training go to, where it says so.
    pub report_to: Option<ReportTo>,
    /// The stages, once for each seed.
    pub stages: Vec<StageSpec>,
}

/// One stage of a pipeline.
#[derive(Clone, Debug)]
pub struct StageSpec {
    /// Directory of its result below the run directory: its name, or `seed-<n>/<name>`.
    pub id: String,
    /// Its name in the file.
    pub name: String,
    /// The kind that runs it.
    pub kind: String,
    /// Seed of its random streams.
    pub seed: u64,
    /// Its inputs.
    pub inputs: BTreeMap<String, Vec<InputSource>>,
    /// Its configuration: file, inline table, overrides.
    pub config: ConfigLayers,
    /// The trackers that its figures go to, where its settings say so: `report_to` stands among the arguments of training in
    /// Hugging Face's, and is none of what makes a result.
    pub report_to: Option<ReportTo>,
    /// Where it stands in the file.
    pub origin: Option<Origin>,
    /// Position in its file's order, the same for every seed.
    pub position: usize,
}

/// One stage of a pipeline that stands in no file.
#[derive(Clone, Debug)]
pub struct StageDraft {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// Its inputs: names of stages before it, with a path below their results, or paths.
    pub inputs: BTreeMap<String, Vec<String>>,
    /// What was written in its settings, and where.
    pub settings: ConfigLayers,
}

/// Where an input comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputSource {
    /// An earlier stage's result, or something in it.
    Stage {
        /// Its place in [`Pipeline::stages`].
        index: usize,
        /// Path below its result, "" for the whole.
        below: PathBuf,
    },
    /// A file or directory from elsewhere.
    External(PathBuf),
}

impl InputSource {
    /// The place of the stage that is named, if one is.
    pub(crate) fn stage(&self) -> Option<usize> {
        match self {
            Self::Stage { index, .. } => Some(*index),
            Self::External(_) => None,
        }
    }
}

impl Pipeline {
    /// The pipeline in the file at `path` with `key=value` overrides: `seed=7`, `stage.key=value`.
    pub fn load(path: &Path, overrides: &[String]) -> Result<Self, PipelineError> {
        Self::load_with(path, overrides, &|path: &Path| fs::read_to_string(path))
    }

    /// As [`Pipeline::load`], for files that lie elsewhere than on disk.
    pub fn load_with(path: &Path, overrides: &[String], read: ReadText<'_>) -> Result<Self, PipelineError> {
        let mut raw = read_raw(path, read, &mut Vec::new())?;
        let overrides = overrides.iter().map(|text| Override::parse(text)).collect::<Result<Vec<_>, _>>()?;
        apply_top_level(&mut raw, &overrides)?;
        check_name("a pipeline's", &raw.name, raw.name_origin.as_ref())?;
        expand(raw, path, &overrides, read)
    }

    /// The pipeline of these stages, which stands in no file.
    pub fn of_drafts(name: &str, seed: u64, drafts: Vec<StageDraft>) -> Result<Self, PipelineError> {
        let raw = RawPipeline {
            name: name.to_owned(),
            name_origin: None,
            description: String::new(),
            seed: Some(seed),
            seeds: None,
            device: None,
            numerics: None,
            report_to: None,
            included: Vec::new(),
            own: drafts.into_iter().map(RawStage::from).collect(),
            settings: Vec::new(),
        };
        expand(raw, Path::new(""), &[], &|path: &Path| fs::read_to_string(path))
    }

    /// The stages called `name`, by id or by name, whatever their seed.
    pub fn stages_called<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a StageSpec> {
        self.stages.iter().filter(move |stage| stage.id == name || stage.name == name)
    }

    /// Directory of its runs below `runs_dir`.
    pub fn run_dir(&self, runs_dir: &Path) -> PathBuf {
        runs_dir.join(&self.name)
    }
}

/// `key=value` of the command line.
struct Override {
    key: String,
    value: Value,
    origin: Origin,
}

impl Override {
    fn parse(text: &str) -> Result<Self, PipelineError> {
        let origin = Origin::Override(text.to_string());
        match parse_assignment(text) {
            Ok((key, value)) => Ok(Self { key: key.to_string(), value, origin }),
            Err(reason) => Err(PipelineError::definition(Some(&origin), reason, "write --set stage.key=value")),
        }
    }
}

/// Overrides without a stage: the pipeline's own keys.
fn apply_top_level(raw: &mut RawPipeline, overrides: &[Override]) -> Result<(), PipelineError> {
    for over in overrides.iter().filter(|over| !over.key.contains('.')) {
        let refused = |expected: &str| {
            let reason = format!("`{}` must be {expected}, not {}", over.key, over.value);
            PipelineError::definition(Some(&over.origin), reason, "")
        };
        match over.key.as_str() {
            "name" => {
                raw.name = over.value.as_str().ok_or_else(|| refused("text"))?.to_string();
                raw.name_origin = Some(over.origin.clone());
            }
            "seed" => {
                let seed = over.value.as_integer().and_then(|seed| u64::try_from(seed).ok());
                raw.seed = Some(seed.ok_or_else(|| refused("a whole number, 0 or greater"))?);
                raw.seeds = None;
            }
            "device" => {
                let device = over.value.as_str().and_then(|text| text.parse().ok());
                raw.device = Some(device.ok_or_else(|| refused("`auto`, `cpu`, `cuda` or `cuda:N`"))?);
            }
            "numerics" => {
                let numerics = over.value.as_str().and_then(|text| text.parse().ok());
                raw.numerics = Some(numerics.ok_or_else(|| refused("`fast` or `portable`"))?);
            }
            "report_to" => {
                let report_to = ReportTo::of_value(&over.value).map_err(|unknown| unknown.at(Some(&over.origin)))?;
                raw.report_to = Some(report_to);
            }
            "seeds" => {
                let list = match &over.value {
                    one @ Value::Integer(_) => Value::Array(vec![one.clone()]),
                    other => other.clone(),
                };
                raw.seeds = Some(list.try_into().map_err(|_| refused("a list of whole numbers"))?);
            }
            key => {
                let reason = format!("unknown key `{key}`");
                let hint =
                    "write --set stage.key=value for a stage, or one of seed, seeds, device, numerics, report_to, name";
                return Err(PipelineError::definition(Some(&over.origin), reason, hint));
            }
        }
    }
    Ok(())
}

fn read_text(path: &Path, read: ReadText<'_>) -> Result<String, PipelineError> {
    read(path).map_err(|error| StoreError::io("read", path)(error).into())
}
