//! The decoder: weights, modes of training, and what is computed with them. Knows tokens, not words.

mod adapter;
pub(crate) mod build;
mod device;
mod hidden;
mod loss;
pub(crate) mod network;
mod on_cuda;
mod peft;
mod weights;

use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{Tensor, Var};

use crate::Precision;
use crate::backend::ops::cross_entropy::{self, cross_entropy};
use crate::backend::ops::log_probs::LogProbs;
use crate::backend::ops::rope::Rope;
use crate::backend::run::{Heads, Run};
use crate::backend::storage;
pub(crate) use crate::backend::storage::linear::{Linear, LoraPair};
use crate::backend::storage::weight::Weight;
use crate::batch::check_tokens;
use crate::token_set::Allowed;
use crate::{Answer, AnswerBatch, DecoderConfig, LoraConfig, ModelError, PackedBatch, Prefix, Rounding, Target};
pub use hidden::Hidden;
pub(crate) use hidden::States;
pub use loss::CrossEntropy;
pub(crate) use on_cuda::OnCuda;
pub(crate) use weights::{Block, Stack};

/// A decoder for training and generation.
#[derive(Clone, Debug)]
pub struct Decoder {
    pub(crate) config: DecoderConfig,
    pub(crate) stack: Arc<Stack>,
    /// The output layer, where it is not the embedding.
    pub(crate) head: Option<Weight>,
    pub(crate) lora: Option<LoraConfig>,
    /// Fingerprint of the files that the weights were read from.
    pub(crate) base: Option<String>,
    /// The type in which these files have matrices.
    saved_in: Precision,
    rounding: Rounding,
    /// The part of an adapter that was folded into the weights because it is no pair beside them.
    folded: Option<&'static str>,
    rope: Arc<Mutex<Arc<Rope>>>,
    precision: Precision,
    checkpointing: bool,
    /// Its network on a CUDA device, where it was brought to one.
    on_cuda: Option<Arc<OnCuda>>,
}

/// What a forward pass is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A backward pass follows: what it needs is kept on candle's tape.
    Train {
        /// Where the adapter's dropout is drawn from; without it, nothing is dropped.
        dropout_seed: Option<u64>,
    },
    /// Nothing is kept and nothing is dropped.
    Evaluate,
}

impl Decoder {
    /// Its shape.
    pub fn config(&self) -> &DecoderConfig {
        &self.config
    }

    /// The type in which the files that it was read from have its matrices: bf16 where all are, else f32.
    pub fn saved_in(&self) -> Precision {
        self.saved_in
    }

    /// The adapter's description, if it carries one.
    pub fn lora(&self) -> Option<&LoraConfig> {
        self.lora.as_ref()
    }

    /// Whether activations inside a block are computed again in the backward instead of being kept.
    pub fn set_gradient_checkpointing(&mut self, on: bool) {
        self.checkpointing = on;
    }

    /// Precision of the activations and matrix products.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// Sets the precision. In bf16, frozen weights are stored in bf16 too, for good; what is trained stays f32 and is
    /// rounded on its way into each product.
    ///
    /// # Errors
    /// When the weights cannot be read.
    pub fn set_precision(&mut self, precision: Precision) -> Result<(), ModelError> {
        self.precision = precision;
        if precision == Precision::Bf16 { self.round_to_bf16() } else { Ok(()) }
    }

    /// Stores in bf16 what is frozen and not stored in fewer bits.
    pub(crate) fn round_to_bf16(&mut self) -> Result<(), ModelError> {
        self.rounding.bf16 = true;
        let stack = Arc::make_mut(&mut self.stack);
        stack.embedding.store_in_bf16()?;
        for linear in stack.blocks.iter_mut().flat_map(|block| &mut block.linears) {
            linear.weight.store_in_bf16()?;
        }
        Ok(self.head.iter_mut().try_for_each(Weight::store_in_bf16)?)
    }

    /// Packs texts and their answers so that texts that begin alike share rows, where the sliding window lets them: see
    /// [`PackedBatch::sharing`].
    pub fn pack_answers(&self, answers: &[Answer<'_>]) -> AnswerBatch {
        let fits = |text: &Prefix<'_>| self.config.window().is_none_or(|window| text.text.len() <= window);
        let shareable = |text: &Prefix<'_>| if fits(text) { text.shareable } else { 0 };
        let prefixes = answers.iter().map(Answer::prefix);
        let texts: Vec<_> = prefixes.map(|text| Prefix { shareable: shareable(&text), ..text }).collect();
        AnswerBatch::of(answers, PackedBatch::sharing(&texts))
    }

    /// Hidden states after the final norm. Shape: [T, D].
    ///
    /// # Errors
    /// When the batch's lengths do not add up or a token is outside the embedding.
    pub fn forward(&self, batch: &PackedBatch, mode: Mode) -> Result<Hidden, ModelError> {
        let (run, keep) = match mode {
            Mode::Train { dropout_seed } => (self.run(batch, dropout_seed)?, true),
            Mode::Evaluate => (self.run(batch, None)?, false),
        };
        if let Some(on_cuda) = &self.on_cuda {
            return Ok(Hidden { states: States::Cuda(on_cuda.clone().hidden(run, keep)?) });
        }
        let network = self.stack.on_cpu(self.checkpointing);
        Ok(Hidden::on_cpu(network.hidden(run, self.stack.weights(), (keep, self.stack.width))?))
    }

    /// Sum over the targets of weight × cross-entropy. Shape: [].
    ///
    /// # Errors
    /// When a target is outside the hidden states or the vocabulary.
    pub fn cross_entropy(&self, hidden: &Hidden, targets: &[Target]) -> Result<Tensor, ModelError> {
        Ok(self.cross_entropy_counted(hidden, targets)?.0)
    }

    /// As [`Decoder::cross_entropy`], and for how many targets the token was the most probable one.
    ///
    /// # Errors
    /// As [`Decoder::cross_entropy`].
    pub fn cross_entropy_counted(&self, hidden: &Hidden, targets: &[Target]) -> Result<(Tensor, usize), ModelError> {
        self.check_targets(hidden, targets)?;
        match &hidden.states {
            States::Cpu(hidden) => {
                let (loss, statistics) = cross_entropy(hidden, self.output(), targets, self.precision)?;
                Ok((loss, statistics.correct))
            }
            States::Cuda(hidden) => Ok(hidden.cross_entropy(targets)?),
        }
    }

    /// The same, without waiting for a device that computes it: the value may come later than the backward.
    ///
    /// # Errors
    /// As [`Decoder::cross_entropy`].
    pub fn cross_entropy_late(&self, hidden: &Hidden, targets: &[Target]) -> Result<CrossEntropy, ModelError> {
        self.check_targets(hidden, targets)?;
        match &hidden.states {
            States::Cpu(hidden) => {
                let (tape, statistics) = cross_entropy(hidden, self.output(), targets, self.precision)?;
                Ok(CrossEntropy::known(tape, statistics))
            }
            States::Cuda(states) => {
                let (tape, numbers) = states.cross_entropy_late(targets)?;
                Ok(CrossEntropy::late(tape, numbers))
            }
        }
    }

    /// Log-probability of a token after each position, with logits divided by `temperature`. Shape: `[N]`.
    ///
    /// # Errors
    /// As [`Decoder::cross_entropy`].
    pub fn token_logprobs(
        &self,
        hidden: &Hidden,
        positions: &[usize],
        tokens: &[u32],
        temperature: f32,
    ) -> Result<Tensor, ModelError> {
        Ok(self.token_logprobs_and_entropies(hidden, positions, tokens, temperature)?.0)
    }

    /// The same of what is drawn where only some tokens may follow, as under a constraint on the answer: the softmax is
    /// over these alone. `allowed` has N entries. Shape: `[N]`.
    ///
    /// # Errors
    /// As [`Decoder::cross_entropy`], and where a token may not follow.
    pub fn token_logprobs_among(
        &self,
        hidden: &Hidden,
        (positions, tokens): (&[usize], &[u32]),
        allowed: &[Allowed],
        temperature: f32,
    ) -> Result<Tensor, ModelError> {
        if allowed.len() != tokens.len() {
            let (n, sets) = (tokens.len(), allowed.len());
            return Err(ModelError::batch(format!("{n} tokens and {sets} sets of what may follow"), ""));
        }
        for (place, (&token, allowed)) in tokens.iter().zip(allowed).enumerate() {
            if allowed.as_ref().is_some_and(|allowed| !allowed.contains(token)) {
                return Err(ModelError::batch(
                    format!("token {token}, the {place}th, is not among those that may follow"),
                    "",
                ));
            }
        }
        let allowed = if allowed.iter().any(Option::is_some) { allowed } else { &[] };
        Ok(self.logprobs_and_entropies(hidden, (positions, tokens), allowed, temperature)?.0)
    }

    /// Log-probability of a token after each position, and the entropy there, with logits divided by `temperature`.
    /// Shapes: `[N]`, `[N]`.
    ///
    /// # Errors
    /// As [`Decoder::cross_entropy`].
    pub fn token_logprobs_and_entropies(
        &self,
        hidden: &Hidden,
        positions: &[usize],
        tokens: &[u32],
        temperature: f32,
    ) -> Result<(Tensor, Tensor), ModelError> {
        self.logprobs_and_entropies(hidden, (positions, tokens), &[], temperature)
    }

    fn logprobs_and_entropies(
        &self,
        hidden: &Hidden,
        (positions, tokens): (&[usize], &[u32]),
        allowed: &[Allowed],
        temperature: f32,
    ) -> Result<(Tensor, Tensor), ModelError> {
        self.check_places(hidden, positions, tokens)?;
        let op = LogProbs {
            positions: positions.to_vec(),
            tokens: tokens.to_vec(),
            head: self.output().clone(),
            precision: self.precision,
            temperature,
            allowed: allowed.to_vec(),
        };
        let both = match &hidden.states {
            States::Cpu(hidden) => hidden.apply_op2(&cross_entropy::argument(self.output())?, op)?,
            States::Cuda(hidden) => hidden.log_probs((positions, tokens), allowed, temperature)?,
        };
        Ok((both.get(0)?, both.get(1)?))
    }

    /// Logits of some positions, off the tape. Shape: [N, V].
    ///
    /// # Errors
    /// As [`Decoder::cross_entropy`].
    pub fn logits(&self, hidden: &Hidden, positions: &[usize]) -> Result<Tensor, ModelError> {
        self.check_places(hidden, positions, &vec![0; positions.len()])?;
        let (v, d) = (self.config.vocab_size, self.config.hidden_size);
        let hidden = match &hidden.states {
            States::Cpu(hidden) => hidden,
            States::Cuda(hidden) => return Ok(hidden.logits(positions)?),
        };
        let hidden = storage::values(hidden)?;
        let x = cross_entropy::gathered(&hidden, positions, d, self.precision);
        let mut logits = vec![0.0; positions.len() * v];
        let head = self.output().held()?;
        cross_entropy::logits_of(x.view(), head.numbers(), &mut logits, (v, d));
        Ok(storage::tensor(logits, (positions.len(), v))?)
    }

    /// What is trained, under its name on disk, always in the same order.
    pub fn variables(&self) -> Vec<(String, Var)> {
        let weights = self.stack.weights().chain(&self.head);
        weights.filter_map(|w| w.variable().map(|var| (w.name.clone(), var.clone()))).collect()
    }

    /// The output layer. Shape: [V, D].
    pub(crate) fn output(&self) -> &Weight {
        self.head.as_ref().unwrap_or(&self.stack.embedding)
    }

    pub(crate) fn heads(&self) -> Heads {
        Heads {
            query: self.config.num_attention_heads,
            key_value: self.config.num_key_value_heads,
            dim: self.config.head_dim(),
            window: self.config.window(),
        }
    }

    /// What a forward pass of this batch needs to know besides the weights.
    fn run(&self, batch: &PackedBatch, dropout_seed: Option<u64>) -> Result<Run, ModelError> {
        batch.check(self.config.vocab_size)?;
        let positions = batch.positions();
        let longest = positions.iter().copied().max().map_or(0, |last| last + 1);
        if let Some(window) = self.config.window().filter(|window| !batch.forks.is_empty() && longest > *window) {
            return Err(ModelError::batch(
                format!(
                    "a text of {longest} tokens shares its beginning, but the model's sliding window sees {window}"
                ),
                "pack texts that are longer than the window each for itself",
            ));
        }
        Ok(Run {
            tokens: batch.input_ids.clone(),
            spans: batch.spans(),
            positions,
            rope: self.rope_of(longest),
            heads: self.heads(),
            eps: self.config.rms_norm_eps as f32,
            precision: self.precision,
            dropout_seed,
        })
    }

    /// The rotation of at least `length` positions, made once.
    fn rope_of(&self, length: usize) -> Arc<Rope> {
        let mut rope = self.rope.lock().unwrap_or_else(PoisonError::into_inner);
        if rope.length() < length {
            Arc::make_mut(&mut *rope).extend(length);
        }
        rope.clone()
    }

    fn check_targets(&self, hidden: &Hidden, targets: &[Target]) -> Result<(), ModelError> {
        let (positions, tokens): (Vec<usize>, Vec<u32>) = targets.iter().map(|t| (t.position, t.token)).unzip();
        self.check_places(hidden, &positions, &tokens)
    }

    fn check_places(&self, hidden: &Hidden, positions: &[usize], tokens: &[u32]) -> Result<(), ModelError> {
        if positions.is_empty() || positions.len() != tokens.len() {
            let (p, n) = (positions.len(), tokens.len());
            return Err(ModelError::batch(
                format!("{p} positions for {n} tokens; both must be the same and at least 1"),
                "",
            ));
        }
        hidden.check(positions)?;
        check_tokens(tokens, self.config.vocab_size)
    }
}
