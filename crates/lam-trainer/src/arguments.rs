//! The training arguments, under the names of Hugging Face's Trainer. Knows no model and no phase.

use std::path::{Path, PathBuf};

use lam_cuda::DeviceChoice;
use lam_learn::{AdamWConfig, Schedule, schedule_factor};
use lam_model::{Decoder, Precision};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::TrainerError;

/// Everything that the learning loop can be told. Counts of 0 mean "off" where a field says so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TrainingArguments {
    /// Highest learning rate.
    #[schemars(range(min = 0.0, max = 1e38))]
    pub learning_rate: f64,
    /// How it goes over the steps.
    pub lr_scheduler_type: Schedule,
    /// Steps of linear warm-up; takes precedence over `warmup_ratio`. 0: off.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub warmup_steps: u64,
    /// Share of all steps that is warm-up.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub warmup_ratio: f64,
    /// Passes over the data; may be a fraction. Ignored where `max_steps` or `max_tokens` is given.
    #[schemars(range(min = 0.0, max = 1e6))]
    pub num_train_epochs: f64,
    /// Optimizer steps, whatever the number of epochs. 0: off.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub max_steps: u64,
    /// Input tokens to read; the step that reaches it is the last. Unlike a time limit it is reproducible. 0: off.
    #[schemars(range(min = 0, max = 1_000_000_000_000_000_u64))]
    pub max_tokens: u64,
    /// Samples a micro-batch at most.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub per_device_train_batch_size: usize,
    /// Samples an evaluation batch at most.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub per_device_eval_batch_size: usize,
    /// Tokens a micro-batch at most; the batch ends at whichever limit comes first. 0: off.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub max_tokens_per_batch: usize,
    /// Compute what samples of a micro-batch begin with alike only once: the screen of an application, which most
    /// steps have in common. Losses and gradients stay the same; `max_tokens_per_batch` then counts what is computed, so
    /// more samples fit. Dropout draws once for what is shared.
    pub share_prefixes: bool,
    /// Micro-batches an optimizer step. The loss is normalised over the trained tokens of all of them.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub gradient_accumulation_steps: usize,
    /// Longest sample in tokens. A longer one is an error, unless `truncation` is set.
    #[schemars(range(min = 1, max = 16_777_216))]
    pub max_length: usize,
    /// Cut samples that are longer than `max_length` at their end.
    pub truncation: bool,
    /// Decoupled weight decay; never on norms and biases.
    #[schemars(range(min = 0.0, max = 1e3))]
    pub weight_decay: f64,
    /// First moment's decay.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub adam_beta1: f64,
    /// Second moment's decay.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub adam_beta2: f64,
    /// Added to the root of the second moment.
    #[schemars(range(max = 1.0), extend("exclusiveMinimum" = 0.0))]
    pub adam_epsilon: f64,
    /// Gradients are scaled down to this global norm. 0: off.
    #[schemars(range(min = 0.0, max = 1e9))]
    pub max_grad_norm: f64,
    /// Keep activations, and take matrix products, in bf16; what is trained, its moments and all sums stay f32. Frozen
    /// weights are kept in bf16 too.
    pub bf16: bool,
    /// Recompute activations in the backward pass, where the module knows how.
    pub gradient_checkpointing: bool,
    /// Steps between lines of `metrics.jsonl`.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub logging_steps: u64,
    /// Log `tokens_per_second` too; the files then differ from run to run.
    pub logging_timings: bool,
    /// Steps between evaluations; one more at the end. 0: only at the end.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub eval_steps: u64,
    /// Evaluate before the first step too: what training starts from then is a candidate for the best model.
    pub eval_on_start: bool,
    /// Steps between checkpoints; one more at the end. 0: only at the end and when stopped.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub save_steps: u64,
    /// Checkpoints kept, best and last always among them. 0: all.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub save_total_limit: usize,
    /// In which numbers the model is written, its adapter merged: `auto` takes bf16 where the files of the model that it
    /// starts from have all their matrices in bf16, else f32. In bf16, weights are rounded once more after the last
    /// evaluation of the training; what comes after the stage, evaluations among it, reads the rounded ones. Adapters and
    /// checkpoints are always f32.
    pub save_dtype: SaveDtype,
    /// End with the best evaluated checkpoint instead of the last. Saves at every evaluation.
    pub load_best_model_at_end: bool,
    /// The evaluation metric that says what is best, without its `eval_`.
    pub metric_for_best_model: String,
    /// Whether a higher value of that metric is better.
    pub greater_is_better: bool,
    /// Evaluations in a row without a better metric after which training stops. 0: off.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub early_stopping_patience: u64,
    /// Smallest change of the metric that counts as better.
    #[schemars(range(min = 0.0, max = 1e9))]
    pub early_stopping_threshold: f64,
    /// Run the longest batch once, forward and backward, before the first step, and compare what it took with the plan.
    /// Nothing of it stays.
    pub check_longest_batch_first: bool,
    /// Memory that training may use, in MiB, compared with the plan before the first step. 0: what the machine has.
    #[schemars(range(min = 0, max = 1_073_741_824))]
    pub max_memory_mib: u64,
    /// Seed of the data order, of dropout and of what is initialised: the stage's, so that it is not a setting.
    #[serde(skip)]
    pub seed: u64,
    /// Where it computes: the run's, so that it is not a setting.
    #[serde(skip)]
    pub device: DeviceChoice,
    /// The checkpoint from which it resumes, instead of the last one: the run's too.
    #[serde(skip)]
    pub resume_from_checkpoint: Option<PathBuf>,
}

/// In which numbers a trained model is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SaveDtype {
    /// In those of the model that training started from.
    #[default]
    Auto,
    /// In 32 bits.
    F32,
    /// In bfloat16, 16 bits.
    Bf16,
}

impl SaveDtype {
    /// In which numbers this decoder is written.
    pub fn precision(self, decoder: &Decoder) -> Precision {
        self.of(decoder.saved_in())
    }

    /// In which numbers a model is written that started from one in `start`.
    pub fn of(self, start: Precision) -> Precision {
        match self {
            Self::Auto => start,
            Self::F32 => Precision::F32,
            Self::Bf16 => Precision::Bf16,
        }
    }
}

impl Default for TrainingArguments {
    fn default() -> Self {
        Self {
            learning_rate: 2e-4,
            lr_scheduler_type: Schedule::default(),
            warmup_steps: 0,
            warmup_ratio: 0.03,
            num_train_epochs: 3.0,
            max_steps: 0,
            max_tokens: 0,
            per_device_train_batch_size: 8,
            per_device_eval_batch_size: 16,
            max_tokens_per_batch: 0,
            share_prefixes: false,
            gradient_accumulation_steps: 1,
            max_length: 2048,
            truncation: false,
            weight_decay: 0.0,
            adam_beta1: 0.9,
            adam_beta2: 0.999,
            adam_epsilon: 1e-8,
            max_grad_norm: 1.0,
            bf16: false,
            gradient_checkpointing: false,
            logging_steps: 10,
            logging_timings: false,
            eval_steps: 0,
            eval_on_start: false,
            save_steps: 500,
            save_total_limit: 2,
            save_dtype: SaveDtype::Auto,
            load_best_model_at_end: false,
            metric_for_best_model: "loss".into(),
            greater_is_better: false,
            early_stopping_patience: 0,
            early_stopping_threshold: 0.0,
            check_longest_batch_first: true,
            max_memory_mib: 0,
            seed: 42,
            device: DeviceChoice::Cpu,
            resume_from_checkpoint: None,
        }
    }
}

impl TrainingArguments {
    /// The paper's supervised training (§5.1.1): lr 2e-5, cosine with 2 warm-up steps, batch 16, 3 epochs.
    pub fn of_the_paper() -> Self {
        Self {
            learning_rate: 2e-5,
            warmup_steps: 2,
            per_device_train_batch_size: 16,
            num_train_epochs: 3.0,
            ..Self::default()
        }
    }

    /// Tokens above which a sample is refused; `None` where it is cut instead.
    pub fn longest_sample(&self) -> Option<usize> {
        (!self.truncation).then_some(self.max_length)
    }

    /// The same in a run: with its seed, where it computes, and the checkpoint from which it resumes if one was named.
    #[must_use]
    pub fn in_run(&self, seed: u64, device: DeviceChoice, resume: Option<&Path>) -> Self {
        Self { seed, device, resume_from_checkpoint: resume.map(Path::to_owned), ..self.clone() }
    }

    /// What a run is told, with its seed: as it stands beside a checkpoint.
    pub(crate) fn record(&self) -> Map<String, Value> {
        let Value::Object(mut fields) = serde_json::to_value(self).expect("plain data serialises") else {
            unreachable!("a struct serialises as an object")
        };
        fields.insert("seed".to_owned(), self.seed.into());
        fields
    }

    /// Learning rate of the step with this index, from 0, of `total` steps.
    pub(crate) fn learning_rate_at(&self, step: u64, total: u64) -> f64 {
        let warmup = match self.warmup_steps {
            0 => (total as f64 * self.warmup_ratio).ceil() as u64,
            steps => steps,
        };
        self.learning_rate * schedule_factor(self.lr_scheduler_type, step, warmup, total)
    }

    /// AdamW's part of the arguments.
    pub(crate) fn adamw(&self) -> AdamWConfig {
        let (beta1, beta2, eps) = (self.adam_beta1, self.adam_beta2, self.adam_epsilon);
        AdamWConfig { beta1, beta2, eps, weight_decay: self.weight_decay }
    }

    /// Refuses values that cannot be meant.
    ///
    /// # Errors
    /// Names the argument, its value and what it must be.
    pub fn check(&self) -> Result<(), TrainerError> {
        let table = lam_config::config_to_table(self)?;
        lam_config::check_ranges(schemars::schema_for!(Self).as_value(), &table)?;
        let ends = self.max_steps > 0 || self.max_tokens > 0 || self.num_train_epochs > 0.0;
        if ends {
            return Ok(());
        }
        Err(TrainerError::Arguments {
            key: "num_train_epochs",
            value: self.num_train_epochs.to_string(),
            reason: "must be above 0 without `max_steps` or `max_tokens`".to_owned(),
            hint: "",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_fine_and_a_bad_value_is_named() {
        TrainingArguments::default().check().unwrap();
        let bad = TrainingArguments { learning_rate: f64::NAN, ..Default::default() };
        assert!(bad.check().unwrap_err().to_string().contains("`learning_rate` = nan: must be from 0"));
    }

    #[test]
    fn an_unknown_key_is_refused() {
        let error = serde_json::from_str::<TrainingArguments>(r#"{"learning_rte": 1.0}"#).unwrap_err();
        assert!(error.to_string().contains("learning_rte"), "{error}");
    }
}
