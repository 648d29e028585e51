//! Tokens per second of cached generation after a prompt, at a few shapes, batch sizes and weight formats.
//!
//! `cargo run --release -p lam-model --example decode -- [--steps N] [--shape NAME] [--format f32|bf16|q8] [--batch N]
//! [--share]`; with `--share` all requests hold one prompt together. Threads are rayon's: `RAYON_NUM_THREADS`.

use std::time::Instant;

use lam_model::{CacheOptions, Decoder, Initialization, WeightFormat};

type Failure = Box<dyn std::error::Error>;

/// Hidden, layers, heads, key-value heads, head width, feed-forward, vocabulary; tokens of the prompt.
const SHAPES: [(&str, [usize; 7], usize); 3] = [
    ("quickstart", [160, 4, 5, 5, 32, 384, 2048], 250),
    ("28m", [512, 8, 8, 4, 64, 1408, 8192], 256),
    ("mistral-slice", [4096, 2, 32, 8, 128, 14336, 32768], 256),
];
const FORMATS: [(&str, WeightFormat); 3] =
    [("f32", WeightFormat::F32), ("bf16", WeightFormat::Bf16), ("q8", WeightFormat::Q8)];

/// What was asked for on the command line.
struct Options {
    steps: usize,
    shape: Option<String>,
    format: Option<String>,
    batch: Option<usize>,
    share: bool,
}

fn options() -> Result<Options, Failure> {
    let mut options = Options { steps: 40, shape: None, format: None, batch: None, share: false };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        if name == "--share" {
            options.share = true;
            continue;
        }
        let value = arguments.next().ok_or_else(|| format!("`{name}` wants a value"))?;
        match name.as_str() {
            "--steps" => options.steps = value.parse()?,
            "--shape" => options.shape = Some(value),
            "--format" => options.format = Some(value),
            "--batch" => options.batch = Some(value.parse()?),
            _ => return Err(format!("`{name}` is not known").into()),
        }
    }
    Ok(options)
}

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

fn measure(
    decoder: &Decoder,
    format: WeightFormat,
    (batch, prompt, steps): (usize, usize, usize),
    share: bool,
) -> Result<String, Failure> {
    let vocabulary = decoder.config().vocab_size;
    let tokens: Vec<u32> = (0..prompt).map(|i| (i * 7919 % vocabulary) as u32).collect();
    let mut cache = decoder.new_cache_with(batch, CacheOptions::of(format))?;
    let prompts: Vec<(usize, &[u32])> = (0..batch).map(|slot| (slot, tokens.as_slice())).collect();
    let mut prefill = f64::INFINITY;
    for _ in 0..2 {
        (0..batch).for_each(|slot| cache.truncate(slot, 0));
        let start = Instant::now();
        cache.decode(if share { &prompts[..1] } else { &prompts })?;
        (1..batch).filter(|_| share).for_each(|slot| cache.copy_prefix(0, slot, prompt));
        prefill = prefill.min(start.elapsed().as_secs_f64());
    }
    let mut seconds = Vec::new();
    let (start, processor) = (Instant::now(), processor_seconds());
    for step in 0..steps {
        let token = [(step * 31 % vocabulary) as u32];
        let inputs: Vec<(usize, &[u32])> = (0..batch).map(|slot| (slot, token.as_slice())).collect();
        let start = Instant::now();
        cache.decode(&inputs)?;
        seconds.push(start.elapsed().as_secs_f64());
    }
    let (wall, processor) = (start.elapsed().as_secs_f64(), processor_seconds() - processor);
    seconds.sort_by(f64::total_cmp);
    Ok(format!(
        "{:.0} tokens/s (median step {:.2} ms: {:.0}; least {:.2} ms; {:.0} a processor second), prompt {:.0} tokens/s",
        (batch * steps) as f64 / wall,
        seconds[steps / 2] * 1e3,
        batch as f64 / seconds[steps / 2],
        seconds[0] * 1e3,
        (batch * steps) as f64 / processor,
        (if share { 1 } else { batch } * prompt) as f64 / prefill
    ))
}

fn main() -> Result<(), Failure> {
    lam_model::tune_allocator();
    // SAFETY: no other thread runs yet.
    unsafe { lam_model::tune_threads() };
    let options = options()?;
    let chosen = |wanted: &Option<String>, name: &str| wanted.as_ref().is_none_or(|wanted| wanted == name);
    for (name, [hidden, layers, heads, key_values, head_dim, feed_forward, vocabulary], prompt) in SHAPES {
        if !chosen(&options.shape, name) {
            continue;
        }
        let config = serde_json::from_value(serde_json::json!({
            "model_type": "mistral", "hidden_size": hidden, "num_hidden_layers": layers,
            "num_attention_heads": heads, "num_key_value_heads": key_values, "head_dim": head_dim,
            "intermediate_size": feed_forward, "vocab_size": vocabulary, "max_position_embeddings": 1024,
        }))?;
        let decoder = Decoder::init(config, &Initialization::Normal, 1)?;
        for (format_name, format) in FORMATS.into_iter().filter(|(name, _)| chosen(&options.format, name)) {
            for batch in
                [1, 4, 8, 16, 32, 64].into_iter().filter(|&batch| options.batch.is_none_or(|wanted| wanted == batch))
            {
                let result = measure(&decoder, format, (batch, prompt, options.steps), options.share)?;
                println!("{name}, {format_name}, batch {batch}: {result}");
            }
        }
    }
    Ok(())
}
