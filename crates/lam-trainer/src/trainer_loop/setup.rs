//! What stands before the first step: the device with what is trained on it, and the memory plan.

use lam_learn::AdamW;
use lam_model::{Device, Processor};

use super::TrainerLoop;
use crate::checkpoint::ON_A_DEVICE;
use crate::gradient_accumulator::{BatchGradient, host_variables};
use crate::memory::{Limit, mib, resident_bytes};
use crate::{DataLoader, MemoryPlan, Pass, TrainModule, TrainRun, TrainerError, TrainingArguments};

impl<M: TrainModule> TrainerLoop<'_, M> {
    /// Prints the memory plan, refuses one that does not fit, and tries the longest batch if asked to.
    pub(crate) fn check_memory(&mut self) -> Result<(), TrainerError> {
        let Some(longest) = self.loader.longest_batch().filter(|_| !self.is_finished()) else { return Ok(()) };
        let device = device_of(self.module);
        let plan = memory_plan(self.module, &longest, self.run.arguments, &device);
        let limit = Limit::of(self.run.arguments.max_memory_mib, &device);
        plan.check(limit)?;
        self.run.progress.note(&plan.describe());
        if self.run.arguments.check_longest_batch_first {
            self.dry_run_longest_batch(&longest, &plan, limit)
        } else {
            Ok(())
        }
    }

    /// Runs the longest batch and leaves weights, random streams and the module's state as they were.
    fn dry_run_longest_batch(
        &mut self,
        longest: &[M::Sample],
        plan: &MemoryPlan,
        limit: Limit,
    ) -> Result<(), TrainerError> {
        let (state, before) = (self.module.state(), resident_bytes());
        self.module.before_batch(longest)?;
        let gradient = BatchGradient::of(self.module, longest, Pass::Train { seed: self.run.arguments.seed })?;
        let after = resident_bytes();
        drop(gradient);
        self.module.restore(&state).expect("a module knows its own state");
        let tokens = plan.longest_batch_tokens;
        if let Some((_, peak)) = device_of(self.module).memory() {
            let held = mib(peak);
            self.run.progress.note(&format!("the longest batch ({tokens} tokens) runs; the device held {held} MiB"));
            return Ok(());
        }
        let (Some(before), Some(after)) = (before, after) else { return Ok(()) };
        plan.check_measured(limit, after.saturating_sub(before))?;
        self.run
            .progress
            .note(&format!("the longest batch ({tokens} tokens) runs; the process holds {} MiB", mib(after)));
        Ok(())
    }
}

/// Sets the module up and brings it to the device that the arguments ask for. A plan that a GPU has no room for is refused
/// before its weights are on the way: what then does not fit is a buffer, which knows no settings.
pub(super) fn bring_to_device<M: TrainModule>(
    module: &mut M,
    loader: &dyn DataLoader<M::Sample>,
    run: &TrainRun<'_>,
) -> Result<(), TrainerError> {
    let device = configure(module, run.arguments)?;
    if device.computes_in_bf16() {
        run.progress.note(&format!("computes on {}, with activations and products in bf16", device.name()));
        if let Some(longest) = loader.longest_batch() {
            let plan = memory_plan(module, &longest, run.arguments, &device);
            plan.check(Limit::of(run.arguments.max_memory_mib, &device))?;
        }
    }
    module.backbone_mut().map_or(Ok(()), |backbone| backbone.bring_to(&device))
}

/// What training on a device needs, were each micro-batch the longest.
fn memory_plan<M: TrainModule>(
    module: &M,
    longest: &[M::Sample],
    arguments: &TrainingArguments,
    device: &Device,
) -> MemoryPlan {
    let on_gpu = device.computes_in_bf16();
    let plan = match module.backbone() {
        Some(backbone) => backbone.memory_plan(longest, on_gpu),
        None => MemoryPlan::of_variables(&module.variables()),
    };
    plan.with_micro_batches(arguments.gradient_accumulation_steps, on_gpu)
}

/// Where the module computes.
pub(super) fn device_of<M: TrainModule>(module: &M) -> Device {
    module.backbone().map_or(Device::Cpu, |backbone| backbone.decoder().device())
}

/// In which order its products are summed: the processor's numerics, or a device's.
pub(super) fn arithmetic_of<M: TrainModule>(module: &M) -> String {
    if device_of(module).computes_in_bf16() { ON_A_DEVICE.to_owned() } else { Processor::arithmetic() }
}

/// The optimizer over a module's variables, wherever they are.
pub(super) fn optimizer<M: TrainModule>(module: &M, arguments: &TrainingArguments) -> Result<AdamW, TrainerError> {
    let device = module.device_parameters();
    if let Some(device) = &device {
        device.train_only(&module.variables().into_iter().map(|(name, _)| name).collect::<Vec<_>>())?;
    }
    Ok(AdamW::new(host_variables(module), arguments.adamw())?.with_device(device))
}

/// Sets the module's decoder up as the arguments say; without a decoder, what only a decoder can do is refused. Returns the
/// device that it is to be brought to.
fn configure<M: TrainModule>(module: &mut M, arguments: &TrainingArguments) -> Result<Device, TrainerError> {
    let refuse =
        |key, reason: &str| Err(TrainerError::Arguments { key, value: "true".into(), reason: reason.into(), hint: "" });
    match module.backbone_mut() {
        Some(backbone) => backbone.configure(arguments),
        None if arguments.bf16 => refuse("bf16", "what is trained here knows f32 only"),
        None if arguments.share_prefixes => refuse("share_prefixes", "what is trained here shares no prefixes"),
        None => Ok(Device::Cpu),
    }
}
