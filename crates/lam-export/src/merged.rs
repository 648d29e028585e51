//! The whole model, adapter merged, in Hugging Face's layout; reloaded and compared with the model that was evaluated.

use std::path::Path;

use lam_model::{Decoder, Finetuning, ModelSource, Precision};
use serde_json::Value;

use crate::files::{copy_generation_config, copy_tokenizer, read_object, write_json};
use crate::record::{Check, Probe, difference, refuse_difference};
use crate::{ExportConfig, ExportError, probe};

/// The model with its adapter, if it has one, folded into the weights under it, as it is computed with.
pub fn merged(source: &ModelSource) -> Result<Decoder, ExportError> {
    folded(source.load(&Finetuning::Frozen, 0)?)
}

/// The same as it is written to files.
pub fn merged_to_save(source: &ModelSource) -> Result<Decoder, ExportError> {
    folded(source.load_to_save()?)
}

fn folded(mut decoder: Decoder) -> Result<Decoder, ExportError> {
    if decoder.lora().is_some() {
        decoder.merge_adapter()?;
    }
    Ok(decoder)
}

/// Writes the model of `source` into `output`; returns the probes of the reloaded model.
pub fn write(
    source: &ModelSource,
    output: &Path,
    (config, origin): (&ExportConfig, Option<&str>),
    inputs: &[Vec<u32>],
) -> Result<(Vec<Probe>, Vec<Check>), ExportError> {
    let decoder = source.load(&Finetuning::Frozen, 0)?;
    let acting = probe::acting_logits(&decoder, inputs)?;
    // An adapter's pairs are applied beside the weights here, and are in them in what is written.
    let beside = decoder.lora().map(|_| probe::logits(&decoder, inputs)).transpose()?;
    // Nothing is lost: a model without an adapter is written in the numbers of its files, a product of one in f32.
    let precision = if decoder.lora().is_some() { Precision::F32 } else { decoder.saved_in() };
    drop(decoder);
    merged_to_save(source)?.save_in(precision, output)?;
    name_origin(output, origin)?;
    copy_generation_config(source.directory(), output)?;
    copy_tokenizer(source.tokenizer_directory(), output)?;
    let after = probe::logits(&Decoder::load(output, &Finetuning::Frozen, 0)?, inputs)?;
    let mut checks = Vec::new();
    let compared = [(Some(acting), "its source, as it acts"), (beside, "the adapter beside its base")];
    for (before, whom) in compared.into_iter().filter_map(|(before, whom)| Some((before?, whom))) {
        let gap = difference(&before, &after);
        refuse_difference(output, "logits of the written model and of its source", gap, config)?;
        checks.push(Check { what: format!("written model against {whom} (must agree)"), max_abs_difference: gap });
    }
    Ok((after, checks))
}

/// Names the base model in `config.json`, or nothing in the place of a path that somebody else wrote there.
pub fn name_origin(output: &Path, origin: Option<&str>) -> Result<(), ExportError> {
    let (path, key) = (output.join("config.json"), "_name_or_path");
    let mut object = read_object(&path)?;
    match origin {
        Some(origin) => drop(object.insert(key.to_owned(), origin.into())),
        None if object.shift_remove(key).is_none() => return Ok(()),
        None => {}
    }
    write_json(&path, &Value::Object(object))
}
