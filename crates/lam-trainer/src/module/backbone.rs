//! A decoder under training, and what all modules over one have in common: how it is set up, packed, run, planned and
//! saved. Does not know losses.

use std::path::Path;

use lam_model::{Answer, AnswerBatch, Decoder, Device, Hidden, Mode, PackedBatch, Precision};

use super::plan::{BatchSize, decoder_plan};
use crate::checkpoint::write_json;
use crate::{MemoryPlan, Pass, Sample, TrainerError, TrainingArguments};

/// A decoder with the arguments that it is trained under.
pub struct Backbone {
    decoder: Decoder,
    checkpointing: bool,
    share_prefixes: bool,
}

impl Backbone {
    /// A decoder that keeps its activations and shares no rows.
    pub fn new(decoder: Decoder) -> Self {
        Self { decoder, checkpointing: false, share_prefixes: false }
    }

    /// The decoder as it is now.
    pub fn decoder(&self) -> &Decoder {
        &self.decoder
    }

    /// The trained decoder.
    pub fn into_decoder(self) -> Decoder {
        self.decoder
    }

    /// A batch's texts in the order of its samples, back to back or with the rows of equal prefixes shared, and the rows
    /// that predict their answers.
    pub fn pack<S: Sample>(&self, batch: &[S]) -> AnswerBatch {
        let texts: Vec<Vec<Answer<'_>>> = batch.iter().map(Sample::answers).collect();
        assert!(texts.iter().all(|texts| !texts.is_empty()), "what a decoder is trained on are texts");
        let answers = texts.concat();
        if self.share_prefixes { self.decoder.pack_answers(&answers) } else { AnswerBatch::apart(&answers) }
    }

    /// Hidden states: on the tape, with the adapter's dropout, in training; off it in evaluation. Shape: [T, D].
    ///
    /// # Errors
    /// When the batch cannot be run.
    pub fn forward(&self, batch: &PackedBatch, pass: Pass) -> Result<Hidden, TrainerError> {
        let dropout = self.decoder.lora().is_some_and(|lora| lora.lora_dropout > 0.0);
        let mode = match pass {
            Pass::Train { seed } => Mode::Train { dropout_seed: dropout.then_some(seed) },
            Pass::Evaluate => Mode::Evaluate,
        };
        Ok(self.decoder.forward(batch, mode)?)
    }

    /// Sets up what the arguments ask for; returns the device that the decoder is to be brought to.
    pub(crate) fn configure(&mut self, arguments: &TrainingArguments) -> Result<Device, TrainerError> {
        self.set_gradient_checkpointing(arguments.gradient_checkpointing);
        let device = Device::open_for(arguments.device, self.decoder.config())?;
        if arguments.bf16 || device.computes_in_bf16() {
            self.decoder.set_precision(Precision::Bf16)?;
        }
        if arguments.share_prefixes {
            self.share_prefixes(arguments.max_length)?;
        }
        Ok(device)
    }

    /// Brings the decoder to a device.
    pub(crate) fn bring_to(&mut self, device: &Device) -> Result<(), TrainerError> {
        Ok(self.decoder.to_device(device)?)
    }

    /// Lets activations be computed again in the backward pass instead of being kept.
    pub fn set_gradient_checkpointing(&mut self, on: bool) {
        self.checkpointing = on;
        self.decoder.set_gradient_checkpointing(on);
    }

    /// Computes what texts of a batch begin with alike once from now on; no text has more than `max_length` tokens.
    ///
    /// # Errors
    /// When the decoder's window would hide the beginning of such a text.
    pub fn share_prefixes(&mut self, max_length: usize) -> Result<(), TrainerError> {
        if let Some(window) = self.decoder.config().window().filter(|&window| window < max_length) {
            let reason = format!(
                "texts of `max_length` = {max_length} tokens do not fit into the model's `sliding_window` = {window}"
            );
            return Err(TrainerError::Arguments { key: "share_prefixes", value: "true".into(), reason, hint: "" });
        }
        self.share_prefixes = true;
        Ok(())
    }

    /// The name that Hugging Face and PEFT give the file of the decoder's variables.
    pub(crate) fn weights_file(&self) -> &'static str {
        if self.decoder.lora().is_some() { "adapter_model.safetensors" } else { "model.safetensors" }
    }

    /// Writes what belongs beside that file: `adapter_config.json` or `config.json`.
    pub(crate) fn save_description(&self, directory: &Path) -> Result<(), TrainerError> {
        match self.decoder.lora() {
            Some(_) => Ok(self.decoder.save_adapter_config(directory, None)?),
            None => write_json(&directory.join("config.json"), self.decoder.config()),
        }
    }

    /// What one micro-batch at a time will need, were it the longest, on a GPU or on the processor.
    pub(crate) fn memory_plan<S: Sample>(&self, longest_batch: &[S], on_gpu: bool) -> MemoryPlan {
        let batch = BatchSize::of(longest_batch, self.share_prefixes);
        decoder_plan(&self.decoder, batch, (self.checkpointing, on_gpu))
    }
}
