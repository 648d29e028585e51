//! The adapter in PEFT's on-disk form, compared with its base (must differ) and with the model that was evaluated (must
//! agree). Its base is named by its id on the hub, where it is exactly what lies there; else it is written beside the
//! adapter, rounded as it was in training: only over that it is the evaluated model.

use std::path::Path;

use lam_model::{Decoder, Finetuning, HubModel, ModelSource, Precision, Rounding, record_base};

use crate::files::{copy_generation_config, copy_tokenizer};
use crate::merged::{self, merged};
use crate::origin;
use crate::record::{Check, Probe, difference, refuse_difference};
use crate::{ExportConfig, ExportError, probe};

/// Below this the adapter counts as doing nothing.
const LEAST_EFFECT: f32 = 1e-6;
/// The base as it was under the adapter in training, below the adapter's directory.
pub const OWN_BASE: &str = "base";

/// What an exported adapter is and stands on.
pub struct Written {
    /// Logits of the reloaded adapter over its base.
    pub probes: Vec<Probe>,
    /// What was compared.
    pub checks: Vec<Check>,
    /// On which base it stands, in a sentence.
    pub base: String,
    /// That base on the hub; none where it was written beside the adapter.
    pub hub: Option<HubModel>,
}

/// Writes the adapter of `source` into `output`. `evaluated` is the directory of the model that was evaluated.
pub fn write(
    source: &ModelSource,
    evaluated: Option<&Path>,
    output: &Path,
    config: &ExportConfig,
    inputs: &[Vec<u32>],
) -> Result<Written, ExportError> {
    let adapter = source.adapter().unwrap_or(source.directory());
    let trained = source.load(&Finetuning::Frozen, 0)?;
    let over_files = probe::logits(&source.load_unrounded()?, inputs)?;
    let rounding_effect = difference(&probe::logits(&trained, inputs)?, &over_files);
    let stands_on = StandsOn::of(source, rounding_effect, config)?;
    match &stands_on.hub {
        Some(hub) => trained.save_adapter_over_hub(output, hub)?,
        None => trained.save_adapter(output, Some(OWN_BASE))?,
    }
    copy_tokenizer(source.tokenizer_directory(), output)?;
    let own_base = output.join(OWN_BASE);
    let base = if stands_on.hub.is_none() {
        write_base(source, &stands_on, &own_base)?;
        own_base.as_path()
    } else {
        source.directory()
    };
    record_base(output, base)?;

    let reloaded = ModelSource::open(base, Some(output))?;
    let with = probe::logits(&reloaded.load(&Finetuning::Frozen, 0)?, inputs)?;
    let effect = difference(&with, &probe::logits(&reloaded.load_base()?, inputs)?);
    if effect <= LEAST_EFFECT {
        return Err(ExportError::NoEffect { path: adapter.to_owned() });
    }
    let check = |what: String, max_abs_difference| Check { what, max_abs_difference };
    let mut checks = vec![check("adapter against base (must differ)".to_owned(), effect)];
    let agrees = against(evaluated, &reloaded, &with, inputs)?;
    let gap = agrees[0].max_abs_difference;
    refuse_difference(output, "logits of the adapter over its base and of the evaluated model", gap, config)?;
    checks.extend(agrees);
    if stands_on.is_rounded() {
        let what =
            format!("adapter over {} in full precision against over `{OWN_BASE}/` (another model)", stands_on.original);
        checks.push(check(what, rounding_effect));
    }
    Ok(Written { probes: with, checks, base: stands_on.sentence(), hub: stands_on.hub })
}

/// Writes the base beside the adapter: as it was rounded in training, or as it lies in its files.
fn write_base(source: &ModelSource, stands_on: &StandsOn, place: &Path) -> Result<(), ExportError> {
    if stands_on.is_rounded() {
        source.load_base()?.save(place)?;
    } else {
        let base = ModelSource::open(source.directory(), None)?.load_to_save()?;
        base.save_in(base.saved_in(), place)?;
    }
    merged::name_origin(place, None)?;
    copy_generation_config(source.directory(), place)?;
    copy_tokenizer(source.tokenizer_directory(), place)
}

/// The adapter over its base, which gave `with`, against the model that was evaluated or, where none is known, against
/// itself as it acts. Where the evaluated one was saved in bf16, so must the adapter's product with its base be before
/// both agree; what that rounding does is told too.
fn against(
    evaluated: Option<&Path>,
    reloaded: &ModelSource,
    with: &[Probe],
    inputs: &[Vec<u32>],
) -> Result<Vec<Check>, ExportError> {
    let check = |what: &str, max_abs_difference| Check { what: what.to_owned(), max_abs_difference };
    let Some(model) = evaluated else {
        let acting = probe::acting_logits(&merged(reloaded)?, inputs)?;
        return Ok(vec![check("adapter against the merged model, as it acts (must agree)", difference(with, &acting))]);
    };
    let evaluated = Decoder::load(model, &Finetuning::Frozen, 0)?;
    let (acting, precision) = (probe::acting_logits(&evaluated, inputs)?, evaluated.saved_in());
    drop(evaluated);
    let gap = difference(with, &acting);
    if precision == Precision::F32 {
        return Ok(vec![check("adapter against the model that was evaluated, as it acts (must agree)", gap)]);
    }
    let mut rounded = merged(reloaded)?;
    rounded.round_to(precision)?;
    let rounded = probe::acting_logits(&rounded, inputs)?;
    Ok(vec![
        check(
            "adapter, merged and rounded to bf16, against the model that was evaluated, as it acts (must agree)",
            difference(&rounded, &acting),
        ),
        check("adapter beside its base against the same (but for that rounding)", gap),
    ])
}

/// The base that gives the evaluated model's answers.
struct StandsOn {
    /// It on the hub, where it is just what lies there.
    hub: Option<HubModel>,
    /// The base that training began with, in words.
    original: String,
    /// At which revision of it, in words; "" where that is not known.
    state: String,
    rounding: Rounding,
}

impl StandsOn {
    fn of(source: &ModelSource, rounding_effect: f32, config: &ExportConfig) -> Result<Self, ExportError> {
        // The directory's name, not its path: the same run gives the same bytes wherever it lies.
        let own_name = source.directory().file_name().map(|name| name.to_string_lossy().into_owned());
        let rounding = if rounding_effect > 0.0 { source.rounding()? } else { Rounding::default() };
        let mut hub = origin::of_weights(source.directory())?;
        // Of a model that no stage of ours made, whoever exports knows where it comes from.
        if hub.is_none() && !config.base_model.is_empty() && !origin::is_of_a_stage(source.directory())? {
            hub = Some(HubModel::named(&config.base_model));
        }
        let original = hub.as_ref().map(|hub| hub.repository.clone()).or(own_name).unwrap_or_default();
        let revision = hub.as_ref().and_then(|hub| hub.revision.as_ref());
        let state = revision.map(|revision| format!(" at the revision `{revision}`")).unwrap_or_default();
        Ok(Self { hub: hub.filter(|_| rounding.is_none()), original, state, rounding })
    }

    fn is_rounded(&self) -> bool {
        !self.rounding.is_none()
    }

    fn sentence(&self) -> String {
        let Self { hub, original, state, rounding } = self;
        let how = match (rounding.quantization_bit, rounding.bf16) {
            (Some(bits), _) => format!("its linear layers quantised to {bits} bits"),
            (None, true) => "its weights rounded to bf16".to_owned(),
            (None, false) if hub.is_some() => {
                return format!(
                    "It stands on `{original}` as that lies on the hub{state}: over it, it gives the evaluated model's \
                     answers."
                );
            }
            (None, false) => {
                return format!(
                    "It stands on `{original}`, a model of the same run that is nowhere else: `{OWN_BASE}/` holds it, number \
                     for number, and adapter_config.json names it by that path."
                );
            }
        };
        format!(
            "It was trained over `{original}`{state} with {how}, and stands on that: `{OWN_BASE}/` holds this base, written \
             out in full precision, over which it gives the evaluated model's answers. Over `{original}` itself it is \
             another model; the checks below say by how much."
        )
    }
}
