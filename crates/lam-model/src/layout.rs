//! Names and shapes of a Mistral's weights, as Hugging Face has them. Knows no numbers.

use crate::MistralConfig;

/// The linear layers of a block that can carry an adapter, in the order of the forward pass.
pub(crate) const MODULES: [&str; 7] = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];

/// Layers of a block that read the same inputs, as places in [`MODULES`].
pub(crate) const GROUPS: [std::ops::Range<usize>; 4] = [0..3, 3..4, 4..6, 6..7];

/// The module of the embedding.
pub(crate) const EMBEDDING: &str = "model.embed_tokens";
/// The module of the output layer.
pub(crate) const HEAD: &str = "lm_head";
/// The output layer's tensor.
pub(crate) const HEAD_WEIGHT: &str = "lm_head.weight";
/// The tensor of a scalar head. Shape: [1, D].
pub(crate) const SCORE: &str = "score.weight";

/// Name of a linear layer on disk.
pub(crate) fn linear_name(layer: usize, module: &str) -> String {
    let part = if matches!(module, "gate_proj" | "up_proj" | "down_proj") { "mlp" } else { "self_attn" };
    format!("model.layers.{layer}.{part}.{module}")
}

/// Output and input width of a linear layer.
pub(crate) fn linear_size(config: &MistralConfig, module: &str) -> (usize, usize) {
    let (d, f, e) = (config.hidden_size, config.intermediate_size, config.head_dim());
    match module {
        "q_proj" => (config.num_attention_heads * e, d),
        "k_proj" | "v_proj" => (config.num_key_value_heads * e, d),
        "o_proj" => (d, config.num_attention_heads * e),
        "down_proj" => (d, f),
        _ => (f, d),
    }
}

/// Name and shape of every tensor, in the order of the forward pass.
pub(crate) fn shapes(config: &MistralConfig) -> Vec<(String, Vec<usize>)> {
    let (v, d) = (config.vocab_size, config.hidden_size);
    let mut shapes = vec![("model.embed_tokens.weight".to_string(), vec![v, d])];
    for layer in 0..config.num_hidden_layers {
        for norm in ["input_layernorm", "post_attention_layernorm"] {
            shapes.push((format!("model.layers.{layer}.{norm}.weight"), vec![d]));
        }
        for module in MODULES {
            let (n, k) = linear_size(config, module);
            shapes.push((format!("{}.weight", linear_name(layer, module)), vec![n, k]));
        }
    }
    shapes.push(("model.norm.weight".into(), vec![d]));
    if !config.tie_word_embeddings {
        shapes.push((HEAD_WEIGHT.into(), vec![v, d]));
    }
    shapes
}

/// Every module with a weight and the weight's shape; the output layer is one even where it shares the embedding's.
pub(crate) fn modules(config: &MistralConfig) -> Vec<(String, Vec<usize>)> {
    let mut modules = shapes(config);
    for (name, _) in &mut modules {
        name.truncate(name.len() - ".weight".len());
    }
    if config.tie_word_embeddings {
        modules.push((HEAD.into(), vec![config.vocab_size, config.hidden_size]));
    }
    modules
}
