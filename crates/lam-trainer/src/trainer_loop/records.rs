//! What a run in progress tells: records, evaluations with what follows from them, progress.

use std::collections::BTreeMap;

use super::TrainerLoop;
use super::taken::TakenStep;
use crate::{LogRecord, Metrics, TrainModule, TrainerError, evaluate};

/// Name of the metrics' file: one line a record, under the names of Hugging Face and TRL. Holds no timings unless asked to,
/// so that the same run writes the same bytes.
pub const METRICS_FILE: &str = "metrics.jsonl";

impl<M: TrainModule> TrainerLoop<'_, M> {
    /// A record of the means since the last one.
    pub(super) fn record_training(&mut self, taken: &TakenStep) -> Result<(), TrainerError> {
        let means = self.state.since_last_record.take();
        let mut values: BTreeMap<String, f32> =
            means.means().map(|(name, mean)| (name.to_owned(), mean as f32)).collect();
        values.insert("learning_rate".into(), taken.learning_rate as f32);
        if self.run.arguments.logging_timings {
            values.insert("tokens_per_second".into(), self.tokens_per_second() as f32);
        }
        let TakenStep { step, epoch, num_tokens, .. } = *taken;
        self.write_record(LogRecord { global_step: step, epoch, num_tokens, values })
    }

    fn write_record(&mut self, record: LogRecord) -> Result<(), TrainerError> {
        self.log.append(&record)?;
        self.run.progress.figures(self.run.output, record.global_step, &record.values);
        self.state.log_history.push(record);
        Ok(())
    }

    /// Whether an evaluation is due after the present step.
    pub(super) fn evaluates_now(&self, at_the_end: bool) -> bool {
        let every = self.run.arguments.eval_steps;
        let due = at_the_end || (every > 0 && self.step().is_multiple_of(every));
        due && !self.evaluation.is_empty()
    }

    /// Evaluates if it is due; says whether training should stop early. Due it stays until its figures are there: what is
    /// saved before that makes the next run evaluate.
    pub(super) fn evaluate_when_due(&mut self) -> Result<bool, TrainerError> {
        if !self.state.evaluation_due {
            return Ok(false);
        }
        let means = self.evaluated()?;
        self.state.evaluation_due = false;
        let values = means.means().map(|(name, mean)| (format!("eval_{name}"), mean as f32)).collect();
        self.run.progress.note(&format!("step {}: {}", self.step(), describe(&means)));
        let (global_step, epoch) = (self.step(), self.state.epoch);
        self.write_record(LogRecord { global_step, epoch, num_tokens: self.state.num_input_tokens_seen, values })?;
        self.judge(&means)
    }

    /// The figures of the module as it is now: over held-out samples, and the evaluator's.
    fn evaluated(&mut self) -> Result<Metrics, TrainerError> {
        let step = self.step();
        let means = evaluate(self.module, self.evaluation.samples, self.run.arguments);
        let mut means = means.map_err(|error| error.at_step(step))?;
        if let Some(evaluator) = &mut self.evaluation.evaluator {
            means.merge(&evaluator.evaluate(self.module, step).map_err(TrainerError::Evaluation)?);
            // It may have shown progress of its own.
            self.begin_progress();
        }
        Ok(means)
    }

    /// Compares with the best so far, keeps a better model, and says whether patience is at its end.
    fn judge(&mut self, means: &Metrics) -> Result<bool, TrainerError> {
        let arguments = self.run.arguments;
        let name = &arguments.metric_for_best_model;
        let metric = means.mean(name).ok_or_else(|| TrainerError::Arguments {
            key: "metric_for_best_model",
            value: name.clone(),
            reason: format!("the evaluation knows {}", describe(means)),
            hint: "",
        })? as f32;
        let gain = match self.state.best_metric {
            None => f64::INFINITY,
            Some(best) => f64::from(if arguments.greater_is_better { metric - best } else { best - metric }),
        };
        // As in Hugging Face's callback: any gain makes a new best, one above the threshold renews patience.
        let progress = gain > arguments.early_stopping_threshold;
        self.state.evaluations_without_progress =
            if progress { 0 } else { self.state.evaluations_without_progress + 1 };
        if gain > 0.0 {
            self.state.best_metric = Some(metric);
        }
        if gain > 0.0 && arguments.load_best_model_at_end {
            self.state.best_global_step = Some(self.step());
            self.save()?;
        }
        let patience = arguments.early_stopping_patience;
        Ok(patience > 0 && self.state.evaluations_without_progress >= patience)
    }

    pub(super) fn report(&self, taken: &TakenStep, metrics: &Metrics) {
        let loss = metrics.mean("loss").unwrap_or_default();
        let figures = format!("loss {loss:.4}, {:.0} tokens/s", self.tokens_per_second());
        match self.stop.tokens {
            Some(_) => self.run.progress.advance(taken.num_tokens, &format!("step {}, {figures}", taken.step)),
            None => self.run.progress.advance(taken.step, &figures),
        }
    }

    fn tokens_per_second(&self) -> f64 {
        let tokens = self.state.num_input_tokens_seen - self.clock.tokens_then;
        tokens as f64 / self.clock.started.elapsed().as_secs_f64().max(1e-9)
    }
}

/// Means in a line, by name.
fn describe(means: &Metrics) -> String {
    means.means().map(|(name, mean)| format!("{name} {mean:.4}")).collect::<Vec<_>>().join(", ")
}
