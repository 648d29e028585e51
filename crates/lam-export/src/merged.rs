//! The whole model, adapter merged, in Hugging Face's layout; reloaded and compared with what it was made from.

use std::path::Path;

use lam_model::{Decoder, Finetuning};
use serde_json::Value;

use crate::files::{copy_generation_config, copy_tokenizer, read_object, write_json};
use crate::record::{Check, Probe, difference};
use crate::{ExportConfig, ExportError, probe};

/// The model of `base` with the adapter folded into its weights.
pub fn merge(base: &Path, adapter: &Path) -> Result<Decoder, ExportError> {
    let mut decoder = Decoder::load(base, &Finetuning::Frozen, 0)?;
    decoder.load_adapter(adapter, false)?;
    decoder.merge_adapter()?;
    Ok(decoder)
}

/// Writes `decoder`, whose small files lie in `files_from`, into `output`; returns the probes of the reloaded model.
pub fn write(
    decoder: &Decoder,
    files_from: &Path,
    output: &Path,
    config: &ExportConfig,
    inputs: &[Vec<u32>],
) -> Result<(Vec<Probe>, Vec<Check>), ExportError> {
    let before = probe::logits(decoder, inputs)?;
    decoder.save(output)?;
    name_origin(output, config)?;
    copy_generation_config(files_from, output)?;
    copy_tokenizer(files_from, output)?;
    let after = probe::logits(&Decoder::load(output, &Finetuning::Frozen, 0)?, inputs)?;
    let gap = difference(&before, &after);
    if gap > config.tolerance {
        let what = "logits before writing and after reloading";
        return Err(ExportError::Differs {
            path: output.to_owned(),
            what,
            difference: gap,
            tolerance: config.tolerance,
        });
    }
    let what = "written model against its source (must agree)".to_owned();
    Ok((after, vec![Check { what, max_abs_difference: gap }]))
}

/// Names the base model in `config.json`.
fn name_origin(output: &Path, config: &ExportConfig) -> Result<(), ExportError> {
    if config.base_model.is_empty() {
        return Ok(());
    }
    let path = output.join("config.json");
    let mut object = read_object(&path)?;
    object.insert("_name_or_path".to_owned(), config.base_model.clone().into());
    write_json(&path, &Value::Object(object))
}
