//! Adapters of a decoder: fresh, from disk, to disk, merged. On-disk form and names are PEFT's.

use std::path::Path;
use std::sync::Arc;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Decoder, Linear, LoraPair};
use crate::backend::storage;
use crate::backend::storage::weight::Weight;
use crate::files::{Adapted, BaseRecord, NamedBase};
use crate::layout::{MODULES, linear_name, linear_size};
use crate::{HubModel, LoraConfig, ModelError, Rounding, files};

fn names(layer: usize, module: &str) -> [String; 2] {
    ["A", "B"].map(|part| format!("base_model.model.{}.lora_{part}.weight", linear_name(layer, module)))
}

impl Decoder {
    /// Puts a fresh adapter on the model and trains it alone. Its output is zero at first.
    ///
    /// # Errors
    /// When the adapter's config cannot be used.
    pub fn new_adapter(&mut self, lora: &LoraConfig, seed: u64) -> Result<(), ModelError> {
        let modules = lora.modules()?;
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        // PEFT's: uniform in ±1/sqrt(inputs) for A (Kaiming with a = sqrt 5), zero for B.
        let mut uniform = |bound: f32, rows: usize, columns: usize| {
            let values = (0..rows * columns).map(|_| (random.random::<f32>() * 2.0 - 1.0) * bound).collect();
            storage::tensor(values, (rows, columns))
        };
        let config = self.config.clone();
        for (layer, block) in Arc::make_mut(&mut self.stack).blocks.iter_mut().enumerate() {
            for (module, linear) in MODULES.into_iter().zip(&mut block.linears) {
                linear.adapter = None;
                if !modules.contains(&module) {
                    continue;
                }
                let (n, k) = linear_size(&config, module);
                let [a, b] = names(layer, module);
                let a = Weight::frozen(a, uniform(1.0 / (k as f32).sqrt(), lora.lora_r, k)?)?;
                let b = Weight::frozen(b, uniform(0.0, n, lora.lora_r)?)?;
                let (rank, alpha, scale) = (lora.lora_r, lora.lora_alpha, lora.scale() as f32);
                linear.adapter = Some(LoraPair { a, b, rank, alpha, scale, dropout: lora.lora_dropout });
            }
        }
        self.lora = Some(lora.clone());
        self.train(|name| name.contains(".lora_"))
    }

    /// Writes the adapter in PEFT's form, and beside it a record of the base that it belongs to. `base` is what its
    /// `base_model_name_or_path` says.
    ///
    /// # Errors
    /// When there is none, or the directory cannot be written.
    pub fn save_adapter(&self, directory: &Path, base: Option<&str>) -> Result<(), ModelError> {
        self.save_adapter_over(directory, NamedBase { name: base, revision: None })
    }

    /// The same over a base on the hub, at the state that is meant: what is written to the repository later is another base.
    ///
    /// # Errors
    /// As [`Decoder::save_adapter`].
    pub fn save_adapter_over_hub(&self, directory: &Path, base: &HubModel) -> Result<(), ModelError> {
        let HubModel { repository, revision } = base;
        self.save_adapter_over(directory, NamedBase { name: Some(repository), revision: revision.as_deref() })
    }

    fn save_adapter_over(&self, directory: &Path, base: NamedBase<'_>) -> Result<(), ModelError> {
        self.refuse_folded()?;
        files::write_adapter(directory, self.stack.weights().filter(|weight| weight.name.contains(".lora_")))?;
        self.write_adapter_config(directory, base)
    }

    /// Writes what stands beside an adapter's tensors, for a caller that writes the variables itself.
    ///
    /// # Errors
    /// As [`Decoder::save_adapter`].
    pub fn save_adapter_config(&self, directory: &Path, base: Option<&str>) -> Result<(), ModelError> {
        self.write_adapter_config(directory, NamedBase { name: base, revision: None })
    }

    fn write_adapter_config(&self, directory: &Path, base: NamedBase<'_>) -> Result<(), ModelError> {
        let Some(lora) = &self.lora else { return Err(none()) };
        let adapted = self.adapted();
        files::write_adapter_config(directory, lora, (&adapted, self.stack.blocks.len()), base)?;
        match &self.base {
            Some(weights) => BaseRecord { weights: weights.clone(), rounding: self.rounding }.write(directory),
            None => Ok(()),
        }
    }

    /// Adds the adapter's product to the weights and takes it off. Nothing is trained afterwards.
    ///
    /// # Errors
    /// When there is none.
    pub fn merge_adapter(&mut self) -> Result<(), ModelError> {
        if self.lora.take().is_none() {
            return Err(none());
        }
        (self.base, self.rounding) = (None, Rounding::default());
        let stack = Arc::make_mut(&mut self.stack);
        for linear in stack.blocks.iter_mut().flat_map(|block| &mut block.linears) {
            if let Some(pair) = linear.adapter.take() {
                linear.weight.merge(pair.product()?)?;
            }
        }
        Ok(())
    }

    /// How the weights under the adapter were rounded since they were read.
    pub fn rounding(&self) -> Rounding {
        self.rounding
    }

    /// Every layer that carries a pair.
    fn adapted(&self) -> Vec<Adapted> {
        let of = |layer: usize, module: &str, linear: &Linear| {
            let pair = linear.adapter.as_ref()?;
            Some(Adapted { module: linear_name(layer, module), rank: pair.rank, alpha: pair.alpha })
        };
        let blocks = self.stack.blocks.iter().enumerate();
        let layers = blocks.flat_map(|(layer, block)| {
            MODULES.into_iter().zip(&block.linears).filter_map(move |(module, linear)| of(layer, module, linear))
        });
        layers.collect()
    }

    /// Refuses to write an adapter of which a part is in the weights.
    fn refuse_folded(&self) -> Result<(), ModelError> {
        match self.folded {
            None => Ok(()),
            Some(form) => Err(ModelError::adapter(
                format!("its `{form}` was folded into the weights, so that it cannot be written as an adapter again"),
                "export the model merged, or copy the adapter as it is",
            )),
        }
    }
}

fn none() -> ModelError {
    ModelError::adapter("the model carries none", "")
}
