//! Direct preference optimisation as a train module: pairs of answers to one state, and successes that are imitated
//! beside them as an anchor. Every example weighs the same: a pair −log σ(β Δ) + a · NLL of its better answer, a
//! success a · NLL, with the anchor a and the NLL a mean over the answer's tokens.

use candle_core::{DType, Device, Tensor, Var};
use lam_learn::{answer_sums, imitation_loss, preference_loss};
use lam_model::Decoder;
use lam_trainer::{Backbone, BatchLoss, Metrics, Pass, TrainModule, TrainerError};

use crate::preference::PreferenceExample;
use crate::rollout::Rollout;

/// The policy under training, and the weights of its loss.
pub struct DpoModule {
    backbone: Backbone,
    beta: f64,
    anchor: f64,
}

/// Places among the answers of a batch.
#[derive(Default)]
struct Places {
    /// Better answers of pairs.
    chosen: Vec<u32>,
    /// Worse ones, in the same order.
    rejected: Vec<u32>,
    /// All that is imitated: the better answers, and successes by themselves.
    imitated: Vec<bool>,
}

impl Places {
    fn of(batch: &[PreferenceExample]) -> Self {
        let mut places = Self::default();
        for example in batch {
            let place = places.imitated.len() as u32;
            places.imitated.push(true);
            if example.rejected.is_some() {
                places.chosen.push(place);
                places.rejected.push(place + 1);
                places.imitated.push(false);
            }
        }
        places
    }
}

impl DpoModule {
    /// A module that starts from LAM3 with a fresh adapter, held to it by `beta` and to successes by `anchor`.
    pub fn new(decoder: Decoder, beta: f64, anchor: f64) -> Self {
        Self { backbone: Backbone::new(decoder), beta, anchor }
    }

    /// The trained policy.
    pub fn into_decoder(self) -> Decoder {
        self.backbone.into_decoder()
    }

    /// Sum of the losses of the pairs. Shape: [].
    fn preference(
        &self,
        sums_a: &Tensor,
        (batch, places): (&[PreferenceExample], &Places),
        metrics: &mut Metrics,
    ) -> Result<Tensor, TrainerError> {
        let reference: Vec<f32> = batch.iter().flat_map(PreferenceExample::texts).map(reference_logprob).collect();
        let reference_a = Tensor::from_vec(reference, places.imitated.len(), &Device::Cpu)?;
        let at = |of: &Tensor, places: &[u32]| of.index_select(&Tensor::new(places, &Device::Cpu)?, 0);
        let policy = (at(sums_a, &places.chosen)?, at(sums_a, &places.rejected)?);
        let reference = (at(&reference_a, &places.chosen)?, at(&reference_a, &places.rejected)?);
        let found = preference_loss((&policy.0, &policy.1), (&reference.0, &reference.1), self.beta)?;
        let pairs = places.chosen.len() as f64;
        metrics.add("loss/preference_avg", f64::from(found.loss.to_scalar::<f32>()?) * pairs, pairs);
        for (&chosen, &rejected) in found.rewards_chosen.iter().zip(&found.rewards_rejected) {
            metrics.add("rewards/chosen", f64::from(chosen), 1.0);
            metrics.add("rewards/rejected", f64::from(rejected), 1.0);
            metrics.add("rewards/margins", f64::from(chosen - rejected), 1.0);
            metrics.add("rewards/accuracies", f64::from(u8::from(chosen > rejected)), 1.0);
        }
        Ok((found.loss * pairs)?)
    }
}

/// log p of an answer under LAM3, in nats.
fn reference_logprob(rollout: &Rollout) -> f32 {
    rollout.reference_logprobs.iter().sum()
}

impl TrainModule for DpoModule {
    type Sample = PreferenceExample;

    fn loss(&self, batch: &[PreferenceExample], pass: Pass) -> Result<BatchLoss, TrainerError> {
        let (packed, places) = (self.backbone.pack(batch), Places::of(batch));
        let hidden = self.backbone.forward(&packed.batch, pass)?;
        let logprobs = self.backbone.decoder().token_logprobs(&hidden, &packed.rows, &packed.tokens, 1.0)?;
        let lengths = batch.iter().flat_map(PreferenceExample::texts).map(|rollout| rollout.response_ids().len());
        let lengths: Vec<usize> = lengths.collect();
        let mut metrics = Metrics::default();
        let mut loss_sum = Tensor::zeros((), DType::F32, &Device::Cpu)?;
        if !places.chosen.is_empty() {
            let sums_a = answer_sums(&logprobs, &lengths)?;
            loss_sum = (loss_sum + self.preference(&sums_a, (batch, &places), &mut metrics)?)?;
        }
        if self.anchor > 0.0 {
            let (rows, lengths) = imitated_rows(&lengths, &places.imitated);
            let loss = imitation_loss(&logprobs.index_select(&Tensor::new(rows, &Device::Cpu)?, 0)?, &lengths)?;
            let answers = lengths.len() as f64;
            metrics.add("loss/imitation_avg", f64::from(loss.to_scalar::<f32>()?) * answers, answers);
            loss_sum = (loss_sum + (loss * (self.anchor * answers))?)?;
        }
        Ok(BatchLoss { loss_sum: loss_sum.into(), weight: batch.len() as f64, metrics })
    }

    fn variables(&self) -> Vec<(String, Var)> {
        self.backbone.decoder().variables()
    }

    fn backbone(&self) -> Option<&Backbone> {
        Some(&self.backbone)
    }

    fn backbone_mut(&mut self) -> Option<&mut Backbone> {
        Some(&mut self.backbone)
    }
}

/// The places of the tokens of answers that are imitated, and the lengths of those.
fn imitated_rows(lengths: &[usize], is_imitated: &[bool]) -> (Vec<u32>, Vec<usize>) {
    let (mut rows, mut kept, mut start) = (Vec::new(), Vec::new(), 0);
    for (&length, &is_imitated) in lengths.iter().zip(is_imitated) {
        if is_imitated {
            rows.extend((start..start + length).map(|row| row as u32));
            kept.push(length);
        }
        start += length;
    }
    (rows, kept)
}
