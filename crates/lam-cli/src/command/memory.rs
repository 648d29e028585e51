//! `model memory`: what training would need in memory, and its results on the disk, before there is a model.

use std::path::Path;

use lam_config::ConfigLayers;
use lam_cuda::DeviceChoice;
use lam_model::DecoderConfig;
use lam_phase2_imitate::ImitateConfig;
use lam_signal::Failure;
use lam_trainer::{MemoryPlan, planned};
use serde_json::json;

use crate::output::Output;

/// Prints the memory plan of a shape under a file of settings; for a GPU unless `device` is the processor.
pub fn memory(shape: &str, settings: &Path, device: Option<DeviceChoice>, output: &Output) -> Result<(), Failure> {
    let mut layers = ConfigLayers::new();
    layers.add_file(settings)?;
    let settings: ImitateConfig = layers.decode()?;
    let config = lam_base::model_config(shape)?;
    let plan = plan(&config, &settings, device != Some(DeviceChoice::Cpu))?;
    let (model, checkpoint) = on_disk(&config, &settings, &plan);
    output.line(&plan.describe());
    let mib = |bytes: u64| bytes.div_ceil(1 << 20);
    output.line(&format!("on the disk: model {} MiB, each checkpoint {} MiB", mib(model), mib(checkpoint)));
    output.value(&json!({
        "total_bytes": plan.total(),
        "frozen": plan.frozen,
        "trained": plan.trained,
        "gradients": plan.gradients,
        "moments": plan.moments,
        "activations": plan.activations,
        "logits": plan.logits,
        "longest_batch_tokens": plan.longest_batch_tokens,
        "saved_model_bytes": model,
        "checkpoint_bytes": checkpoint,
    }))
}

/// Bytes of the weights that the stage writes, and of a checkpoint: what is trained and its moments, in f32.
fn on_disk(config: &DecoderConfig, settings: &ImitateConfig, plan: &MemoryPlan) -> (u64, u64) {
    let bytes = settings.train.save_dtype.of(config.stored_in()).bytes();
    // A value takes what each of its two moments does.
    ((bytes * config.parameters()) as u64, plan.moments / 2 * 3)
}

fn plan(config: &DecoderConfig, settings: &ImitateConfig, on_gpu: bool) -> Result<MemoryPlan, Failure> {
    let train = &settings.train;
    let tokens = match train.max_tokens_per_batch {
        0 => train.per_device_train_batch_size * train.max_length,
        tokens => tokens,
    };
    let finetuning = settings.finetuning_type.with(&settings.lora, settings.quantization_bit);
    let plan = planned(config, &finetuning, (tokens, train.max_length), (train.gradient_checkpointing, on_gpu))?;
    Ok(plan.with_micro_batches(train.gradient_accumulation_steps, on_gpu))
}
