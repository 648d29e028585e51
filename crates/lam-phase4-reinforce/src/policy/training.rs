//! A training run of the policy, whatever its method: evaluated by dev tasks where there are any, and written as LAM4.

use lam_model::Decoder;
use lam_trainer::{
    DataLoader, Ending, Evaluation, Evaluator, Identity, TRAINING_DIRECTORY, TrainModule, TrainOutcome, TrainRun,
    TrainingArguments, copy_companions, train_evaluated, write_model,
};
use serde_json::{Value, json};

use super::PolicyIo;
use super::dev::{DevEvaluator, DevTasks, SUCCESS_RATE};
use crate::{PolicyConfig, ReinforceError};

/// What a method's run is made of, besides its module and its data.
pub struct Training<'a> {
    /// The stage's settings.
    pub config: &'a PolicyConfig,
    /// What the stage reads and writes.
    pub io: &'a PolicyIo<'a>,
    /// What the loop is told.
    pub arguments: TrainingArguments,
    /// What the run is made from.
    pub identity: Identity,
    /// What is played meanwhile, if anything.
    pub dev: Option<DevTasks>,
}

/// What came of a run.
pub struct Trained {
    /// As the loop tells it.
    pub outcome: TrainOutcome,
    /// What the dev tasks say, for the manifest; `null` where none were played.
    pub dev: Value,
}

impl Training<'_> {
    /// Trains to the end, below the stage's directory, and writes LAM4: the policy of the last step; where dev tasks are
    /// played, that of the best one, which may be LAM3.
    ///
    /// # Errors
    /// As the loop, an evaluation that fails, or an unwritable directory.
    pub fn run<M: TrainModule>(
        mut self,
        mut module: M,
        loader: &mut dyn DataLoader<M::Sample>,
        decoder_of: impl FnOnce(M) -> Decoder,
    ) -> Result<Trained, ReinforceError> {
        if let Some(dev) = &self.dev {
            self.identity.insert("dev_tasks".into(), dev.hash(self.io.app));
        }
        let mut evaluator = self.evaluator()?;
        let evaluator = evaluator.as_mut().map(|evaluator| evaluator as &mut dyn Evaluator<M>);
        let run = TrainRun {
            arguments: &self.arguments,
            output: &self.io.output.join(TRAINING_DIRECTORY),
            identity: &self.identity,
            progress: self.io.progress,
            cancel: self.io.cancel,
        };
        let outcome = train_evaluated(&mut module, loader, Evaluation { samples: &[], evaluator }, &run)?;
        match outcome.best_global_step {
            Some(0) => self.write_start()?,
            _ => {
                let places = (self.io.model.tokenizer_directory(), self.io.output);
                write_model(decoder_of(module), self.config.train.save_dtype, places)?;
            }
        }
        let dev = self.dev.as_ref().map(|dev| told(dev, &outcome, self.io));
        Ok(Trained { outcome, dev: dev.unwrap_or_default() })
    }

    /// Who plays the dev tasks.
    fn evaluator(&self) -> Result<Option<DevEvaluator<'_>>, ReinforceError> {
        let Some(dev) = &self.dev else { return Ok(None) };
        let made_from = serde_json::to_string(&(&self.identity, &self.arguments, self.io.seed));
        let run = lam_store::hash_bytes(made_from.expect("plain data serialises").as_bytes());
        DevEvaluator::new((dev, &self.config.dev), self.io, run).map(Some)
    }

    /// Writes LAM3 as LAM4, its own weights and not those that an adapter without effect was trained over, which may have
    /// been rounded. There is no adapter to write.
    fn write_start(&self) -> Result<(), ReinforceError> {
        let mut start = self.io.model.load_to_save()?;
        let precision = self.config.train.save_dtype.precision(&start);
        if start.lora().is_some() {
            start.merge_adapter()?;
        }
        start.save_in(precision, self.io.output)?;
        Ok(copy_companions(self.io.model.tokenizer_directory(), self.io.output)?)
    }
}

/// What training added at the dev tasks, for people and for the manifest.
fn told(dev: &DevTasks, outcome: &TrainOutcome, io: &PolicyIo<'_>) -> Value {
    let plays = outcome.series(&format!("eval_{SUCCESS_RATE}"));
    let at = |step| plays.iter().find(|(played, _)| *played == step).map_or(f32::NAN, |(_, rate)| *rate);
    let best_step = outcome.best_global_step.unwrap_or(outcome.global_step);
    let (start, best, tasks) = (at(0), at(best_step), dev.tasks.len());
    io.progress.note(&match best_step {
        0 => format!("best at step 0: LAM3 is kept; it solves {:.1} % of {tasks} dev tasks", 100.0 * start),
        step => format!(
            "best at step {step}: {:.1} % of {tasks} dev tasks are solved, by LAM3 {:.1} %",
            100.0 * best,
            100.0 * start
        ),
    });
    let curve = plays.iter().map(|(step, rate)| json!({ "step": step, "success_rate": rounded(*rate) }));
    json!({
        "tasks": tasks,
        "skipped": dev.skipped,
        "plays": curve.collect::<Vec<_>>(),
        "success_rate_of_lam3": rounded(start),
        "best_step": best_step,
        "best_success_rate": rounded(best),
        "gain": rounded(best - start),
        "lam3_is_kept": best_step == 0,
        "stopped_early": outcome.ending == Ending::StoppedEarly,
    })
}

/// A share to four digits.
fn rounded(share: f32) -> f64 {
    (f64::from(share) * 1e4).round() / 1e4
}
