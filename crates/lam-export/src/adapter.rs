//! The adapter in PEFT's on-disk form, compared with its base (must differ) and with the merged model (must agree).

use std::path::Path;

use lam_model::{Decoder, Finetuning};

use crate::files::copy_tokenizer;
use crate::merged::merge;
use crate::record::{Check, Probe, difference};
use crate::{ExportConfig, ExportError, probe};

/// Below this the adapter counts as doing nothing.
const LEAST_EFFECT: f32 = 1e-6;

/// Writes the adapter of `adapter` over `base` into `output`; returns the probes of the reloaded model.
pub fn write(
    base: &Path,
    adapter: &Path,
    output: &Path,
    config: &ExportConfig,
    inputs: &[Vec<u32>],
) -> Result<(Vec<Probe>, Vec<Check>), ExportError> {
    let plain = Decoder::load(base, &Finetuning::Frozen, 0)?;
    let without = probe::logits(&plain, inputs)?;
    let mut adapted = plain;
    adapted.load_adapter(adapter, false)?;
    // The directory's name, not its path: the same run gives the same bytes wherever it lies.
    let own_name = base.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    adapted.save_adapter(output, Some(if config.base_model.is_empty() { &own_name } else { &config.base_model }))?;
    copy_tokenizer(base, output)?;
    let mut reloaded = Decoder::load(base, &Finetuning::Frozen, 0)?;
    reloaded.load_adapter(output, false)?;
    let with = probe::logits(&reloaded, inputs)?;
    let effect = difference(&with, &without);
    if effect <= LEAST_EFFECT {
        return Err(ExportError::NoEffect { path: adapter.to_owned() });
    }
    let merged = probe::logits(&merge(base, output)?, inputs)?;
    let gap = difference(&with, &merged);
    if gap > config.tolerance {
        let what = "logits of adapter and merged model";
        return Err(ExportError::Differs {
            path: output.to_owned(),
            what,
            difference: gap,
            tolerance: config.tolerance,
        });
    }
    let checks = vec![
        Check { what: "adapter against base (must differ)".to_owned(), max_abs_difference: effect },
        Check { what: "adapter against merged model (must agree)".to_owned(), max_abs_difference: gap },
    ];
    Ok((with, checks))
}
