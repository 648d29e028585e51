//! What every module over a decoder shares: its forward pass and its files.

use std::path::Path;

use candle_core::Tensor;
use lam_model::{Decoder, Mode, PackedBatch, Prefix, TextRows};

use super::Pass;
use crate::checkpoint::write_json;
use crate::{Sample, TrainerError};

/// Hidden states: on the tape, with the adapter's dropout, in training; off it in evaluation. Shape: [T, D].
///
/// # Errors
/// When the batch cannot be run.
pub fn hidden(decoder: &Decoder, batch: &PackedBatch, pass: Pass) -> Result<Tensor, TrainerError> {
    let dropout = decoder.lora().is_some_and(|lora| lora.lora_dropout > 0.0);
    let mode = match pass {
        Pass::Train { seed } => Mode::Train { dropout_seed: dropout.then_some(seed) },
        Pass::Evaluate => Mode::Evaluate,
    };
    Ok(decoder.forward(batch, mode)?)
}

/// A batch's texts, back to back or with the rows of equal beginnings shared; and where each text is.
pub(super) fn pack<S: Sample>(batch: &[S], share_prefixes: bool) -> (PackedBatch, Vec<TextRows>) {
    let beginnings = batch.iter().filter_map(Sample::beginning);
    let shareable = |beginning: &Prefix<'_>| if share_prefixes { beginning.shareable } else { 0 };
    let texts: Vec<_> = beginnings.map(|it| Prefix { shareable: shareable(&it), ..it }).collect();
    PackedBatch::sharing(&texts)
}

/// Refuses texts of which the decoder's window would hide some.
pub(super) fn check_shareable(decoder: &Decoder, max_length: usize) -> Result<(), TrainerError> {
    match decoder.config().sliding_window {
        Some(window) if window < max_length => {
            let reason = format!(
                "texts of `max_length` = {max_length} tokens do not fit into the model's `sliding_window` = {window}"
            );
            Err(TrainerError::Arguments { key: "share_prefixes", value: "true".into(), reason })
        }
        _ => Ok(()),
    }
}

/// The name that Hugging Face and PEFT give the file of the decoder's variables.
pub fn weights_file(decoder: &Decoder) -> &'static str {
    if decoder.lora().is_some() { "adapter_model.safetensors" } else { "model.safetensors" }
}

/// Writes what belongs beside that file: `adapter_config.json` or `config.json`.
///
/// # Errors
/// When the directory cannot be written.
pub fn save_description(decoder: &Decoder, directory: &Path) -> Result<(), TrainerError> {
    match decoder.lora() {
        Some(_) => Ok(decoder.save_adapter_config(directory, None)?),
        None => write_json(&directory.join("config.json"), decoder.config()),
    }
}
