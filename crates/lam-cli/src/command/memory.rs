//! `model memory`: what training would need in memory, before there is a model.

use std::path::Path;

use lam_config::ConfigLayers;
use lam_cuda::DeviceChoice;
use lam_phase2_imitate::ImitateConfig;
use lam_signal::Failure;
use lam_trainer::{MemoryPlan, planned};
use serde_json::json;

use crate::output::Output;

/// Prints the memory plan of a shape under a file of settings; for a GPU unless `device` is the processor.
pub fn memory(shape: &str, settings: &Path, device: Option<DeviceChoice>, output: &Output) -> Result<(), Failure> {
    let mut layers = ConfigLayers::new();
    layers.add_file(settings)?;
    let plan = plan(shape, &layers.decode()?, device != Some(DeviceChoice::Cpu))?;
    output.line(&plan.describe());
    output.value(&json!({
        "total_bytes": plan.total(),
        "frozen": plan.frozen,
        "trained": plan.trained,
        "gradients": plan.gradients,
        "moments": plan.moments,
        "activations": plan.activations,
        "logits": plan.logits,
        "longest_batch_tokens": plan.longest_batch_tokens,
    }))
}

fn plan(shape: &str, settings: &ImitateConfig, on_gpu: bool) -> Result<MemoryPlan, Failure> {
    let train = &settings.train;
    let tokens = match train.max_tokens_per_batch {
        0 => train.per_device_train_batch_size * train.max_length,
        tokens => tokens,
    };
    let finetuning = settings.finetuning_type.with(&settings.lora, settings.quantization_bit);
    let config = lam_base::model_config(shape)?;
    Ok(planned(&config, &finetuning, (tokens, train.max_length), (train.gradient_checkpointing, on_gpu))?)
}
