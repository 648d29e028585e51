//! A scalar on top of the hidden states: a reward, or a value. On disk it is a sequence classifier's `score.weight`.

use std::path::Path;

use candle_core::{DType, Tensor, Var};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::backend::TAPE;
use crate::backend::storage::weight::Weight;
use crate::decoder::States;
use crate::decoder::build::Kept;
use crate::files::{self, ModelFiles, Tensors};
use crate::init::normal;
use crate::layout::{HEAD_WEIGHT, SCORE};
use crate::{Decoder, Device, Hidden, ModelError, Precision};

/// score = hidden · w. Shape of w: [1, D].
#[derive(Clone, Debug)]
pub struct ScalarHead {
    weight: Var,
}

impl ScalarHead {
    /// A head with small weights drawn from `seed`, as Hugging Face starts one.
    ///
    /// # Errors
    /// When the tensor cannot be made.
    pub fn new(hidden_size: usize, seed: u64) -> Result<Self, ModelError> {
        let values = normal::deviates(&mut ChaCha8Rng::seed_from_u64(seed), hidden_size, 0.02);
        Ok(Self { weight: Var::from_vec(values, (1, hidden_size), &TAPE)? })
    }

    /// A head that scores everything 0.
    ///
    /// # Errors
    /// When the tensor cannot be made.
    pub fn zeros(hidden_size: usize) -> Result<Self, ModelError> {
        Ok(Self { weight: Var::zeros((1, hidden_size), DType::F32, &TAPE)? })
    }

    /// Rounds it to what it is once it was saved in this precision and read again.
    ///
    /// # Errors
    /// When the tensor cannot be changed.
    pub fn round_to(&self, precision: Precision) -> Result<(), ModelError> {
        if precision == Precision::Bf16 {
            self.weight.set(&self.weight.to_dtype(DType::BF16)?.to_dtype(DType::F32)?)?;
        }
        Ok(())
    }

    /// The head in a model directory that [`Decoder::save_reward_model`] or Hugging Face wrote.
    ///
    /// # Errors
    /// When there is none, or it has another width.
    pub fn load(directory: &Path, hidden_size: usize) -> Result<Self, ModelError> {
        Self::of(&mut ModelFiles::open(directory, true)?.tensors()?, hidden_size)
    }

    fn of(tensors: &mut Tensors, hidden_size: usize) -> Result<Self, ModelError> {
        let weight = tensors.take(SCORE, &[1, hidden_size])?;
        Ok(Self { weight: Var::from_tensor(&weight)? })
    }

    /// Scores at some positions. Shapes: hidden [T, D]; the result `[N]`.
    ///
    /// # Errors
    /// When a position is outside the hidden states.
    pub fn scores(&self, hidden: &Hidden, positions: &[usize]) -> Result<Tensor, ModelError> {
        hidden.check(positions)?;
        let index: Vec<u32> = positions.iter().map(|&position| position as u32).collect();
        match &hidden.states {
            States::Cpu(hidden) => {
                let rows = hidden.index_select(&Tensor::from_vec(index, positions.len(), &TAPE)?, 0)?;
                Ok(rows.matmul(&self.weight.t()?)?.squeeze(1)?)
            }
            States::Cuda(hidden) => Ok(hidden.scores(positions, self.weight.as_tensor())?),
        }
    }

    /// What is trained, under its name on disk.
    pub fn variables(&self) -> Vec<(String, Var)> {
        vec![(SCORE.into(), self.weight.clone())]
    }
}

impl Decoder {
    /// Writes decoder and head as the architecture's sequence classifier with one label. Any adapter must be merged before.
    ///
    /// # Errors
    /// When an adapter is not merged, or the directory cannot be written.
    pub fn save_reward_model(&self, head: &ScalarHead, pad_token_id: u32, directory: &Path) -> Result<(), ModelError> {
        self.save_reward_model_in(Precision::F32, head, pad_token_id, directory)
    }

    /// As [`Decoder::save_reward_model`], which writes f32, in this precision.
    ///
    /// # Errors
    /// As [`Decoder::save_reward_model`].
    pub fn save_reward_model_in(
        &self,
        precision: Precision,
        head: &ScalarHead,
        pad_token_id: u32,
        directory: &Path,
    ) -> Result<(), ModelError> {
        if self.lora().is_some() {
            return Err(ModelError::adapter("a reward model is written merged", "merge the adapter first"));
        }
        let mut config = self.config().clone();
        config.pad_token_id = Some(pad_token_id);
        config.other.insert("id2label".into(), serde_json::json!({"0": "LABEL_0"}));
        config.other.insert("label2id".into(), serde_json::json!({"LABEL_0": 0}));
        let score = Weight::frozen(SCORE.into(), head.weight.as_tensor().clone())?;
        let weights = self.base_weights().filter(|weight| weight.name != HEAD_WEIGHT).chain([&score]);
        files::write_model(directory, (&config, config.model_type.classifier(), precision), weights)
    }

    /// Reads what [`Decoder::save_reward_model`] or Hugging Face wrote; nothing of the decoder is trained.
    ///
    /// # Errors
    /// When a file is missing or broken, or a tensor is missing or of another shape.
    pub fn load_reward_model(directory: &Path) -> Result<(Self, ScalarHead), ModelError> {
        Self::load_reward_model_for(&Device::Cpu, directory)
    }

    /// As [`Decoder::load_reward_model`], for a device as in
    /// [`ModelSource::load_for`](crate::ModelSource::load_for).
    ///
    /// # Errors
    /// As [`Decoder::load_reward_model`].
    pub fn load_reward_model_for(device: &Device, directory: &Path) -> Result<(Self, ScalarHead), ModelError> {
        let kept = Kept { bits: None, in_files: matches!(device, Device::Cuda(_)) };
        let files = ModelFiles::open(directory, true)?;
        let mut tensors = files.tensors()?;
        let head = ScalarHead::of(&mut tensors, files.config.hidden_size)?;
        Ok((Self::frozen(files.config, &mut tensors, kept)?, head))
    }
}
