//! A scalar on top of the hidden states: a reward, or a value. On disk it is a sequence classifier's `score.weight`.

use std::path::Path;

use candle_core::{DType, Device, Tensor, Var};

use crate::{Decoder, ModelError, files};

/// score = hidden · w. Shape of w: [1, D].
#[derive(Clone, Debug)]
pub struct ScalarHead {
    weight: Var,
}

const NAME: &str = "score.weight";

impl ScalarHead {
    /// A head that scores everything 0.
    ///
    /// # Errors
    /// When the tensor cannot be made.
    pub fn zeros(hidden_size: usize) -> Result<Self, ModelError> {
        Ok(Self { weight: Var::zeros((1, hidden_size), DType::F32, &Device::Cpu)? })
    }

    /// The head in a model directory that [`ScalarHead::save_classifier`] or Hugging Face wrote.
    ///
    /// # Errors
    /// When there is none, or it has another width.
    pub fn load(directory: &Path, hidden_size: usize) -> Result<Self, ModelError> {
        let weight = files::read_model(directory)?.take(NAME, &[1, hidden_size])?;
        Ok(Self { weight: Var::from_tensor(&weight)? })
    }

    /// Scores at some positions. Shapes: hidden [T, D]; the result [N].
    ///
    /// # Errors
    /// When a position is outside the hidden states.
    pub fn scores(&self, hidden: &Tensor, positions: &[usize]) -> Result<Tensor, ModelError> {
        let (t, _) = hidden.dims2()?;
        if let Some(position) = positions.iter().find(|&&position| position >= t) {
            return Err(ModelError::Batch(format!("position {position} is outside the {t} hidden states")));
        }
        let index: Vec<u32> = positions.iter().map(|&position| position as u32).collect();
        let rows = hidden.index_select(&Tensor::from_vec(index, positions.len(), &Device::Cpu)?, 0)?;
        Ok(rows.matmul(&self.weight.t()?)?.squeeze(1)?)
    }

    /// What is trained, under its name on disk.
    pub fn variables(&self) -> Vec<(String, Var)> {
        vec![(NAME.into(), self.weight.clone())]
    }

    /// Writes decoder and head as `MistralForSequenceClassification` with one label. Any adapter must be merged before.
    ///
    /// # Errors
    /// When an adapter is not merged, or the directory cannot be written.
    pub fn save_classifier(&self, decoder: &Decoder, pad_token_id: u32, directory: &Path) -> Result<(), ModelError> {
        if decoder.lora().is_some() {
            return Err(ModelError::Adapter("a classifier is written merged; hint: merge the adapter first".into()));
        }
        let mut config = decoder.config().clone();
        config.pad_token_id = Some(pad_token_id);
        config.other.insert("id2label".into(), serde_json::json!({"0": "LABEL_0"}));
        config.other.insert("label2id".into(), serde_json::json!({"LABEL_0": 0}));
        let mut tensors = decoder.base_tensors();
        tensors.retain(|(name, _)| name != "lm_head.weight");
        tensors.push((NAME.into(), self.weight.as_tensor().clone()));
        files::write_model(directory, &config, "MistralForSequenceClassification", tensors)
    }
}
