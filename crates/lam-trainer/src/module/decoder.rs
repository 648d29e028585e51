//! What every module over a decoder shares: its forward pass, its files, its memory.

use std::path::Path;

use candle_core::Tensor;
use lam_model::{Decoder, MistralConfig, PackedBatch};

use super::Pass;
use crate::checkpoint::write_json;
use crate::{MemoryPlan, TrainerError};

/// Hidden states: on the tape, with the adapter's dropout, in training; off it in evaluation. Shape: [T, D].
///
/// # Errors
/// When the batch cannot be run.
pub fn hidden(decoder: &Decoder, batch: &PackedBatch, pass: Pass) -> Result<Tensor, TrainerError> {
    let dropout = decoder.lora().is_some_and(|lora| lora.lora_dropout > 0.0);
    Ok(match pass {
        Pass::Train { seed } if dropout => decoder.hidden_with_dropout(batch, seed)?,
        Pass::Train { .. } => decoder.hidden(batch)?,
        Pass::Evaluate => decoder.hidden_detached(batch)?,
    })
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

/// What a decoder needs for a batch of `tokens`: its weights, and what each block keeps for its backward pass.
pub fn decoder_plan(decoder: &Decoder, tokens: usize, checkpointing: bool) -> MemoryPlan {
    let config = decoder.config();
    let frozen = if decoder.lora().is_some() { 4 * config.parameters() as u64 } else { 0 };
    MemoryPlan {
        frozen,
        activations: activation_bytes(config, tokens, checkpointing),
        longest_batch_tokens: tokens as u64,
        ..MemoryPlan::of_variables(&decoder.variables())
    }
}

/// Bytes that the blocks of such a model keep for the backward pass of `tokens`, an estimate.
pub fn activation_bytes(config: &MistralConfig, tokens: usize, checkpointing: bool) -> u64 {
    let width = config.hidden_size;
    let attention = (2 * config.num_attention_heads + 2 * config.num_key_value_heads) * config.head_dim();
    let inside = 3 * width + attention + 3 * config.intermediate_size;
    let blocks = config.num_hidden_layers;
    let kept = if checkpointing { blocks * width + inside } else { blocks * (width + inside) };
    4 * ((kept + 4 * width) * tokens) as u64
}
