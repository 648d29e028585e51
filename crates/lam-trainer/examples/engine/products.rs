//! The engine's matrix products at the shapes of a model's linear layers, in GFLOP/s: forward and backward by the input.
//!
//! `--model DIR --precision f32|bf16 --tokens N`, and perhaps `--bits 8|4`: by weights in GGUF's blocks, in bf16

use lam_model::{DecoderConfig, MatrixProduct, Precision};
use serde_json::{Value, json};

use crate::Failure;
use crate::measure::Stopwatch;
use crate::options::Options;

/// Seconds that a shape is measured for at least.
const SECONDS: f64 = 1.0;

/// Outputs and inputs of the linear layers of a block.
fn shapes(config: &DecoderConfig) -> [(usize, usize); 4] {
    let (d, f, e) = (config.hidden_size, config.intermediate_size, config.head_dim());
    [(config.num_attention_heads * e, d), (config.num_key_value_heads * e, d), (f, d), (d, f)]
}

/// GFLOP/s of the fastest forward and backward, by the clock on the wall and by processor time; products that took longer
/// were disturbed. Beside other programs a product of milliseconds is never undisturbed on the wall.
fn gflops(mut product: MatrixProduct) -> [f64; 2] {
    let whole = Stopwatch::start();
    let (mut forward, mut backward) = ([f64::INFINITY; 2], [f64::INFINITY; 2]);
    while whole.read().0 < SECONDS {
        let stopwatch = Stopwatch::start();
        product.forward();
        let halfway = stopwatch.read();
        product.backward();
        let end = stopwatch.read();
        forward = [forward[0].min(halfway.0), forward[1].min(halfway.1)];
        backward = [backward[0].min(end.0 - halfway.0), backward[1].min(end.1 - halfway.1)];
    }
    [0, 1].map(|clock| 2.0 * product.operations() as f64 / (forward[clock] + backward[clock]) / 1e9)
}

pub fn run(options: &Options) -> Result<Value, Failure> {
    let path = std::path::Path::new(options.text("model")?).join("config.json");
    let config: DecoderConfig = serde_json::from_str(&std::fs::read_to_string(path)?)?;
    let (precision, tokens) = (options.precision()?, options.number("tokens")?);
    let bits: Option<u8> = options.has("bits").then(|| options.number("bits")).transpose()?;
    if bits.is_some() && precision != Precision::Bf16 {
        return Err("`--bits` is measured in bf16; hint: --precision bf16".into());
    }
    let mut figures = Vec::new();
    for (n, k) in shapes(&config) {
        let product = match bits {
            Some(bits) => MatrixProduct::quantised((tokens, n, k), bits)
                .ok_or_else(|| format!("`--bits {bits}`: rows of {k} have no such blocks; hint: 8 or 4"))?,
            None => MatrixProduct::new((tokens, n, k), precision),
        };
        let [wall, processor] = gflops(product);
        figures.push(json!({ "m": tokens, "n": n, "k": k, "gflops": wall, "gflops_by_processor_time": processor }));
    }
    Ok(json!({ "products": figures }))
}
