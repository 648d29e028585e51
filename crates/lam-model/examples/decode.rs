//! Tokens per second of cached generation after a prompt, at a few batch sizes.
//!
//! `cargo run --release -p lam-model --example decode -- [steps]`

use std::time::Instant;

use lam_model::{Decoder, Initialization};

type Failure = Box<dyn std::error::Error>;

/// Hidden, layers, heads, key-value heads, head width, feed-forward, vocabulary; tokens of the prompt.
const SHAPES: [(&str, [usize; 7], usize); 2] =
    [("quickstart", [160, 4, 5, 5, 32, 384, 2048], 250), ("28m", [512, 8, 8, 4, 64, 1408, 8192], 256)];

fn main() -> Result<(), Failure> {
    lam_model::tune_allocator();
    let steps = std::env::args().nth(1).map_or(Ok(40), |text| text.parse())?;
    for (name, [hidden, layers, heads, key_values, head_dim, feed_forward, vocabulary], prompt) in SHAPES {
        let config = serde_json::from_value(serde_json::json!({
            "model_type": "mistral", "hidden_size": hidden, "num_hidden_layers": layers,
            "num_attention_heads": heads, "num_key_value_heads": key_values, "head_dim": head_dim,
            "intermediate_size": feed_forward, "vocab_size": vocabulary, "max_position_embeddings": 1024,
        }))?;
        let decoder = Decoder::init(config, &Initialization::Normal, 1)?;
        let tokens: Vec<u32> = (0..prompt).map(|i| (i * 7919 % vocabulary) as u32).collect();
        for batch in [1, 8, 32] {
            let mut cache = decoder.new_cache(batch)?;
            let prompts: Vec<(usize, &[u32])> = (0..batch).map(|slot| (slot, tokens.as_slice())).collect();
            let start = Instant::now();
            decoder.decode(&mut cache, &prompts)?;
            let prefill = start.elapsed().as_secs_f64();
            let start = Instant::now();
            for step in 0..steps {
                let token = [(step * 31 % vocabulary) as u32];
                let inputs: Vec<(usize, &[u32])> = (0..batch).map(|slot| (slot, token.as_slice())).collect();
                decoder.decode(&mut cache, &inputs)?;
            }
            let seconds = start.elapsed().as_secs_f64();
            println!(
                "{name}, batch {batch}: {:.0} tokens/s, prompt {:.0} tokens/s",
                (batch * steps) as f64 / seconds,
                (batch * prompt) as f64 / prefill
            );
        }
    }
    Ok(())
}
