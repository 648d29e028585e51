//! Adapters of a decoder: fresh, from disk, to disk, merged. On-disk form and names are PEFT's.

use std::path::Path;
use std::sync::Arc;

use candle_core::Tensor;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Decoder, LoraPair};
use crate::backend::storage;
use crate::backend::storage::weight::Weight;
use crate::layout::{MODULES, linear_name, linear_size};
use crate::{LoraConfig, ModelError, files};

fn names(layer: usize, module: &str) -> [String; 2] {
    ["A", "B"].map(|part| format!("base_model.model.{}.lora_{part}.weight", linear_name(layer, module)))
}

impl Decoder {
    /// Puts a fresh adapter on the model and trains it alone. Its output is zero at first.
    ///
    /// # Errors
    /// When the adapter's config cannot be used.
    pub fn new_adapter(&mut self, lora: &LoraConfig, seed: u64) -> Result<(), ModelError> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        self.put_adapter(lora, |_, shape, is_a| {
            // PEFT's: uniform in ±1/sqrt(inputs) for A (Kaiming with a = sqrt 5), zero for B.
            let bound = if is_a { 1.0 / (shape[1] as f32).sqrt() } else { 0.0 };
            let values = (0..shape[0] * shape[1]).map(|_| (random.random::<f32>() * 2.0 - 1.0) * bound).collect();
            Ok(storage::tensor(values, shape)?)
        })?;
        self.train(|name| name.contains(".lora_"))
    }

    /// Puts an adapter from a directory in PEFT's form on the model; it is trained if `trained`.
    ///
    /// # Errors
    /// When a file is missing or broken, or the adapter does not fit.
    pub fn load_adapter(&mut self, directory: &Path, trained: bool) -> Result<(), ModelError> {
        let lora = files::read_adapter_config(directory)?;
        let mut tensors = files::read_adapter(directory)?;
        self.put_adapter(&lora, |name, shape, _| tensors.take(name, shape))?;
        if let Some(stray) = tensors.names().find(|name| name.contains("lora_")) {
            let path = &tensors.path;
            return Err(ModelError::adapter(
                format!("{}: tensor `{stray}` matches no module", path.display()),
                "the adapter was made for another model",
            ));
        }
        self.train(|name| trained && name.contains(".lora_"))
    }

    /// Writes the adapter in PEFT's form. `base` is what its `base_model_name_or_path` says.
    ///
    /// # Errors
    /// When there is none, or the directory cannot be written.
    pub fn save_adapter(&self, directory: &Path, base: Option<&str>) -> Result<(), ModelError> {
        let Some(lora) = &self.lora else { return Err(ModelError::adapter("the model carries none", "")) };
        let weights = self.stack.weights().filter(|weight| weight.name.contains(".lora_"));
        let tensors = weights
            .map(|weight| Ok((weight.name.clone(), weight.to_tensor()?)))
            .collect::<Result<_, candle_core::Error>>()?;
        files::write_adapter(directory, lora, base, tensors)
    }

    /// Writes only `adapter_config.json`, for a caller that writes the variables itself.
    ///
    /// # Errors
    /// As [`Decoder::save_adapter`].
    pub fn save_adapter_config(&self, directory: &Path, base: Option<&str>) -> Result<(), ModelError> {
        let Some(lora) = &self.lora else { return Err(ModelError::adapter("the model carries none", "")) };
        files::write_adapter_config(directory, lora, base)
    }

    /// Adds the adapter's product to the weights and takes it off. Nothing is trained afterwards.
    ///
    /// # Errors
    /// When there is none.
    pub fn merge_adapter(&mut self) -> Result<(), ModelError> {
        if self.lora.take().is_none() {
            return Err(ModelError::adapter("the model carries none", ""));
        }
        let stack = Arc::make_mut(&mut self.stack);
        for linear in stack.blocks.iter_mut().flat_map(|block| &mut block.linears) {
            if let Some(merged) = linear.merged()? {
                linear.weight = Weight::frozen(linear.weight.name.clone(), merged)?;
                linear.adapter = None;
            }
        }
        Ok(())
    }

    fn put_adapter(
        &mut self,
        lora: &LoraConfig,
        mut make: impl FnMut(&str, &[usize], bool) -> Result<Tensor, ModelError>,
    ) -> Result<(), ModelError> {
        let modules = lora.modules()?;
        let config = self.config.clone();
        let stack = Arc::make_mut(&mut self.stack);
        for (layer, block) in stack.blocks.iter_mut().enumerate() {
            for (module, linear) in MODULES.into_iter().zip(&mut block.linears) {
                linear.adapter = None;
                if !modules.contains(&module) {
                    continue;
                }
                let (n, k) = linear_size(&config, module);
                let [a, b] = names(layer, module);
                let (at, bt) = (make(&a, &[lora.lora_r, k], true)?, make(&b, &[n, lora.lora_r], false)?);
                linear.adapter = Some(LoraPair {
                    a: Weight::frozen(a, at)?,
                    b: Weight::frozen(b, bt)?,
                    rank: lora.lora_r,
                    scale: lora.scale() as f32,
                    dropout: lora.lora_dropout,
                });
            }
        }
        self.lora = Some(lora.clone());
        Ok(())
    }
}
