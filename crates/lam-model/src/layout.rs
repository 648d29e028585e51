//! Names and shapes of a decoder's weights, as Hugging Face has them. Knows no numbers.

use crate::DecoderConfig;

/// The linear layers of a block that can carry an adapter, in the order of the forward pass.
pub(crate) const MODULES: [&str; 7] = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];

/// Layers of a block that read the same inputs, as places in [`MODULES`].
pub(crate) const GROUPS: [std::ops::Range<usize>; 4] = [0..3, 3..4, 4..6, 6..7];

/// The norms over the heads of queries and of keys, where there are any.
pub(crate) const HEAD_NORMS: [&str; 2] = ["q_norm", "k_norm"];

/// The module of the embedding.
pub(crate) const EMBEDDING: &str = "model.embed_tokens";
/// The module of the output layer.
pub(crate) const HEAD: &str = "lm_head";
/// The output layer's tensor.
pub(crate) const HEAD_WEIGHT: &str = "lm_head.weight";
/// The tensor of a scalar head. Shape: [1, D].
pub(crate) const SCORE: &str = "score.weight";

/// What the name of a bias ends with.
pub(crate) const BIAS: &str = ".bias";

/// Name of a linear layer on disk.
pub(crate) fn linear_name(layer: usize, module: &str) -> String {
    let part = if matches!(module, "gate_proj" | "up_proj" | "down_proj") { "mlp" } else { "self_attn" };
    format!("model.layers.{layer}.{part}.{module}")
}

/// Name of a norm over the heads of queries or keys, in the order of [`HEAD_NORMS`].
pub(crate) fn head_norm_name(layer: usize, norm: &str) -> String {
    format!("model.layers.{layer}.self_attn.{norm}.weight")
}

/// Whether a linear layer has a bias.
pub(crate) fn has_bias(config: &DecoderConfig, module: &str) -> bool {
    config.model_type.has_biases() && matches!(module, "q_proj" | "k_proj" | "v_proj")
}

/// Output and input width of a linear layer.
pub(crate) fn linear_size(config: &DecoderConfig, module: &str) -> (usize, usize) {
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
pub(crate) fn shapes(config: &DecoderConfig) -> Vec<(String, Vec<usize>)> {
    let (v, d) = (config.vocab_size, config.hidden_size);
    let mut shapes = vec![("model.embed_tokens.weight".to_string(), vec![v, d])];
    for layer in 0..config.num_hidden_layers {
        for norm in ["input_layernorm", "post_attention_layernorm"] {
            shapes.push((format!("model.layers.{layer}.{norm}.weight"), vec![d]));
        }
        for module in MODULES {
            let (n, k) = linear_size(config, module);
            shapes.push((format!("{}.weight", linear_name(layer, module)), vec![n, k]));
            if has_bias(config, module) {
                shapes.push((format!("{}{BIAS}", linear_name(layer, module)), vec![n]));
            }
        }
        for norm in HEAD_NORMS.iter().filter(|_| config.model_type.has_head_norms()) {
            shapes.push((head_norm_name(layer, norm), vec![config.head_dim()]));
        }
    }
    shapes.push(("model.norm.weight".into(), vec![d]));
    if !config.tie_word_embeddings {
        shapes.push((HEAD_WEIGHT.into(), vec![v, d]));
    }
    shapes
}

/// Every module with a weight and the weight's shape; the output layer is one even where it shares the embedding's.
pub(crate) fn modules(config: &DecoderConfig) -> Vec<(String, Vec<usize>)> {
    let module = |(name, shape): (String, Vec<usize>)| Some((name.strip_suffix(".weight")?.to_owned(), shape));
    let mut modules: Vec<_> = shapes(config).into_iter().filter_map(module).collect();
    if config.tie_word_embeddings {
        modules.push((HEAD.into(), vec![config.vocab_size, config.hidden_size]));
    }
    modules
}
