//! Puts a decoder together from named tensors, and takes it apart again. Knows the names, not the files.

use std::path::Path;
use std::sync::{Arc, Mutex};

use candle_core::Tensor;

use super::{Block, Decoder, Linear, Stack};
use crate::backend::ops::rope::Rope;
use crate::backend::storage::weight::Weight;
use crate::files::Tensors;
use crate::layout::{BIAS, HEAD_NORMS, MODULES, has_bias, head_norm_name, linear_name, linear_size};
use crate::{DecoderConfig, Finetuning, Initialization, ModelError, Precision, Rounding, files, init};

/// Takes a decoder's parts out of named tensors, in the form in which they are kept.
struct Parts<'a> {
    tensors: &'a mut Tensors,
    config: &'a DecoderConfig,
    /// Whether everything is read as f32.
    full: bool,
    /// Bits of the linear layers' weights, where they are quantised.
    bits: Option<u8>,
}

impl Parts<'_> {
    fn weight(&mut self, name: String, shape: &[usize]) -> Result<Weight, ModelError> {
        self.weight_or_blocks(name, shape, false)
    }

    /// A weight, in blocks if it lies in such that products take, and `takes_blocks` says that products alone take it.
    fn weight_or_blocks(&mut self, name: String, shape: &[usize], takes_blocks: bool) -> Result<Weight, ModelError> {
        // Norms and biases are small, and read as f32 by every operation.
        if !self.full && shape.len() > 1 {
            let stored = self.tensors.take_stored(&name, shape, takes_blocks)?;
            return Ok(Weight::stored(name, shape, stored));
        }
        let tensor = self.tensors.take(&name, shape)?;
        Ok(Weight::frozen(name, tensor)?)
    }

    fn linear(&mut self, layer: usize, module: &str) -> Result<Linear, ModelError> {
        let size = linear_size(self.config, module);
        let name = format!("{}.weight", linear_name(layer, module));
        let mut weight = self.weight_or_blocks(name, &[size.0, size.1], true)?;
        if let Some(bits) = self.bits {
            weight.quantise(bits)?;
        }
        let bias = has_bias(self.config, module).then(|| format!("{}{BIAS}", linear_name(layer, module)));
        let bias = bias.map(|name| self.weight(name, &[size.0])).transpose()?;
        Ok(Linear { weight, bias, size, adapter: None })
    }

    fn head_norms(&mut self, layer: usize) -> Result<Option<[Weight; 2]>, ModelError> {
        if !self.config.model_type.has_head_norms() {
            return Ok(None);
        }
        let width = [self.config.head_dim()];
        let [query, key] = HEAD_NORMS.map(|norm| self.weight(head_norm_name(layer, norm), &width));
        Ok(Some([query?, key?]))
    }

    fn block(&mut self, layer: usize) -> Result<Block, ModelError> {
        let width = [self.config.hidden_size];
        let input_norm = self.weight(format!("model.layers.{layer}.input_layernorm.weight"), &width)?;
        let post_norm = self.weight(format!("model.layers.{layer}.post_attention_layernorm.weight"), &width)?;
        let linears = MODULES.iter().map(|module| self.linear(layer, module)).collect::<Result<Vec<_>, _>>()?;
        let linears = linears.try_into().expect("there are seven modules");
        Ok(Block { input_norm, linears, head_norms: self.head_norms(layer)?, post_norm })
    }
}

impl Decoder {
    /// Makes a model with fresh weights, all of them trained.
    ///
    /// # Errors
    /// When the config cannot be used.
    pub fn init(config: DecoderConfig, initialization: &Initialization, seed: u64) -> Result<Self, ModelError> {
        config.check()?;
        let mut tensors = init::tensors(&config, initialization, seed)?;
        Self::from_tensors(config, &mut tensors, &Finetuning::Full, seed)
    }

    /// Writes the model in Hugging Face's layout, without any adapter.
    ///
    /// # Errors
    /// When the directory cannot be written.
    pub fn save(&self, directory: &Path) -> Result<(), ModelError> {
        files::write_model(directory, &self.config, self.config.model_type.causal(), self.base_tensors()?)
    }

    /// Name and values of every weight that is not part of an adapter.
    pub(crate) fn base_tensors(&self) -> Result<Vec<(String, Tensor)>, ModelError> {
        let weights = self.stack.weights().chain(&self.head);
        let base = weights.filter(|weight| !weight.name.contains(".lora_"));
        base.map(|weight| Ok((weight.name.clone(), weight.to_tensor()?))).collect()
    }

    pub(crate) fn from_tensors(
        config: DecoderConfig,
        tensors: &mut Tensors,
        finetuning: &Finetuning,
        seed: u64,
    ) -> Result<Self, ModelError> {
        finetuning.check()?;
        let bits = if let Finetuning::Qlora { bits, .. } = finetuning { Some(*bits) } else { None };
        let mut decoder = Self::put_together(config, tensors, *finetuning == Finetuning::Full, bits)?;
        decoder.tune(finetuning, seed)?;
        Ok(decoder)
    }

    /// The decoder with nothing trained, its linear layers quantised where `bits` says so.
    pub(crate) fn frozen(config: DecoderConfig, tensors: &mut Tensors, bits: Option<u8>) -> Result<Self, ModelError> {
        Self::put_together(config, tensors, false, bits)
    }

    /// Quantises and trains what `finetuning` says, with a fresh adapter if that says so.
    pub(crate) fn tune(&mut self, finetuning: &Finetuning, seed: u64) -> Result<(), ModelError> {
        match finetuning {
            Finetuning::Frozen => Ok(()),
            Finetuning::Full => self.train(|_| true),
            Finetuning::Lora(lora) => self.new_adapter(lora, seed),
            Finetuning::Qlora { lora, bits } => {
                self.quantise(*bits)?;
                self.new_adapter(lora, seed)
            }
        }
    }

    /// Quantises the linear layers, unless they are.
    fn quantise(&mut self, bits: u8) -> Result<(), ModelError> {
        if self.rounding.quantization_bit == Some(bits) {
            return Ok(());
        }
        for linear in Arc::make_mut(&mut self.stack).blocks.iter_mut().flat_map(|block| &mut block.linears) {
            linear.weight.quantise(bits)?;
        }
        self.rounding.quantization_bit = Some(bits);
        Ok(())
    }

    fn put_together(
        config: DecoderConfig,
        tensors: &mut Tensors,
        full: bool,
        bits: Option<u8>,
    ) -> Result<Self, ModelError> {
        config.check()?;
        let (v, d) = (config.vocab_size, config.hidden_size);
        let mut parts = Parts { tensors, config: &config, full, bits };
        let embedding = parts.weight("model.embed_tokens.weight".into(), &[v, d])?;
        let blocks = (0..config.num_hidden_layers).map(|layer| parts.block(layer)).collect::<Result<_, _>>()?;
        let norm = parts.weight("model.norm.weight".into(), &[d])?;
        let own_head = !config.tie_word_embeddings && !files::is_classifier(&config);
        let head = own_head.then(|| parts.weight("lm_head.weight".into(), &[v, d])).transpose()?;
        let stack = Arc::new(Stack { embedding, blocks, norm, width: d });
        let precision = Precision::F32;
        let rope = Arc::new(Mutex::new(Arc::new(Rope::new(config.rotary()?, 0))));
        let rounding = Rounding { quantization_bit: bits, bf16: false };
        let (lora, base, folded, checkpointing, on_cuda) = (None, None, None, false, None);
        Ok(Self { config, stack, head, lora, base, rounding, folded, rope, precision, checkpointing, on_cuda })
    }

    /// Makes the weights that `chosen` names trained, in the order of the forward pass.
    pub(crate) fn train(&mut self, chosen: impl Fn(&str) -> bool) -> Result<(), ModelError> {
        self.on_cuda = None;
        let mut index = 0;
        let mut train = |weight: &mut Weight| -> candle_core::Result<()> {
            if chosen(&weight.name) {
                weight.train(index)?;
                index += 1;
            }
            Ok(())
        };
        let stack = Arc::make_mut(&mut self.stack);
        train(&mut stack.embedding)?;
        for block in &mut stack.blocks {
            train(&mut block.input_norm)?;
            train(&mut block.post_norm)?;
            block.head_norms.iter_mut().flatten().try_for_each(&mut train)?;
            for linear in &mut block.linears {
                train(&mut linear.weight)?;
                linear.bias.iter_mut().try_for_each(&mut train)?;
                if let Some(pair) = &mut linear.adapter {
                    train(&mut pair.a)?;
                    train(&mut pair.b)?;
                }
            }
        }
        train(&mut stack.norm)?;
        if let Some(head) = &mut self.head {
            train(head)?;
        }
        Ok(())
    }
}
