//! `model`: made from nothing, or looked into.

use std::path::Path;

use lam_model::{Decoder, Finetuning, Initialization};
use lam_prompt::Renderer;
use serde_json::json;

use crate::args::ModelCommand;
use crate::output::Output;
use crate::registry::models::not_a_model;

/// Does what was typed.
pub fn run(command: &ModelCommand, output: &Output) -> anyhow::Result<()> {
    match command {
        ModelCommand::Init { config, output_dir, seed } => init(config, output_dir, *seed, output),
        ModelCommand::Inspect { model } => inspect(model, output),
    }
}

fn init(config: &str, directory: &Path, seed: u64, output: &Output) -> anyhow::Result<()> {
    let decoder = Decoder::init(lam_base::model_config(config)?, &Initialization::Normal, seed)?;
    decoder.save(directory)?;
    let parameters = decoder.config().parameters();
    output.line(&format!("{}: {parameters} parameters, seed {seed}", directory.display()));
    output.value(&json!({ "model": directory, "parameters": parameters, "seed": seed }))
}

fn inspect(directory: &Path, output: &Output) -> anyhow::Result<()> {
    if !directory.join("config.json").is_file() {
        return Err(not_a_model(directory).into());
    }
    let decoder = Decoder::load(directory, &Finetuning::Frozen, 0)?;
    let config = decoder.config();
    let renderer = Renderer::load(directory);
    let (tokens, template) = match &renderer {
        Ok(renderer) => {
            (Some(renderer.tokenizer().vocab_size()), if renderer.is_compact() { "compact" } else { "mistral chat" })
        }
        Err(_) => (None, "no usable tokenizer"),
    };
    let facts = json!({
        "parameters": config.parameters(),
        "hidden_size": config.hidden_size,
        "num_hidden_layers": config.num_hidden_layers,
        "num_attention_heads": config.num_attention_heads,
        "num_key_value_heads": config.num_key_value_heads,
        "head_dim": config.head_dim(),
        "intermediate_size": config.intermediate_size,
        "vocab_size": config.vocab_size,
        "rope_theta": config.theta(),
        "sliding_window": config.sliding_window,
        "tokenizer_entries": tokens,
        "template": template,
        "content_hash": lam_store::hash_path(directory)?,
    });
    for (name, value) in facts.as_object().expect("made above as an object") {
        output.line(&format!("{name:<22}{value}"));
    }
    output.value(&facts)
}
