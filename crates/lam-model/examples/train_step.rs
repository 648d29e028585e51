//! Tokens per second of a training step at a few shapes: forward, backward and a plain update of every weight.
//!
//! `cargo run --release -p lam-model --example train_step -- [steps] [name…]`; the name `portable` sums products of bf16
//! in the order that is the same on every processor, and of `f32` and `bf16`, `full` and `lora` each leaves out the other.

use std::time::Instant;

use lam_model::{Decoder, DecoderConfig, Finetuning, Initialization, LoraConfig, Mode, PackedBatch, Target};

/// Processor time of this process so far, in seconds: what counts where other programs run beside it.
fn processor_seconds() -> f64 {
    // SAFETY: `clock_gettime` fills the structure that it is given.
    let time = unsafe {
        let mut time: libc::timespec = std::mem::zeroed();
        libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time);
        time
    };
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

type Failure = Box<dyn std::error::Error>;

/// Hidden, layers, heads, key-value heads, head width, feed-forward, vocabulary; documents and their length.
const SHAPES: [(&str, [usize; 7], [usize; 2]); 5] = [
    ("quickstart", [160, 4, 5, 5, 32, 384, 2048], [40, 100]),
    ("quickstart-batch", [160, 4, 5, 5, 32, 384, 2816], [10, 100]),
    ("quickstart-wide", [192, 4, 6, 6, 32, 576, 2048], [40, 100]),
    ("lora-28m", [512, 8, 8, 4, 64, 1408, 8192], [4, 512]),
    ("full-6m", [256, 6, 4, 2, 64, 704, 4096], [8, 256]),
];

fn config(sizes: [usize; 7]) -> Result<DecoderConfig, Failure> {
    let [hidden_size, layers, heads, key_values, head_dim, intermediate_size, vocab_size] = sizes;
    Ok(serde_json::from_value(serde_json::json!({
        "model_type": "mistral", "hidden_size": hidden_size, "num_hidden_layers": layers,
        "num_attention_heads": heads, "num_key_value_heads": key_values, "head_dim": head_dim,
        "intermediate_size": intermediate_size, "vocab_size": vocab_size, "max_position_embeddings": 1024,
        "rope_theta": 10000.0, "rms_norm_eps": 1e-5,
    }))?)
}

fn measure(name: &str, mode: &str, decoder: &Decoder, documents: [usize; 2], steps: usize) -> Result<(), Failure> {
    let vocabulary = decoder.config().vocab_size;
    let [count, length] = documents;
    let tokens: Vec<u32> = (0..count * length).map(|i| ((i * 7919 + i * i % 131) % vocabulary) as u32).collect();
    let batch = PackedBatch { input_ids: tokens.clone(), lengths: vec![length; count], ..PackedBatch::default() };
    let targets: Vec<Target> = (0..tokens.len())
        .filter(|i| i % length + 1 < length)
        .map(|position| Target { position, token: tokens[position + 1], weight: 1.0 / tokens.len() as f32 })
        .collect();
    let mut seconds = Vec::new();
    let mut losses = Vec::new();
    for _ in 0..=steps {
        let (start, processor) = (Instant::now(), processor_seconds());
        let hidden = decoder.forward(&batch, Mode::Train { dropout_seed: Some(1) })?;
        let loss = decoder.cross_entropy(&hidden, &targets)?;
        let forward = start.elapsed().as_secs_f64();
        let gradients = loss.backward()?;
        let backward = start.elapsed().as_secs_f64() - forward;
        for (_, variable) in decoder.variables() {
            if let Some(gradient) = gradients.get(&variable) {
                variable.set(&(variable.as_tensor() - (gradient * 0.1)?)?)?;
            }
        }
        losses.push(loss.to_scalar::<f32>()?);
        seconds.push([start.elapsed().as_secs_f64(), forward, backward, processor_seconds() - processor]);
    }
    let median = |part: usize| {
        let mut values: Vec<f64> = seconds[1..].iter().map(|s| s[part]).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    println!(
        "{name} {mode}: {:.2} M parameters, {:.0} tokens/s ({:.0} a processor second), step {:.0} ms (forward {:.0}, backward {:.0}), loss {:.3} to {:.3}",
        decoder.config().parameters() as f64 / 1e6,
        tokens.len() as f64 / median(0),
        tokens.len() as f64 / median(3),
        median(0) * 1e3,
        median(1) * 1e3,
        median(2) * 1e3,
        losses[0],
        losses[losses.len() - 1],
    );
    Ok(())
}

fn main() -> Result<(), Failure> {
    lam_model::tune_allocator();
    // SAFETY: no other thread runs yet.
    unsafe { lam_model::tune_threads() };
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let asked = |word: &str| arguments.iter().any(|argument| argument == word);
    let (in_f32, in_bf16) = (!asked("bf16"), !asked("f32"));
    let (of_all, of_adapters) = (!asked("lora"), !asked("full"));
    if asked("portable") {
        lam_model::Processor::choose(lam_cuda::Numerics::Portable);
    }
    const WORDS: [&str; 5] = ["portable", "f32", "bf16", "full", "lora"];
    let arguments: Vec<_> = arguments.into_iter().filter(|word| !WORDS.contains(&word.as_str())).collect();
    let steps = arguments.first().map_or(Ok(5), |text| text.parse())?;
    for (name, sizes, documents) in SHAPES {
        if arguments.len() > 1 && !arguments[1..].iter().any(|chosen| chosen == name) {
            continue;
        }
        let mut full = Decoder::init(config(sizes)?, &Initialization::Normal, 1)?;
        if of_all && name != "lora-28m" {
            if in_f32 {
                measure(name, "full", &full, documents, steps)?;
            }
            if in_bf16 {
                full.set_precision(lam_model::Precision::Bf16)?;
                measure(name, "full bf16", &full, documents, steps)?;
                full.set_precision(lam_model::Precision::F32)?;
            }
        }
        if of_adapters && name != "full-6m" {
            let directory = std::env::temp_dir().join(format!("train-step-{}", std::process::id()));
            full.save(&directory)?;
            let lora = Finetuning::Lora(LoraConfig::default());
            let mut decoder = Decoder::load(&directory, &lora, 1)?;
            std::fs::remove_dir_all(&directory)?;
            if in_f32 {
                measure(name, "lora", &decoder, documents, steps)?;
            }
            if in_bf16 {
                decoder.set_precision(lam_model::Precision::Bf16)?;
                measure(name, "lora bf16", &decoder, documents, steps)?;
            }
        }
    }
    Ok(())
}
