//! A fresh model that goes to its files tensor by tensor, so that one larger than memory can be made. Knows no network.

use std::borrow::Cow;
use std::path::Path;

use half::bf16;
use safetensors::{Dtype, View};

use super::normal::{Fresh, fresh};
use crate::{DecoderConfig, ModelError, Precision, files};

/// A tensor that is drawn when it is written.
struct Drawn {
    fresh: Fresh,
    precision: Precision,
}

impl View for Drawn {
    fn dtype(&self) -> Dtype {
        self.precision.dtype()
    }
    fn shape(&self) -> &[usize] {
        &self.fresh.shape
    }
    fn data(&self) -> Cow<'_, [u8]> {
        let bytes = match self.precision {
            Precision::F32 => self.fresh.values(f32::to_le_bytes).into_flattened(),
            Precision::Bf16 => self.fresh.values(|value| bf16::from_f32(value).to_le_bytes()).into_flattened(),
        };
        Cow::Owned(bytes)
    }
    fn data_len(&self) -> usize {
        self.fresh.count() * self.precision.bytes()
    }
}

/// Writes the model that [`Decoder::init`](crate::Decoder::init) makes with
/// [`Initialization::Normal`](crate::Initialization::Normal), holding no more than a tensor of it at a time: in bf16 where
/// the config's `torch_dtype` (or `dtype`) says `bfloat16`, else in f32.
///
/// # Errors
/// When the config cannot be used, or the directory cannot be written.
pub fn write_fresh(config: &DecoderConfig, seed: u64, directory: &Path) -> Result<Precision, ModelError> {
    config.check()?;
    let precision = config.stored_in();
    let tensors = fresh(config, seed).into_iter().map(|(name, fresh)| (name, Drawn { fresh, precision })).collect();
    files::write_views(directory, (config, precision), tensors)?;
    Ok(precision)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::backend::storage::weight::Weight;
    use crate::{Decoder, Finetuning, Initialization};

    fn config(other: Value) -> DecoderConfig {
        let mut keys = json!({
            "model_type": "mistral", "hidden_size": 32, "intermediate_size": 50, "num_hidden_layers": 2,
            "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 301,
        });
        keys.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
        serde_json::from_value(keys).unwrap()
    }

    fn written(config: &DecoderConfig) -> (tempfile::TempDir, Precision) {
        let directory = tempfile::tempdir().unwrap();
        let precision = write_fresh(config, 9, directory.path()).unwrap();
        (directory, precision)
    }

    #[test]
    fn in_f32_the_files_are_those_of_a_model_that_was_held() {
        let others = [
            json!({ "torch_dtype": "float32" }),
            json!({ "tie_word_embeddings": true }),
            json!({ "model_type": "qwen2" }),
        ];
        for config in others.map(config) {
            let (streamed, precision) = written(&config);
            let held = tempfile::tempdir().unwrap();
            Decoder::init(config, &Initialization::Normal, 9).unwrap().save(held.path()).unwrap();
            for file in ["model.safetensors", "config.json", "generation_config.json"] {
                let bytes = |directory: &Path| std::fs::read(directory.join(file)).unwrap();
                assert_eq!(bytes(streamed.path()), bytes(held.path()), "{file}");
            }
            assert_eq!(precision, Precision::F32);
        }
    }

    #[test]
    fn in_bf16_it_loads_and_every_weight_is_the_f32_one_rounded() {
        let config = config(json!({ "torch_dtype": "bfloat16" }));
        let (streamed, precision) = written(&config);
        assert_eq!(precision, Precision::Bf16);
        let described = std::fs::read_to_string(streamed.path().join("config.json")).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&described).unwrap()["torch_dtype"], "bfloat16");
        let held = Decoder::init(config, &Initialization::Normal, 9).unwrap();
        let loaded = Decoder::load(streamed.path(), &Finetuning::Frozen, 1).unwrap();
        let values = |weight: &Weight| weight.to_tensor().unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        for (found, right) in loaded.base_weights().zip(held.base_weights()) {
            let rounded: Vec<f32> = values(right).into_iter().map(|value| bf16::from_f32(value).to_f32()).collect();
            assert_eq!((&found.name, values(found)), (&right.name, rounded));
        }
        assert_eq!(held.base_weights().count(), loaded.base_weights().count());
    }
}
