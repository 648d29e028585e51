//! Greedy tokens of the generation loop after a prompt, many requests at once.
//!
//! `--model DIR --weights f32|bf16|q8_0 --batch N --prompt N --tokens N`; on a GPU `--device cuda --weights bf16|q8_0|q4`, and
//! perhaps `--plain`, without CUDA graphs

use lam_inference::{CachedDecoder, GenerationRequest, Generator, Sampling};
use lam_model::{AdapterUse, CacheOptions, Decoder, Device, Finetuning, ModelSource, Precision, WeightFormat};
use serde_json::{Value, json};

use crate::Failure;
use crate::measure::{Stopwatch, status_mib, tokens};
use crate::options::{NotAvailable, Options};
use crate::work::finetuning;

/// How many requests, how long each prompt, and how many tokens after the first.
pub struct Requests {
    pub batch: usize,
    pub prompt: usize,
    pub tokens: usize,
}

/// One request a prompt.
fn requests(prompts: &[u32], length: usize, answer: usize) -> Vec<GenerationRequest> {
    let request = |prompt: &[u32]| GenerationRequest {
        prompt: prompt.to_vec(),
        constraint: None,
        sampling: Sampling::default(),
        max_new_tokens: answer,
        stop_tokens: Vec::new(),
        logprobs: false,
        logprob_temperature: 1.0,
        top_logprobs: 0,
        adapter: None,
    };
    prompts.chunks(length).map(request).collect()
}

/// Answers all: seconds to the first token of each, then wall and processor seconds of the rest.
fn generate(generator: &mut Generator<'_>, requests: Vec<GenerationRequest>) -> Result<(f64, f64, f64), Failure> {
    for request in requests {
        generator.submit(request)?;
    }
    let stopwatch = Stopwatch::start();
    generator.step()?;
    let (prompt, _) = stopwatch.read();
    let stopwatch = Stopwatch::start();
    while !generator.is_idle() {
        generator.step()?;
    }
    let (wall, processor) = stopwatch.read();
    Ok((prompt, wall, processor))
}

/// Figures of a decoder that is on a GPU.
pub fn on_device(
    decoder: &Decoder,
    device: &lam_cuda::Device,
    &Requests { batch, prompt, tokens: count }: &Requests,
    graphs: bool,
) -> Result<Value, Failure> {
    let loaded_bytes = device.used();
    device.reset_peak();
    // The adapter under which weights are quantised is left out.
    let options = CacheOptions { adapter: AdapterUse::Apart, ..CacheOptions::default() };
    let mut cache = decoder.new_cache_with(batch, options)?;
    cache.set_graphs(graphs);
    let mut generator = Generator::over(Box::new(CachedDecoder::from(cache)));
    let prompts = tokens(2 * batch * prompt, decoder.config().vocab_size);
    let (measured, others) = prompts.split_at(batch * prompt);
    // A warm-up of the same shapes over other prompts: kernels are compiled, algorithms chosen, steps captured.
    generate(&mut generator, requests(others, prompt, count + 1))?;
    let (prompt_seconds, wall, processor) = generate(&mut generator, requests(measured, prompt, count + 1))?;
    Ok(json!({
        "seconds": [wall], "processor_seconds": [processor], "count": batch * count, "prompt_seconds": prompt_seconds,
        "peak_bytes": device.peak(), "loaded_bytes": loaded_bytes,
    }))
}

fn run_on_device(options: &Options) -> Result<Value, Failure> {
    let weights = options.text("weights")?;
    if !["bf16", "q8_0", "q4"].contains(&weights) {
        return Err(NotAvailable(format!("`--weights {weights}` on a GPU")).into());
    }
    let target = Device::open(options.text("device")?.parse()?)?;
    let Device::Cuda(device) = &target else { return Err("`--device` names no GPU; hint: cuda".into()) };
    let mut decoder = Decoder::load(options.text("model")?.as_ref(), &finetuning(weights)?, 1)?;
    decoder.set_precision(Precision::Bf16)?;
    decoder.to_device(&target)?;
    let requests = Requests {
        batch: options.number("batch")?,
        prompt: options.number("prompt")?,
        tokens: options.number("tokens")?,
    };
    on_device(&decoder, device, &requests, !options.has("plain"))
}

pub fn run(options: &Options) -> Result<Value, Failure> {
    if options.has("device") {
        return run_on_device(options);
    }
    let weights = match options.text("weights")? {
        "f32" => WeightFormat::F32,
        "bf16" => WeightFormat::Bf16,
        "q8_0" => WeightFormat::Q8,
        "q4" => WeightFormat::Q4,
        other => return Err(NotAvailable(format!("`--weights {other}`")).into()),
    };
    // In 4 bits, weights are laid out as they were quantised, and the adapter that quantising asks for is left out.
    let in_four_bits = weights == WeightFormat::Q4;
    let kind = if in_four_bits { finetuning("q4")? } else { Finetuning::Frozen };
    let decoder = ModelSource::open(options.text("model")?.as_ref(), None)?.load_to_ask(&kind, 1)?;
    let adapter = if in_four_bits { AdapterUse::Apart } else { AdapterUse::Merged };
    let loaded_mib = status_mib("VmRSS")?;
    let (batch, length): (usize, usize) = (options.number("batch")?, options.number("prompt")?);
    let (prompts, count) = (tokens(batch * length, decoder.config().vocab_size), options.number::<usize>("tokens")?);
    let cache = decoder.into_cache(batch, CacheOptions { adapter, ..CacheOptions::of(weights) })?;
    let mut generator = Generator::over(Box::new(CachedDecoder::from(cache)));
    // A warm-up, then the measurement. The first token belongs to the prompt.
    generate(&mut generator, requests(&prompts[prompts.len() - batch * 8..], 8, 3))?;
    let (prompt, wall, processor) = generate(&mut generator, requests(&prompts, length, count + 1))?;
    Ok(json!({
        "seconds": [wall], "processor_seconds": [processor], "count": batch * count,
        "prompt_seconds": prompt, "loaded_mib": loaded_mib, "peak_mib": status_mib("VmHWM")?,
    }))
}
