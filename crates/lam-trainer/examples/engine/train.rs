//! Training steps: forward, backward, AdamW.
//!
//! `--model DIR --finetuning full|lora|qlora-8bit|qlora-4bit --precision f32|bf16 --documents N --length N --steps N`
//! and perhaps `--checkpointing`

use lam_learn::{AdamW, AdamWConfig};
use lam_model::{Decoder, Finetuning, LoraConfig, Mode, PackedBatch, Target};
use serde_json::{Value, json};

use crate::Failure;
use crate::measure::{Stopwatch, status_mib, tokens};
use crate::options::{NotAvailable, Options};

const LEARNING_RATE: f64 = 1e-4;

fn load(options: &Options) -> Result<Decoder, Failure> {
    let finetuning = match options.text("finetuning")? {
        "full" => Finetuning::Full,
        "lora" => Finetuning::Lora(LoraConfig::default()),
        "qlora-8bit" => Finetuning::Qlora { lora: LoraConfig::default(), bits: 8 },
        "qlora-4bit" => Finetuning::Qlora { lora: LoraConfig::default(), bits: 4 },
        other => return Err(NotAvailable(format!("`--finetuning {other}`")).into()),
    };
    let mut decoder = Decoder::load(options.text("model")?.as_ref(), &finetuning, 1)?;
    decoder.set_precision(options.precision()?)?;
    decoder.set_gradient_checkpointing(options.has("checkpointing"));
    Ok(decoder)
}

/// Documents of one length, and every token but each document's first as a target of the mean loss.
pub fn documents(tokens: &[u32], length: usize) -> (PackedBatch, Vec<Target>) {
    let count = tokens.len() / length;
    let weight = 1.0 / (count * (length - 1)) as f32;
    let followed = (0..tokens.len()).filter(|i| i % length + 1 < length);
    let targets = followed.map(|position| Target { position, token: tokens[position + 1], weight }).collect();
    (PackedBatch { input_ids: tokens.to_vec(), lengths: vec![length; count], ..PackedBatch::default() }, targets)
}

fn batch(options: &Options, vocabulary: usize) -> Result<(PackedBatch, Vec<Target>), Failure> {
    let (count, length): (usize, usize) = (options.number("documents")?, options.number("length")?);
    Ok(documents(&tokens(count * length, vocabulary), length))
}

fn step(
    decoder: &Decoder,
    optimizer: &mut AdamW,
    (batch, targets): &(PackedBatch, Vec<Target>),
    seed: u64,
) -> Result<f32, Failure> {
    let hidden = decoder.forward(batch, Mode::Train { dropout_seed: Some(seed) })?;
    let loss = decoder.cross_entropy(&hidden, targets)?;
    let mut gradients = loss.backward()?;
    let variables = decoder.variables();
    let taken = variables.iter().map(|(name, variable)| {
        gradients.remove(variable).ok_or_else(|| Failure::from(format!("`{name}` has no gradient")))
    });
    optimizer.step(&taken.collect::<Result<Vec<_>, _>>()?, LEARNING_RATE, 1.0)?;
    Ok(loss.to_scalar()?)
}

pub fn run(options: &Options) -> Result<Value, Failure> {
    let decoder = load(options)?;
    let loaded_mib = status_mib("VmRSS")?;
    let config = AdamWConfig { beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.01 };
    let mut optimizer = AdamW::new(decoder.variables(), config)?;
    let data = batch(options, decoder.config().vocab_size)?;
    let (mut seconds, mut processor_seconds, mut losses) = (Vec::new(), Vec::new(), Vec::new());
    for seed in 0..=options.number("steps")? {
        let stopwatch = Stopwatch::start();
        losses.push(step(&decoder, &mut optimizer, &data, seed)?);
        let (wall, processor) = stopwatch.read();
        seconds.push(wall);
        processor_seconds.push(processor);
    }
    // The first step is a warm-up.
    Ok(json!({
        "seconds": seconds[1..], "processor_seconds": processor_seconds[1..], "count": data.0.tokens(),
        "losses": losses, "loaded_mib": loaded_mib, "peak_mib": status_mib("VmHWM")?,
        "trained": decoder.variables().iter().map(|(_, variable)| variable.elem_count()).sum::<usize>(),
    }))
}
