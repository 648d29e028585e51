//! How many samples go into one micro-batch, and how many rows the model computes for them.

use lam_model::{Prefix, shared_rows};

use crate::{Sample, TrainingArguments};

/// Limits of a micro-batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    samples: usize,
    rows: usize,
    share_prefixes: bool,
}

impl Limits {
    /// Those of training.
    pub(crate) fn training(arguments: &TrainingArguments) -> Self {
        Self::of(arguments.per_device_train_batch_size, arguments)
    }

    /// Those of evaluation.
    pub(crate) fn evaluation(arguments: &TrainingArguments) -> Self {
        Self::of(arguments.per_device_eval_batch_size, arguments)
    }

    fn of(samples: usize, arguments: &TrainingArguments) -> Self {
        let rows = match arguments.max_tokens_per_batch {
            0 => usize::MAX,
            tokens => tokens,
        };
        Self { samples, rows, share_prefixes: arguments.share_prefixes }
    }

    /// How many of the first samples make a batch; at least one of them.
    pub(crate) fn fill<'s, S: Sample + 's>(&self, samples: impl Iterator<Item = &'s S>) -> usize {
        let (mut batch, mut tokens) = (Vec::new(), 0);
        for sample in samples.take(self.samples) {
            batch.push(sample);
            tokens += sample.tokens();
            if batch.len() > 1 && tokens > self.rows && rows_of(&batch, self.share_prefixes) > self.rows {
                return batch.len() - 1;
            }
        }
        batch.len()
    }
}

/// Rows that the model computes for a batch: its tokens, but for what samples share.
pub(crate) fn rows_of<S: Sample>(batch: &[&S], share_prefixes: bool) -> usize {
    let prefixes: Vec<Prefix<'_>> = match share_prefixes {
        true => batch.iter().flat_map(|sample| sample.answers()).map(|answer| answer.prefix()).collect(),
        false => Vec::new(),
    };
    match prefixes.is_empty() {
        true => batch.iter().map(|sample| sample.tokens()).sum(),
        false => shared_rows(&prefixes),
    }
}
