//! One export: a staging directory, the files, the comparison, the card; only then it takes its place.

use std::path::{Path, PathBuf};

use lam_model::ModelSource;
use lam_store::StagingDir;

use crate::calibration::Calibration;
use crate::files::write_json;
use crate::record::{Check, ExportRecord, Probe, RECORD_FILE};
use crate::source::Sources;
use crate::{ExportConfig, ExportError, Kind, adapter, card, facts, merged, probe, reward};

/// What an export reads.
#[derive(Clone, Debug)]
pub struct ExportInputs<'a> {
    /// Output directory of the stage that made the model.
    pub stage: &'a Path,
    /// The parts in it; see [`Sources::find`].
    pub sources: Sources,
    /// Directories with evaluation files for the card.
    pub evaluations: &'a [PathBuf],
}

/// Writes one kind of export into `output`, which is replaced as a whole once everything agrees.
///
/// # Errors
/// When a part is missing, files cannot be read or written, or the reloaded model gives other numbers.
pub fn export(
    kind: Kind,
    inputs: &ExportInputs<'_>,
    output: &Path,
    config: &ExportConfig,
) -> Result<ExportRecord, ExportError> {
    let staging = StagingDir::open_empty(output)?;
    let place = staging.path();
    let written = match kind {
        Kind::Adapter => write_adapter(inputs, place, config),
        Kind::Merged => write_merged(inputs, place, config),
        Kind::Reward => write_reward(inputs, place, config),
    }?;
    let record = ExportRecord {
        format_version: 1,
        kind,
        sources: hashes(&written.sources)?,
        base: written.base,
        checks: written.checks,
        text: probe::TEXT.to_owned(),
        text_ids: written.text_ids,
        probes: written.probes,
    };
    let mut facts = facts::gather(inputs.stage, inputs.evaluations, config)?;
    facts.has_own_base = written.has_own_base;
    if let (Kind::Reward, Some(reward)) = (kind, &inputs.sources.reward) {
        facts.calibration = Calibration::of_model(reward)?;
    }
    lam_store::write_atomic(&place.join("README.md"), card::card(kind, config, &facts, &record).as_bytes())?;
    write_json(&place.join(RECORD_FILE), &serde_json::to_value(&record).expect("numbers and texts serialise"))?;
    staging.commit()?;
    Ok(record)
}

/// What one kind has written.
struct Written {
    sources: Vec<(&'static str, PathBuf)>,
    base: Option<String>,
    has_own_base: bool,
    checks: Vec<Check>,
    probes: Vec<Probe>,
    text_ids: Vec<u32>,
}

fn write_adapter(from: &ExportInputs<'_>, place: &Path, config: &ExportConfig) -> Result<Written, ExportError> {
    let hint = "the stage trained every weight; export it as `merged`";
    let adapter = Sources::need(&from.sources.adapter, from.stage, "adapter (adapter_config.json)", hint)?;
    let hint = "the adapter's base_model_name_or_path names no directory; give the base explicitly";
    let base = Sources::need(&from.sources.base, from.stage, "base model under the adapter", hint)?;
    let source = ModelSource::open(base, Some(adapter))?;
    let (inputs, text_ids) = probe::inputs(source.tokenizer_directory())?;
    let written = adapter::write(&source, from.sources.model.as_deref(), place, config, &inputs)?;
    let sources = vec![("adapter", adapter.to_owned()), ("base", base.to_owned())];
    let adapter::Written { probes, checks, base, has_own_base } = written;
    Ok(Written { sources, base: Some(base), has_own_base, checks, probes, text_ids })
}

fn write_merged(from: &ExportInputs<'_>, place: &Path, config: &ExportConfig) -> Result<Written, ExportError> {
    let Sources { model, adapter, base, .. } = &from.sources;
    let (source, sources) = match (model, adapter, base) {
        (Some(model), ..) => (ModelSource::open(model, None)?, vec![("model", model.clone())]),
        (None, Some(adapter), Some(base)) => {
            (ModelSource::open(base, Some(adapter))?, vec![("adapter", adapter.clone()), ("base", base.clone())])
        }
        (None, Some(adapter), None) => (ModelSource::open(adapter, None)?, vec![("adapter", adapter.clone())]),
        (None, None, _) => {
            from.sources.reward.as_deref().map(|reward| ModelSource::open(reward, None)).transpose()?;
            let hint = "name the output directory of a stage that makes a model";
            return Err(ExportError::Missing { path: from.stage.to_owned(), what: "model (config.json)", hint });
        }
    };
    let (inputs, text_ids) = probe::inputs(source.tokenizer_directory())?;
    let (probes, checks) = merged::write(&source, place, config, &inputs)?;
    Ok(Written { sources, base: None, has_own_base: false, checks, probes, text_ids })
}

fn write_reward(from: &ExportInputs<'_>, place: &Path, config: &ExportConfig) -> Result<Written, ExportError> {
    let hint = "only phase 4 trains one; name its output directory";
    let source = Sources::need(&from.sources.reward, from.stage, "reward model", hint)?;
    let (inputs, text_ids) = probe::inputs(source)?;
    let (probes, checks) = reward::write(source, place, config, &inputs)?;
    Ok(Written {
        sources: vec![("reward", source.to_owned())],
        base: None,
        has_own_base: false,
        checks,
        probes,
        text_ids,
    })
}

fn hashes(sources: &[(&'static str, PathBuf)]) -> Result<Vec<(String, String)>, ExportError> {
    sources.iter().map(|(role, path)| Ok(((*role).to_owned(), lam_store::hash_path(path)?))).collect()
}
