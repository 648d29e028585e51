//! One export: a staging directory, the files, the comparison, the card; only then it takes its place.

use std::path::{Path, PathBuf};

use lam_model::{Decoder, Finetuning};
use lam_store::StagingDir;

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
        Kind::Reward => write_reward(inputs, place),
    }?;
    let record = ExportRecord {
        format_version: 1,
        kind,
        sources: hashes(&written.sources)?,
        checks: written.checks,
        text: probe::TEXT.to_owned(),
        text_ids: written.text_ids,
        probes: written.probes,
    };
    let facts = facts::gather(inputs.stage, inputs.evaluations, config)?;
    lam_store::write_atomic(&place.join("README.md"), card::card(kind, config, &facts, &record).as_bytes())?;
    write_json(&place.join(RECORD_FILE), &serde_json::to_value(&record).expect("numbers and texts serialise"))?;
    staging.commit()?;
    Ok(record)
}

/// What one kind has written.
struct Written {
    sources: Vec<(&'static str, PathBuf)>,
    checks: Vec<Check>,
    probes: Vec<Probe>,
    text_ids: Vec<u32>,
}

fn write_adapter(from: &ExportInputs<'_>, place: &Path, config: &ExportConfig) -> Result<Written, ExportError> {
    let hint = "the stage trained every weight; export it as `merged`";
    let adapter = Sources::need(&from.sources.adapter, from.stage, "adapter (adapter_config.json)", hint)?;
    let hint = "the adapter's base_model_name_or_path names no directory; give the base explicitly";
    let base = Sources::need(&from.sources.base, from.stage, "base model under the adapter", hint)?;
    let (inputs, text_ids) = probe::inputs(base)?;
    let (probes, checks) = adapter::write(base, adapter, place, config, &inputs)?;
    Ok(Written { sources: vec![("adapter", adapter.to_owned()), ("base", base.to_owned())], checks, probes, text_ids })
}

fn write_merged(from: &ExportInputs<'_>, place: &Path, config: &ExportConfig) -> Result<Written, ExportError> {
    let Sources { model, adapter, base, .. } = &from.sources;
    let (decoder, files, sources) = match (model, adapter, base) {
        (Some(model), ..) => (Decoder::load(model, &Finetuning::Frozen, 0)?, model, vec![("model", model.clone())]),
        (None, Some(adapter), Some(base)) => {
            (merged::merge(base, adapter)?, base, vec![("adapter", adapter.clone()), ("base", base.clone())])
        }
        _ => {
            let hint = "name the output directory of a stage that makes a model";
            return Err(ExportError::Missing { path: from.stage.to_owned(), what: "model (config.json)", hint });
        }
    };
    let (inputs, text_ids) = probe::inputs(files)?;
    let (probes, checks) = merged::write(&decoder, files, place, config, &inputs)?;
    Ok(Written { sources, checks, probes, text_ids })
}

fn write_reward(from: &ExportInputs<'_>, place: &Path) -> Result<Written, ExportError> {
    let hint = "only phase 4 trains one; name its output directory";
    let source = Sources::need(&from.sources.reward, from.stage, "reward model", hint)?;
    let (inputs, text_ids) = probe::inputs(source)?;
    reward::write(source, place)?;
    let decoder = Decoder::load(place, &Finetuning::Frozen, 0)?;
    let probes = probe::scores(&decoder, &reward::head_weights(place)?, &inputs)?;
    let what = "weights read back, byte for byte".to_owned();
    let checks = vec![Check { what, max_abs_difference: 0.0 }];
    Ok(Written { sources: vec![("reward", source.to_owned())], checks, probes, text_ids })
}

fn hashes(sources: &[(&'static str, PathBuf)]) -> Result<Vec<(String, String)>, ExportError> {
    sources.iter().map(|(role, path)| Ok(((*role).to_owned(), lam_store::hash_path(path)?))).collect()
}
