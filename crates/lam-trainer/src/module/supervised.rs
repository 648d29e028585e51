//! Supervised training on tokens: the summed cross-entropy of the trained ones. Knows no text.

use candle_core::Var;
use lam_data::Example;
use lam_model::{Answer, Decoder, Target};

use super::{BatchLoss, TrainModule};
use crate::{Backbone, LossSum, Metrics, Pass, Sample, TrainerError};

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

    fn answers(&self) -> Vec<Answer<'_>> {
        vec![Answer::marked(&self.input_ids, &self.loss_mask)]
    }

    fn truncate(&mut self, max_length: usize) {
        self.input_ids.truncate(max_length);
        self.loss_mask.truncate(max_length);
    }
}

/// A decoder that learns the trained tokens of its examples.
pub struct SupervisedModule {
    backbone: Backbone,
    frozen: Vec<String>,
}

impl SupervisedModule {
    /// A module around a decoder; what is trained is the decoder's own choice.
    pub fn new(decoder: Decoder) -> Self {
        Self { backbone: Backbone::new(decoder), frozen: Vec::new() }
    }

    /// As it is, but variables whose names contain one of `parts` keep their values.
    #[must_use]
    pub fn with_frozen(mut self, parts: &[String]) -> Self {
        self.frozen = parts.to_vec();
        self
    }

    /// The trained decoder.
    pub fn into_decoder(self) -> Decoder {
        self.backbone.into_decoder()
    }
}

impl TrainModule for SupervisedModule {
    type Sample = Example;

    fn loss(&self, batch: &[Example], pass: Pass) -> Result<BatchLoss, TrainerError> {
        batch.iter().try_for_each(refuse_uneven)?;
        let packed = self.backbone.pack(batch);
        let target = |(&position, &token)| Target { position, token, weight: 1.0 };
        let targets: Vec<Target> = packed.rows.iter().zip(&packed.tokens).map(target).collect();
        let hidden = self.backbone.forward(&packed.batch, pass)?;
        let loss_sum = LossSum::CrossEntropy(self.backbone.decoder().cross_entropy_late(&hidden, &targets)?);
        Ok(BatchLoss { loss_sum, weight: targets.len() as f64, metrics: Metrics::default() })
    }

    fn variables(&self) -> Vec<(String, Var)> {
        let mut variables = self.backbone.decoder().variables();
        variables.retain(|(name, _)| !self.frozen.iter().any(|part| name.contains(part)));
        variables
    }

    fn backbone(&self) -> Option<&Backbone> {
        Some(&self.backbone)
    }

    fn backbone_mut(&mut self) -> Option<&mut Backbone> {
        Some(&mut self.backbone)
    }
}

/// Refuses an example whose marks are not one a token.
fn refuse_uneven(example: &Example) -> Result<(), TrainerError> {
    let (tokens, marks) = (example.input_ids.len(), example.loss_mask.len());
    if tokens == marks {
        return Ok(());
    }
    Err(TrainerError::sample(&example.sample_id, format!("{tokens} tokens, but {marks} marks of what is trained")))
}
