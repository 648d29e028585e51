//! Supervised training on tokens: the summed cross-entropy of the trained ones. Knows no text.

use std::path::Path;

use candle_core::Var;
use lam_data::Example;
use lam_model::{Decoder, Precision, Prefix, Target, TextRows};

use super::decoder::{check_shareable, hidden, pack, save_description, weights_file};
use super::plan::{BatchSize, decoder_plan};
use super::{BatchLoss, Pass, TrainModule};
use crate::{MemoryPlan, Metrics, Sample, TrainerError};

impl Sample for Example {
    fn id(&self) -> &str {
        &self.sample_id
    }

    fn tokens(&self) -> usize {
        self.input_ids.len()
    }

    /// The first token has nothing before it that could predict it.
    fn trained_tokens(&self) -> usize {
        self.loss_mask.iter().skip(1).filter(|trained| **trained).count()
    }

    /// All before the row that predicts the first trained token.
    fn beginning(&self) -> Option<Prefix<'_>> {
        let first = self.loss_mask.iter().skip(1).position(|trained| *trained).unwrap_or(0);
        Some(Prefix { text: &self.input_ids, shareable: first })
    }

    fn truncate(&mut self, max_length: usize) {
        self.input_ids.truncate(max_length);
        self.loss_mask.truncate(max_length);
    }
}

/// A decoder that learns the trained tokens of its examples.
pub struct SupervisedModule {
    decoder: Decoder,
    checkpointing: bool,
    share_prefixes: bool,
    frozen: Vec<String>,
}

impl SupervisedModule {
    /// A module around a decoder; what is trained is the decoder's own choice.
    pub fn new(decoder: Decoder) -> Self {
        Self { decoder, checkpointing: false, share_prefixes: false, frozen: Vec::new() }
    }

    /// As it is, but variables whose names contain one of `parts` keep their values.
    #[must_use]
    pub fn with_frozen(mut self, parts: &[String]) -> Self {
        self.frozen = parts.to_vec();
        self
    }

    /// The decoder as it is now.
    pub fn decoder(&self) -> &Decoder {
        &self.decoder
    }

    /// The trained decoder.
    pub fn into_decoder(self) -> Decoder {
        self.decoder
    }
}

impl TrainModule for SupervisedModule {
    type Sample = Example;

    fn loss(&mut self, batch: &[Example], pass: Pass) -> Result<BatchLoss, TrainerError> {
        let (packed, rows) = pack(batch, self.share_prefixes);
        let targets = targets(batch, &rows)?;
        let hidden = hidden(&self.decoder, &packed, pass)?;
        let (loss_sum, correct) = self.decoder.cross_entropy_counted(&hidden, &targets)?;
        let weight = targets.len() as f64;
        let metrics = Metrics::default().with("mean_token_accuracy", correct as f64, weight);
        Ok(BatchLoss { loss_sum, weight, metrics })
    }

    fn variables(&self) -> Vec<(String, Var)> {
        let mut variables = self.decoder.variables();
        variables.retain(|(name, _)| !self.frozen.iter().any(|part| name.contains(part)));
        variables
    }

    fn set_gradient_checkpointing(&mut self, on: bool) {
        self.checkpointing = on;
        self.decoder.set_gradient_checkpointing(on);
    }

    fn set_bf16(&mut self) -> Result<(), TrainerError> {
        Ok(self.decoder.set_precision(Precision::Bf16)?)
    }

    fn share_prefixes(&mut self, max_length: usize) -> Result<(), TrainerError> {
        check_shareable(&self.decoder, max_length)?;
        self.share_prefixes = true;
        Ok(())
    }

    fn weights_file(&self) -> &'static str {
        weights_file(&self.decoder)
    }

    fn save_description(&self, directory: &Path) -> Result<(), TrainerError> {
        save_description(&self.decoder, directory)
    }

    fn memory_plan(&self, longest_batch: &[Example]) -> MemoryPlan {
        decoder_plan(&self.decoder, BatchSize::of(longest_batch, self.share_prefixes), self.checkpointing)
    }
}

/// One target for each trained token: predicted from the position before it.
fn targets(batch: &[Example], rows: &[TextRows]) -> Result<Vec<Target>, TrainerError> {
    let mut targets = Vec::new();
    for (example, rows) in batch.iter().zip(rows) {
        let (ids, mask) = (&example.input_ids, &example.loss_mask);
        if ids.len() != mask.len() {
            let reason = format!("{} tokens, but {} marks of what is trained", ids.len(), mask.len());
            return Err(TrainerError::sample(&example.sample_id, reason));
        }
        let trained = (1..ids.len()).filter(|&place| mask[place]);
        targets.extend(trained.map(|place| Target { position: rows.row(place - 1), token: ids[place], weight: 1.0 }));
    }
    Ok(targets)
}
