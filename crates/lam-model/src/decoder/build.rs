//! Puts a decoder together from named tensors, and takes it apart again. Knows the names, not the files.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use lam_gguf::{FileType, Value};

use super::{Block, Decoder, Linear, Stack};
use crate::backend::ops::rope::Rope;
use crate::backend::storage::weight::Weight;
use crate::files::Tensors;
use crate::layout::{BIAS, HEAD_NORMS, MODULES, has_bias, head_norm_name, linear_name, linear_size};
use crate::{DecoderConfig, Finetuning, Initialization, ModelError, Precision, Rounding, files, init};

/// Numbers from which on an embedding is large: reading a row costs two microseconds, at least.
const LARGE_TABLE: usize = 1 << 25;

/// Whether an embedding of so many numbers stays in its file on the processor too: a large one of which only rows are
/// used, as nothing else is multiplied by it. A batch uses few of them.
pub(super) fn stays_in_its_file(numbers: usize, rows_only: bool) -> bool {
    rows_only && numbers >= LARGE_TABLE
}

/// Takes a decoder's parts out of named tensors, in the form in which they are kept.
struct Parts<'a> {
    tensors: &'a mut Tensors,
    config: &'a DecoderConfig,
    /// Whether everything is read as f32.
    full: bool,
    /// Bits of the linear layers' weights, where they are quantised.
    bits: Option<u8>,
    /// Whether matrices stay in their files.
    in_files: bool,
}

/// How a decoder's frozen weights are kept.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Kept {
    /// Bits of the linear layers' weights, where they are quantised.
    pub(crate) bits: Option<u8>,
    /// Whether matrices stay in their files, for a device that has them in its own memory.
    pub(crate) in_files: bool,
}

impl Parts<'_> {
    fn weight(&mut self, name: String, shape: &[usize]) -> Result<Weight, ModelError> {
        self.weight_or_blocks(name, shape, false)
    }

    /// A weight, in blocks if it lies in such that products take, and `takes_blocks` says that products alone take it.
    fn weight_or_blocks(&mut self, name: String, shape: &[usize], takes_blocks: bool) -> Result<Weight, ModelError> {
        // Norms and biases are small, and read as f32 by every operation.
        if !self.full && shape.len() > 1 {
            let stored = self.tensors.take_stored(&name, shape, (takes_blocks, self.in_files))?;
            return Ok(Weight::stored(name, shape, stored));
        }
        let tensor = self.tensors.take(&name, shape)?;
        Ok(Weight::frozen(name, tensor)?)
    }

    /// The embedding, which may stay in its file.
    fn table(&mut self, name: String, shape: &[usize], rows_only: bool) -> Result<Weight, ModelError> {
        let before = self.in_files;
        self.in_files |= stays_in_its_file(shape.iter().product(), rows_only);
        let weight = self.weight(name, shape);
        self.in_files = before;
        weight
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
        Self::from_tensors(config, &mut tensors, (&Finetuning::Full, false), seed)
    }

    /// Writes the model in Hugging Face's layout, in f32 and without any adapter.
    ///
    /// # Errors
    /// When the directory cannot be written.
    pub fn save(&self, directory: &Path) -> Result<(), ModelError> {
        self.save_in(Precision::F32, directory)
    }

    /// As [`Decoder::save`], with every weight in this precision. In bf16, what is kept in more bits is rounded, as
    /// [`Decoder::round_to`] rounds it.
    ///
    /// # Errors
    /// As [`Decoder::save`], or when weights that were left in their files cannot be read again.
    pub fn save_in(&self, precision: Precision, directory: &Path) -> Result<(), ModelError> {
        let described = (&self.config, self.config.model_type.causal(), precision);
        files::write_model(directory, described, self.base_weights())
    }

    /// Writes the model as a GGUF file, without any adapter. `more` are keys beside those of its shape: names, and what
    /// its tokenizer is. Rows are read, laid out and written a few megabytes at a time.
    ///
    /// # Errors
    /// A model or rotary settings that such files cannot say, numbers that the file's type cannot hold, a file that cannot
    /// be written.
    pub fn save_gguf(&self, file: &Path, file_type: FileType, more: BTreeMap<String, Value>) -> Result<(), ModelError> {
        files::write_gguf(file, &self.config, self.base_weights(), file_type, more)
    }

    /// Rounds every frozen weight to what it is once it was saved in this precision and read again.
    ///
    /// # Errors
    /// When weights cannot be read.
    pub fn round_to(&mut self, precision: Precision) -> Result<(), ModelError> {
        if precision == Precision::Bf16 {
            let weights = Arc::make_mut(&mut self.stack).weights_mut().chain(&mut self.head);
            weights.into_iter().try_for_each(Weight::round)?;
        }
        Ok(())
    }

    /// Every weight that is not part of an adapter.
    pub(crate) fn base_weights(&self) -> impl Iterator<Item = &Weight> {
        self.stack.weights().chain(&self.head).filter(|weight| !weight.name.contains(".lora_"))
    }

    pub(crate) fn from_tensors(
        config: DecoderConfig,
        tensors: &mut Tensors,
        (finetuning, in_files): (&Finetuning, bool),
        seed: u64,
    ) -> Result<Self, ModelError> {
        finetuning.check()?;
        let bits = if let Finetuning::Qlora { bits, .. } = finetuning { Some(*bits) } else { None };
        let kept = Kept { bits, in_files };
        let mut decoder = Self::put_together(config, tensors, *finetuning == Finetuning::Full, kept)?;
        decoder.tune(finetuning, seed)?;
        Ok(decoder)
    }

    /// The decoder with nothing trained.
    pub(crate) fn frozen(config: DecoderConfig, tensors: &mut Tensors, kept: Kept) -> Result<Self, ModelError> {
        Self::put_together(config, tensors, false, kept)
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
        Kept { bits, in_files }: Kept,
    ) -> Result<Self, ModelError> {
        config.check()?;
        let saved_in = tensors.precision();
        let (v, d) = (config.vocab_size, config.hidden_size);
        let mut parts = Parts { tensors, config: &config, full, bits, in_files };
        let own_head = !config.tie_word_embeddings && !files::is_classifier(&config);
        let embedding = parts.table("model.embed_tokens.weight".into(), &[v, d], own_head)?;
        let blocks = (0..config.num_hidden_layers).map(|layer| parts.block(layer)).collect::<Result<_, _>>()?;
        let norm = parts.weight("model.norm.weight".into(), &[d])?;
        let head = own_head.then(|| parts.weight("lm_head.weight".into(), &[v, d])).transpose()?;
        let stack = Arc::new(Stack { embedding, blocks, norm, width: d });
        let precision = Precision::F32;
        let rope = Arc::new(Mutex::new(Arc::new(Rope::new(config.rotary()?, 0))));
        let rounding = Rounding { quantization_bit: bits, bf16: false };
        let (lora, base, folded, checkpointing, on_cuda) = (None, None, None, false, None);
        Ok(Self {
            config,
            stack,
            head,
            lora,
            base,
            saved_in,
            rounding,
            folded,
            rope,
            precision,
            checkpointing,
            on_cuda,
        })
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
