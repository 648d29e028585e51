//! One export: a staging directory, the files, the comparison, the card; only then it takes its place.

use std::path::{Path, PathBuf};

use lam_model::{HubModel, ModelSource};
use lam_prompt::Tokenizer;
use lam_store::StagingDir;

use crate::calibration::Calibration;
use crate::card::{CardFacts, UNKNOWN};
use crate::example::{Example, Recorded, recorded};
use crate::files::{copy, write_json};
use crate::gguf::{GgufFile, Named};
use crate::modes::make_plain;
use crate::origin::Origin;
use crate::record::{Check, ExportRecord, Probe, RECORD_FILE};
use crate::source::Sources;
use crate::{ExportConfig, ExportError, Kind, adapter, card, facts, gguf, merged, probe, reward};

/// The licence's text in an export.
const LICENSE_FILE: &str = "LICENSE";

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

/// Writes one kind of export into `output`, which is replaced as a whole once everything agrees; else nothing is left.
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
    match write(kind, inputs, staging.path(), config) {
        Ok(record) => {
            staging.commit()?;
            Ok(record)
        }
        Err(error) => {
            // Why nothing is written says more than why what was is still there.
            let _ = staging.discard();
            Err(error)
        }
    }
}

/// Writes it where it is made.
fn write(
    kind: Kind,
    inputs: &ExportInputs<'_>,
    place: &Path,
    config: &ExportConfig,
) -> Result<ExportRecord, ExportError> {
    let origin = Origin::of(inputs.stage, &inputs.sources)?;
    let known = Known {
        model_name: facts::model_name(inputs.stage, config),
        base_model: Some(HubModel::named(&config.base_model).repository).filter(|base| !base.is_empty()).or(origin.hub),
        license: Some(config.license.clone()).filter(|license| !license.is_empty()).or(origin.license),
    };
    let written = match kind {
        Kind::Adapter => write_adapter(inputs, place, config),
        Kind::Merged => write_merged(inputs, place, (config, &known)),
        Kind::Reward => write_reward(inputs, place, config),
        Kind::Gguf => write_gguf(inputs, place, (config, &known)),
    }?;
    let record = ExportRecord {
        format_version: 1,
        kind,
        sources: hashes(&written.sources)?,
        base: written.base,
        notes: written.notes,
        checks: written.checks,
        text: probe::TEXT.to_owned(),
        text_ids: written.text_ids,
        probes: written.probes,
    };
    // A licence that is chosen here is another than the one whose text lies beside the base.
    let license_file = origin.license_file.filter(|_| config.license.is_empty() && known.license.is_some());
    let mut facts = CardFacts {
        has_own_base: written.has_own_base,
        hub_base: written.hub_base,
        gguf: written.gguf,
        example: written.example,
        has_license_file: license_file.is_some(),
        license: known.license.unwrap_or_else(|| UNKNOWN.to_owned()),
        base_model: known.base_model,
        ..facts::gather(inputs.stage, inputs.evaluations, config)?
    };
    if let (Kind::Reward, Some(reward)) = (kind, &inputs.sources.reward) {
        facts.calibration = Calibration::of_model(reward)?;
    }
    if let Some(text) = license_file {
        copy(&text, &place.join(LICENSE_FILE))?;
    }
    lam_store::write_atomic(&place.join("README.md"), card::card(kind, config, &facts, &record).as_bytes())?;
    write_json(&place.join(RECORD_FILE), &serde_json::to_value(&record).expect("numbers and texts serialise"))?;
    make_plain(place)?;
    Ok(record)
}

/// What is known of the model before it is written.
struct Known {
    model_name: String,
    /// Its base on the hub.
    base_model: Option<String>,
    license: Option<String>,
}

/// The parts that something is made of, by role.
type Parts = Vec<(&'static str, PathBuf)>;

/// What one kind has written.
#[derive(Default)]
struct Written {
    sources: Parts,
    base: Option<String>,
    has_own_base: bool,
    hub_base: Option<HubModel>,
    notes: Vec<String>,
    checks: Vec<Check>,
    probes: Vec<Probe>,
    text_ids: Vec<u32>,
    gguf: Option<GgufFile>,
    example: Option<Example>,
}

fn write_adapter(from: &ExportInputs<'_>, place: &Path, config: &ExportConfig) -> Result<Written, ExportError> {
    let hint = "the stage trained every weight; export it as `merged`";
    let adapter = Sources::need(&from.sources.adapter, from.stage, "adapter (adapter_config.json)", hint)?;
    let hint = "the adapter's base_model_name_or_path names no directory; give the base explicitly";
    let base = Sources::need(&from.sources.base, from.stage, "base model under the adapter", hint)?;
    let sources = vec![("adapter", adapter.to_owned()), ("base", base.to_owned())];
    let begun = Begun::of((ModelSource::open(base, Some(adapter))?, sources), from, config)?;
    let evaluated = from.sources.model.as_deref();
    let written = adapter::write(&begun.source, evaluated, place, config, &begun.inputs)?;
    let adapter::Written { probes, checks, base, hub } = written;
    let has_own_base = hub.is_none();
    Ok(Written { base: Some(base), has_own_base, hub_base: hub, checks, probes, ..begun.written() })
}

/// The whole model, perhaps as an adapter over its base, and the parts that it is made of.
fn whole(from: &ExportInputs<'_>) -> Result<(ModelSource, Parts), ExportError> {
    let Sources { model, adapter, base, .. } = &from.sources;
    Ok(match (model, adapter, base) {
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
    })
}

/// What every export of a decoder begins with.
struct Begun {
    source: ModelSource,
    sources: Parts,
    /// What it is asked before and after it is written, and the tokens of the text among that.
    inputs: Vec<Vec<u32>>,
    text_ids: Vec<u32>,
    /// What evaluations asked it.
    recorded: Recorded,
}

impl Begun {
    fn of(
        (source, sources): (ModelSource, Parts),
        from: &ExportInputs<'_>,
        config: &ExportConfig,
    ) -> Result<Self, ExportError> {
        let (inputs, text_ids) = probe::inputs(source.tokenizer_directory())?;
        let tokenizer = Tokenizer::load(source.tokenizer_directory())?;
        let recorded = recorded(from.evaluations, (&facts::model_name(from.stage, config), from.stage), &tokenizer)?;
        Ok(Self { source, sources, inputs, text_ids, recorded })
    }

    /// What is known of the export by now.
    fn written(self) -> Written {
        let Self { sources, text_ids, recorded, .. } = self;
        Written { sources, text_ids, example: recorded.example, ..Written::default() }
    }
}

fn write_merged(
    from: &ExportInputs<'_>,
    place: &Path,
    (config, known): (&ExportConfig, &Known),
) -> Result<Written, ExportError> {
    let begun = Begun::of(whole(from)?, from, config)?;
    let origin = known.base_model.as_deref();
    let (probes, checks) = merged::write(&begun.source, place, (config, origin), &begun.inputs)?;
    Ok(Written { checks, probes, ..begun.written() })
}

fn write_gguf(
    from: &ExportInputs<'_>,
    place: &Path,
    (config, known): (&ExportConfig, &Known),
) -> Result<Written, ExportError> {
    let begun = Begun::of(whole(from)?, from, config)?;
    let named = Named {
        model: &known.model_name,
        base: known.base_model.as_deref(),
        license: known.license.as_deref().unwrap_or(UNKNOWN),
        prompts: &begun.recorded.prompts,
    };
    let written = gguf::write(&begun.source, place, (config.gguf_type.file_type(), &named), &begun.inputs)?;
    let gguf::Written { probes, checks, notes, file } = written;
    Ok(Written { notes, checks, probes, gguf: Some(file), ..begun.written() })
}

fn write_reward(from: &ExportInputs<'_>, place: &Path, config: &ExportConfig) -> Result<Written, ExportError> {
    let hint = "only phase 4 trains one; name its output directory";
    let source = Sources::need(&from.sources.reward, from.stage, "reward model", hint)?;
    let (inputs, text_ids) = probe::inputs(source)?;
    let (probes, checks) = reward::write(source, place, config, &inputs)?;
    let tokenizer = Tokenizer::load(source)?;
    let scored = |probe: &Probe| Example {
        prompt: tokenizer.decode(&probe.input_ids),
        answer: probe.logits.iter().map(|score| format!("{score:.4}")).collect(),
    };
    let example = probes.first().map(scored);
    Ok(Written {
        sources: vec![("reward", source.to_owned())],
        checks,
        probes,
        text_ids,
        example,
        ..Written::default()
    })
}

fn hashes(sources: &[(&'static str, PathBuf)]) -> Result<Vec<(String, String)>, ExportError> {
    sources.iter().map(|(role, path)| Ok(((*role).to_owned(), lam_store::hash_path(path)?))).collect()
}
