//! A run in progress: its state, and what happens at a step.

mod checkpointing;
mod records;
mod setup;
mod taken;

use std::time::Instant;

use candle_core::Var;
use lam_learn::{AdamW, Clipped, clip_gradients};
use lam_store::{Journal, StoreError};
pub use records::METRICS_FILE;
use setup::{arithmetic_of, bring_to_device, device_of, optimizer};
use taken::{Norm, TakenStep, add_late_values, refuse_not_finite};

use crate::checkpoint::{ARITHMETIC, Checkpoints, fixed_arguments};
use crate::gradient_accumulator::{GradientAccumulator, QueuedBatch, host_variables};
use crate::stop_criterion::StopCriterion;
use crate::stream::stream_number;
use crate::{
    DataLoader, Ending, Evaluation, Identity, Pass, Sample, TrainModule, TrainOutcome, TrainRun, TrainerError,
    TrainerState,
};

/// A run in progress.
pub(crate) struct TrainerLoop<'a, M: TrainModule> {
    module: &'a mut M,
    loader: &'a mut dyn DataLoader<M::Sample>,
    evaluation: Evaluation<'a, M>,
    run: &'a TrainRun<'a>,
    optimizer: AdamW,
    checkpoints: Checkpoints,
    identity: Identity,
    state: TrainerState,
    stop: StopCriterion,
    /// [`METRICS_FILE`].
    log: Journal,
    clock: Clock,
    /// The last step, while its figures are still on a device.
    unsettled: Option<TakenStep>,
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
        evaluation: Evaluation<'a, M>,
        run: &'a TrainRun<'a>,
    ) -> Result<Self, TrainerError> {
        bring_to_device(module, loader, run)?;
        let stop = StopCriterion::of(run.arguments, |epochs| loader.batches_in(epochs))?;
        let mut identity = fixed_arguments(run.arguments);
        identity.extend(run.identity.clone());
        identity.insert("samples".into(), loader.fingerprint());
        identity.insert(ARITHMETIC.into(), arithmetic_of(module));
        let state = TrainerState {
            max_steps: stop.steps.unwrap_or(0),
            evaluation_due: run.arguments.eval_on_start && !evaluation.is_empty(),
            ..TrainerState::default()
        };
        let mut trainer = TrainerLoop {
            optimizer: optimizer(module, run.arguments)?,
            checkpoints: Checkpoints::open(run.output)?,
            identity,
            state,
            log: Journal::open(&run.output.join(METRICS_FILE), |_| Ok::<(), StoreError>(()))?,
            clock: Clock { started: Instant::now(), tokens_then: 0 },
            unsettled: None,
            module,
            loader,
            evaluation,
            run,
            stop,
        };
        trainer.resume()?;
        // Lines written after the checkpoint are dropped.
        trainer.log.restart(&trainer.state.log_history)?;
        run.progress.resumed(run.output, trainer.step());
        trainer.clock.tokens_then = trainer.state.num_input_tokens_seen;
        trainer.begin_progress();
        Ok(trainer)
    }

    /// Says what is shown from now on: steps, or the tokens that decide when it ends.
    fn begin_progress(&self) {
        self.run.progress.begin("train", self.stop.tokens.or(self.stop.steps));
    }

    /// Steps done.
    pub(crate) fn step(&self) -> u64 {
        self.state.global_step
    }

    /// Whether nothing is left to do.
    pub(crate) fn is_finished(&self) -> bool {
        self.state.finished
    }

    /// One optimizer step with all that follows from it: record, evaluation, checkpoint. Where a device takes the step, its
    /// figures are told when the next one has been asked for, or before anything else follows from it.
    pub(crate) fn train_step(&mut self) -> Result<(), TrainerError> {
        let taken = self.take_step();
        // The step before it, while a device is at this one; what was wrong with that one came first.
        self.settle()?;
        let Some(mut taken) = taken? else { return self.end(Ending::Completed) };
        self.state.global_step += 1;
        self.state.epoch = self.loader.epoch() as f32;
        let ends = self.reached_the_end();
        taken.is_recorded = ends || self.step().is_multiple_of(self.run.arguments.logging_steps);
        self.state.evaluation_due = self.evaluates_now(ends);
        let goes_on = taken.is_late() && !ends && !self.state.evaluation_due && !self.saves_now();
        self.unsettled = Some(taken);
        if !goes_on {
            self.settle()?;
        }
        self.conclude_step()
    }

    /// Whether the evaluation of the present step is still to be made: before the first one, or where a stop came before it.
    pub(crate) fn owes_evaluation(&self) -> bool {
        self.state.evaluation_due
    }

    /// What follows from a step's figures: evaluation, end, checkpoint.
    pub(crate) fn conclude_step(&mut self) -> Result<(), TrainerError> {
        let stops = self.evaluate_when_due()?;
        match (self.reached_the_end(), stops) {
            (true, _) => self.end(Ending::Completed),
            (false, true) => self.end(Ending::StoppedEarly),
            (false, false) if self.saves_now() => self.save(),
            (false, false) => Ok(()),
        }
    }

    /// Asks for all of a step's work; `None` when nothing is left to do.
    fn take_step(&mut self) -> Result<Option<TakenStep>, TrainerError> {
        if self.reached_the_end() {
            return Ok(None);
        }
        let Some(sum) = self.accumulate()? else { return Ok(None) };
        let (step, sample_ids) = (self.step() + 1, sum.sample_ids.clone());
        self.update(sum).map(Some).inspect_err(|error| self.tell_batch(error, step, &sample_ids))
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
            best_global_step: self.state.best_global_step,
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
            let queued = QueuedBatch::of(self.module, &batch, Pass::Train { seed: self.batch_seed() });
            let queued = queued.inspect_err(|error| self.tell_batch(error, self.step() + 1, &sample_ids))?;
            if queued.is_known() || self.loader.wants_feedback() {
                let gradient =
                    queued.wait().inspect_err(|error| self.tell_batch(error, self.step() + 1, &sample_ids))?;
                refuse_not_finite(self.step() + 1, "loss", gradient.loss_sum, &sample_ids)?;
                self.loader.feedback(&gradient.metrics);
                sum.add(gradient, sample_ids)?;
            } else {
                sum.add_late(queued, sample_ids)?;
            }
            self.state.batches_seen += 1;
            self.state.num_input_tokens_seen += batch.iter().map(|sample| sample.tokens() as u64).sum::<u64>();
        }
        Ok((!sum.sample_ids.is_empty()).then_some(sum))
    }

    /// Moves the variables. Nothing moves when a gradient's norm is not finite, nor, where losses are known, when one is not.
    fn update(&mut self, mut sum: GradientAccumulator) -> Result<TakenStep, TrainerError> {
        let step = self.step() + 1;
        let num_tokens = self.state.num_input_tokens_seen;
        let rate = self.run.arguments.learning_rate_at(self.step(), self.stop.total_steps(self.step(), num_tokens));
        let variables = host_variables(self.module);
        let scale = 1.0 / sum.weight();
        let norm = if variables.is_empty() && self.module.device_parameters().is_some() {
            let squares = self.optimizer.step_clipped(rate, scale, self.run.arguments.max_grad_norm)?;
            Norm::Late { squares, scale }
        } else {
            add_late_values(&mut sum, step)?;
            Norm::Known(self.update_here(&mut sum, &variables, rate)?)
        };
        let epoch = self.loader.epoch() as f32;
        Ok(TakenStep { step, epoch, num_tokens, learning_rate: rate, sum, norm, is_recorded: false })
    }

    /// Moves variables whose gradients candle's tape gave, and those of a device with them; returns the gradient's norm.
    fn update_here(
        &mut self,
        sum: &mut GradientAccumulator,
        variables: &[(String, Var)],
        rate: f64,
    ) -> Result<f64, TrainerError> {
        let step = self.step() + 1;
        refuse_not_finite(step, "loss", sum.loss(), &sum.sample_ids)?;
        let mut gradients = sum.mean_gradients(variables)?;
        let scale = 1.0 / sum.weight();
        let squares = self.module.device_parameters().map_or(Ok(0.0), |device| device.squared_norm())?;
        let Clipped { norm, factor } =
            clip_gradients(&mut gradients, squares * scale * scale, self.run.arguments.max_grad_norm)?;
        refuse_not_finite(step, "grad_norm", norm, &sum.sample_ids)?;
        self.optimizer.step(&gradients, rate, scale * factor)?;
        Ok(norm)
    }

    /// Says which samples a device was at when it failed: what failed does not know them. Where it failed while the next step
    /// was being asked for, both are told. A figure that is not finite names its samples itself.
    fn tell_batch(&self, error: &TrainerError, step: u64, sample_ids: &[String]) {
        if device_of(self.module).computes_in_bf16() && !matches!(error, TrainerError::NotFinite { .. }) {
            let samples = sample_ids.join(", ");
            self.run.progress.note(&format!("the device was at step {step}, on these samples: {samples}"));
        }
    }

    fn reached_the_end(&self) -> bool {
        self.stop.reached(self.step(), self.state.num_input_tokens_seen)
    }

    /// Whether a checkpoint is due after the present step.
    fn saves_now(&self) -> bool {
        let every = self.run.arguments.save_steps;
        every > 0 && self.step() > 0 && self.step().is_multiple_of(every)
    }

    fn end(&mut self, ending: Ending) -> Result<(), TrainerError> {
        self.state.finished = true;
        if ending == Ending::StoppedEarly {
            self.run.progress.note(&format!("stopped early after step {}", self.step()));
        }
        self.save()
    }

    fn batch_seed(&self) -> u64 {
        stream_number(self.run.arguments.seed, &format!("batch/{}", self.state.batches_seen))
    }
}
