//! A run in progress: its state, and what happens at a step.

mod checkpointing;
mod records;

use std::time::Instant;

use lam_learn::{AdamW, Clipped, clip_gradients};
use lam_model::Device;

use crate::checkpoint::{Checkpoints, fixed_arguments};
use crate::gradient_accumulator::{BatchGradient, GradientAccumulator, host_variables};
use crate::log::MetricsLog;
use crate::memory::{Limit, mib, resident_bytes};
use crate::stop_criterion::StopCriterion;
use crate::stream::stream_seed;
use crate::{
    DataLoader, Ending, Identity, MemoryPlan, Pass, Sample, Tracker, TrainModule, TrainOutcome, TrainRun, TrainerError,
    TrainerState, TrainingArguments,
};

/// A run in progress.
pub(crate) struct TrainerLoop<'a, M: TrainModule> {
    module: &'a mut M,
    loader: &'a mut dyn DataLoader<M::Sample>,
    evaluation: &'a [M::Sample],
    run: &'a TrainRun<'a>,
    optimizer: AdamW,
    checkpoints: Checkpoints,
    identity: Identity,
    state: TrainerState,
    stop: StopCriterion,
    log: MetricsLog,
    clock: Clock,
}

/// Where the stopwatch was started; only figures for people come from it.
struct Clock {
    started: Instant,
    tokens_then: u64,
}

impl<'a, M: TrainModule> TrainerLoop<'a, M> {
    /// Starts, or resumes from the last complete checkpoint.
    pub(crate) fn begin(
        module: &'a mut M,
        loader: &'a mut dyn DataLoader<M::Sample>,
        evaluation: &'a [M::Sample],
        run: &'a TrainRun<'a>,
    ) -> Result<Self, TrainerError> {
        configure(module, run.arguments)?;
        note_device(module, run);
        let stop = StopCriterion::of(run.arguments, |epochs| loader.batches_in(epochs))?;
        let mut identity = fixed_arguments(run.arguments);
        identity.extend(run.identity.clone());
        identity.insert("samples".into(), loader.fingerprint());
        let mut trainer = TrainerLoop {
            optimizer: optimizer(module, run.arguments)?,
            checkpoints: Checkpoints::open(run.output)?,
            identity,
            state: TrainerState { max_steps: stop.steps.unwrap_or(0), ..TrainerState::default() },
            log: MetricsLog::open(run.output, run.arguments.report_to.contains(&Tracker::Tensorboard))?,
            clock: Clock { started: Instant::now(), tokens_then: 0 },
            module,
            loader,
            evaluation,
            run,
            stop,
        };
        trainer.resume()?;
        trainer.log.restart(&trainer.state.log_history)?;
        trainer.clock.tokens_then = trainer.state.num_input_tokens_seen;
        let total = trainer.stop.steps.filter(|_| trainer.stop.tokens.is_none()).or(trainer.stop.tokens);
        run.progress.begin("train", total);
        Ok(trainer)
    }

    /// Steps done.
    pub(crate) fn step(&self) -> u64 {
        self.state.global_step
    }

    /// Whether nothing is left to do.
    pub(crate) fn is_finished(&self) -> bool {
        self.state.finished
    }

    /// Prints the memory plan, refuses one that does not fit, and tries the longest batch if asked to.
    pub(crate) fn check_memory(&mut self) -> Result<(), TrainerError> {
        let Some(longest) = self.loader.longest_batch().filter(|_| !self.is_finished()) else { return Ok(()) };
        let mut plan = match self.module.backbone() {
            Some(backbone) => backbone.memory_plan(&longest),
            None => MemoryPlan::of_variables(&self.module.variables()),
        };
        if self.run.arguments.gradient_accumulation_steps > 1 {
            plan.gradients *= 2;
        }
        let device = device_of(self.module);
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

    /// One optimizer step with all that follows from it: record, evaluation, checkpoint.
    pub(crate) fn train_step(&mut self) -> Result<(), TrainerError> {
        if self.reached_the_end() {
            return self.end(Ending::Completed);
        }
        let Some(mut sum) = self.accumulate()? else { return self.end(Ending::Completed) };
        let learning_rate = self.update(&mut sum)?;
        self.state.global_step += 1;
        self.state.epoch = self.loader.epoch() as f32;
        let mut metrics = sum.metrics.take();
        metrics.add("loss", sum.loss() * sum.weight(), sum.weight());
        self.state.since_last_record.merge(&metrics);
        self.report(&metrics);
        let ends = self.reached_the_end();
        if ends || self.step().is_multiple_of(self.run.arguments.logging_steps) {
            self.record_training(learning_rate)?;
        }
        let stops = self.evaluate_when_due(ends)?;
        match (ends, stops) {
            (true, _) => self.end(Ending::Completed),
            (false, true) => self.end(Ending::StoppedEarly),
            (false, false) => self.save_when_due(),
        }
    }

    /// Closes a finished run.
    pub(crate) fn finish(mut self) -> Result<TrainOutcome, TrainerError> {
        if self.run.arguments.load_best_model_at_end {
            self.load_best()?;
        }
        let completed = self.reached_the_end();
        Ok(TrainOutcome {
            ending: if completed { Ending::Completed } else { Ending::StoppedEarly },
            global_step: self.step(),
            num_tokens: self.state.num_input_tokens_seen,
            best_metric: self.state.best_metric,
            checkpoint: self.checkpoints.path(self.step()),
            log_history: self.state.log_history,
        })
    }

    /// Draws and sums the micro-batches of one step; `None` when no sample is left.
    fn accumulate(&mut self) -> Result<Option<GradientAccumulator>, TrainerError> {
        let mut sum = GradientAccumulator::default();
        if let Some(device) = self.module.device_parameters() {
            device.clear_gradients()?;
        }
        for _ in 0..self.run.arguments.gradient_accumulation_steps {
            if self.stop.batches.is_some_and(|limit| self.state.batches_seen >= limit) {
                break;
            }
            let Some(batch) = self.loader.next_batch(self.step())? else { break };
            sum.metrics.merge(&self.module.before_batch(&batch)?);
            let sample_ids: Vec<String> = batch.iter().map(|sample| sample.id().to_owned()).collect();
            let gradient = BatchGradient::of(self.module, &batch, Pass::Train { seed: self.batch_seed() });
            let gradient = gradient.inspect_err(|_| self.tell_batch(&sample_ids))?;
            self.refuse_not_finite("loss", gradient.loss_sum, &sample_ids)?;
            self.loader.feedback(&gradient.metrics);
            self.state.batches_seen += 1;
            self.state.num_input_tokens_seen += batch.iter().map(|sample| sample.tokens() as u64).sum::<u64>();
            sum.add(gradient, sample_ids)?;
        }
        Ok((!sum.sample_ids.is_empty()).then_some(sum))
    }

    /// Moves the variables and returns the learning rate. Nothing moves when a number is not finite.
    fn update(&mut self, sum: &mut GradientAccumulator) -> Result<f64, TrainerError> {
        self.refuse_not_finite("loss", sum.loss(), &sum.sample_ids)?;
        let mut gradients = sum.mean_gradients(&host_variables(self.module))?;
        let scale = 1.0 / sum.weight();
        let squares = self.module.device_parameters().map_or(Ok(0.0), |device| device.squared_norm())?;
        let Clipped { norm, factor } =
            clip_gradients(&mut gradients, squares * scale * scale, self.run.arguments.max_grad_norm)?;
        self.refuse_not_finite("grad_norm", norm, &sum.sample_ids)?;
        let total = self.stop.total_steps(self.step(), self.state.num_input_tokens_seen);
        let rate = self.run.arguments.learning_rate_at(self.step(), total);
        self.optimizer.step(&gradients, rate, scale * factor)?;
        sum.metrics.add("grad_norm", norm, 1.0);
        Ok(rate)
    }

    /// Says which samples a device was at when it failed: what failed does not know them.
    fn tell_batch(&self, sample_ids: &[String]) {
        if device_of(self.module).computes_in_bf16() {
            let (step, samples) = (self.step() + 1, sample_ids.join(", "));
            self.run.progress.note(&format!("step {step} failed, on these samples: {samples}"));
        }
    }

    fn refuse_not_finite(&self, what: &'static str, value: f64, sample_ids: &[String]) -> Result<(), TrainerError> {
        if value.is_finite() {
            return Ok(());
        }
        Err(TrainerError::NotFinite { step: self.step() + 1, what, value, sample_ids: sample_ids.to_vec() })
    }

    fn reached_the_end(&self) -> bool {
        self.stop.reached(self.step(), self.state.num_input_tokens_seen)
    }

    fn save_when_due(&mut self) -> Result<(), TrainerError> {
        let every = self.run.arguments.save_steps;
        if every > 0 && self.step().is_multiple_of(every) { self.save() } else { Ok(()) }
    }

    fn end(&mut self, ending: Ending) -> Result<(), TrainerError> {
        self.state.finished = true;
        if ending == Ending::StoppedEarly {
            self.run.progress.note(&format!("stopped early after step {}", self.step()));
        }
        self.save()
    }

    fn batch_seed(&self) -> u64 {
        let key = stream_seed(self.run.arguments.seed, &format!("batch/{}", self.state.batches_seen));
        u64::from_le_bytes(key[..8].try_into().expect("a key has 32 bytes"))
    }
}

/// Where the module computes.
fn device_of<M: TrainModule>(module: &M) -> Device {
    module.backbone().map_or(Device::Cpu, |backbone| backbone.decoder().device())
}

/// Says which device computes, where it is not the processor.
fn note_device<M: TrainModule>(module: &M, run: &TrainRun<'_>) {
    let device = device_of(module);
    if device.computes_in_bf16() {
        run.progress.note(&format!("computes on {}, with activations and products in bf16", device.name()));
    }
}

/// The optimizer over a module's variables, wherever they are.
fn optimizer<M: TrainModule>(module: &M, arguments: &TrainingArguments) -> Result<AdamW, TrainerError> {
    let device = module.device_parameters();
    if let Some(device) = &device {
        device.train_only(&module.variables().into_iter().map(|(name, _)| name).collect::<Vec<_>>())?;
    }
    Ok(AdamW::new(host_variables(module), arguments.adamw())?.with_device(device))
}

/// Sets the module's decoder up as the arguments say; without a decoder, what only a decoder can do is refused.
fn configure<M: TrainModule>(module: &mut M, arguments: &TrainingArguments) -> Result<(), TrainerError> {
    let refuse =
        |key, reason: &str| Err(TrainerError::Arguments { key, value: "true".into(), reason: reason.into(), hint: "" });
    match module.backbone_mut() {
        Some(backbone) => backbone.configure(arguments),
        None if arguments.bf16 => refuse("bf16", "what is trained here knows f32 only"),
        None if arguments.share_prefixes => refuse("share_prefixes", "what is trained here shares no prefixes"),
        None => Ok(()),
    }
}
