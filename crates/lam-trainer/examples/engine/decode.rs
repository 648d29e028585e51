//! Greedy tokens of the generation loop after a prompt, many requests at once.
//!
//! `--model DIR --weights f32|bf16|q8_0 --batch N --prompt N --tokens N`; with `--device cuda` it ends with 3 until tokens are
//! generated there

use lam_inference::{CachedDecoder, GenerationRequest, Generator, Sampling};
use lam_model::{CacheOptions, Decoder, Finetuning, WeightFormat};
use serde_json::{Value, json};

use crate::Failure;
use crate::measure::{Stopwatch, status_mib, tokens};
use crate::options::{NotAvailable, Options};

/// One request a prompt.
fn requests(prompts: &[u32], length: usize, answer: usize) -> Vec<GenerationRequest> {
    let request = |prompt: &[u32]| GenerationRequest {
        prompt: prompt.to_vec(),
        constraint: None,
        sampling: Sampling::default(),
        max_new_tokens: answer,
        stop_tokens: Vec::new(),
        stop_strings: None,
        logprobs: false,
        logprob_temperature: 1.0,
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

pub fn run(options: &Options) -> Result<Value, Failure> {
    if options.has("device") {
        return Err(NotAvailable("generation on a GPU".into()).into());
    }
    let weights = match options.text("weights")? {
        "f32" => WeightFormat::F32,
        "bf16" => WeightFormat::Bf16,
        "q8_0" => WeightFormat::Q8,
        other => return Err(NotAvailable(format!("`--weights {other}`")).into()),
    };
    let decoder = Decoder::load(options.text("model")?.as_ref(), &Finetuning::Frozen, 1)?;
    let loaded_mib = status_mib("VmRSS")?;
    let (batch, length): (usize, usize) = (options.number("batch")?, options.number("prompt")?);
    let (prompts, count) = (tokens(batch * length, decoder.config().vocab_size), options.number::<usize>("tokens")?);
    let cache = decoder.into_cache(batch, CacheOptions::of(weights))?;
    let mut generator = Generator::over(Box::new(CachedDecoder::from(cache)));
    // A warm-up, then the measurement. The first token belongs to the prompt.
    generate(&mut generator, requests(&prompts[prompts.len() - batch * 8..], 8, 3))?;
    let (prompt, wall, processor) = generate(&mut generator, requests(&prompts, length, count + 1))?;
    Ok(json!({
        "seconds": [wall], "processor_seconds": [processor], "count": batch * count,
        "prompt_seconds": prompt, "loaded_mib": loaded_mib, "peak_mib": status_mib("VmHWM")?,
    }))
}
