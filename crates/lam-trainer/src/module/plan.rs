//! What a decoder needs in memory for a batch, and what it would need with other settings.

use lam_model::{Decoder, DecoderConfig, Finetuning, LoraConfig, ModelError, PANEL_BYTES, Precision};

use crate::limits::rows_of;
use crate::memory::Alternative;
use crate::{MemoryPlan, Sample};

/// Positions whose logits exist at a time.
const LOGITS_AT_ONCE: usize = 512;

/// What memory depends on in a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BatchSize {
    /// Tokens that are computed for all its samples.
    pub(crate) tokens: usize,
    /// Tokens of the longest one.
    pub(crate) longest_sample: usize,
    /// Positions that are scored against the vocabulary.
    pub(crate) scored: usize,
}

impl BatchSize {
    /// The size of a batch of texts; where `share_prefixes`, what they begin with alike is computed once.
    pub(crate) fn of<S: Sample>(batch: &[S], share_prefixes: bool) -> Self {
        Self {
            tokens: rows_of(&batch.iter().collect::<Vec<_>>(), share_prefixes),
            longest_sample: batch.iter().map(Sample::tokens).max().unwrap_or(0),
            scored: batch.iter().flat_map(Sample::answers).map(|answer| answer.predicted_tokens()).sum(),
        }
    }
}

/// What a decoder needs for a batch, and what it would need with other settings.
pub(crate) fn decoder_plan(decoder: &Decoder, batch: BatchSize, (checkpointing, on_gpu): (bool, bool)) -> MemoryPlan {
    plan_of(&Model::of(decoder, on_gpu), batch, checkpointing)
}

/// What a model of this shape would need for `tokens`, of which the longest sample has so many; it need not be there. Its
/// frozen weights are in bf16, or quantised, and it computes in bf16, `on_gpu` or on the processor.
///
/// # Errors
/// An adapter that no such model can have.
pub fn planned(
    config: &DecoderConfig,
    finetuning: &Finetuning,
    (tokens, longest_sample): (usize, usize),
    (checkpointing, on_gpu): (bool, bool),
) -> Result<MemoryPlan, ModelError> {
    let batch = BatchSize { tokens, longest_sample: longest_sample.min(tokens), scored: tokens };
    Ok(plan_of(&Model::unloaded(config, finetuning, on_gpu)?, batch, checkpointing))
}

fn plan_of(model: &Model<'_>, batch: BatchSize, checkpointing: bool) -> MemoryPlan {
    let shape = model.shape;
    let bf16 = model.precision == Precision::Bf16;
    let chosen = Settings { batch, checkpointing, bf16 };
    let plan = plan(model, chosen);
    let one_sample =
        BatchSize { tokens: batch.longest_sample, scored: batch.scored.min(batch.longest_sample), ..batch };
    let least = Settings { batch: one_sample, checkpointing: true, bf16: true };
    let mut alternatives = Vec::new();
    let mut add = |settings: &str, total: u64| alternatives.push(Alternative { settings: settings.into(), total });
    let with = |settings: Settings| self::plan(model, settings).total();
    if !bf16 {
        add("`bf16 = true`", with(Settings { bf16: true, ..chosen }));
    }
    if !checkpointing {
        add("`gradient_checkpointing = true`", with(Settings { checkpointing: true, ..chosen }));
    }
    let together = "`per_device_train_batch_size = 1`, `gradient_checkpointing = true` and `bf16 = true`";
    add(together, with(least));
    let least = with(least);
    match model.lora {
        None => {
            // Of frozen weights a GPU has the copy in bf16 alone.
            let masters = if model.on_gpu { plan.trained / 3 * 2 } else { 0 };
            let spared = plan.gradients + plan.moments + masters;
            add("`finetuning_type = \"lora\"`", plan.total() - spared);
            add(&format!("`finetuning_type = \"lora\"`, {together}"), least - spared);
        }
        Some(_) if shape.frozen_linears > quantised(shape.linears, 4) => {
            let needed = quantised(shape.linears, 4) + if model.on_gpu { panel_bytes(model.config) } else { 0 };
            let spared = |frozen_linears: u64| frozen_linears.saturating_sub(needed);
            add("`finetuning_type = \"qlora\"`", plan.total() - spared(shape.frozen_linears));
            let narrowed = shape.frozen_linears.min(2 * shape.linears);
            add(&format!("`finetuning_type = \"qlora\"`, {together}"), least - spared(narrowed));
        }
        Some(_) => {}
    }
    alternatives.retain(|other| other.total < plan.total());
    MemoryPlan { alternatives, ..plan }
}

/// What a plan can be asked for.
#[derive(Clone, Copy)]
struct Settings {
    batch: BatchSize,
    checkpointing: bool,
    bf16: bool,
}

/// What a plan needs to know of a model.
struct Model<'a> {
    config: &'a DecoderConfig,
    shape: Shape,
    /// The part of the plan that follows from what is trained.
    trained: MemoryPlan,
    lora: Option<&'a LoraConfig>,
    precision: Precision,
    /// Whether it computes in bf16 whatever its precision: on a GPU.
    on_gpu: bool,
}

impl<'a> Model<'a> {
    fn of(decoder: &'a Decoder, on_gpu: bool) -> Self {
        Self {
            config: decoder.config(),
            shape: Shape::of(decoder),
            trained: of_trained(decoder.variables().iter().map(|(_, var)| var.elem_count() as u64).sum(), on_gpu),
            lora: decoder.lora(),
            precision: decoder.precision(),
            on_gpu,
        }
    }

    fn unloaded(config: &'a DecoderConfig, finetuning: &'a Finetuning, on_gpu: bool) -> Result<Self, ModelError> {
        let (linears, all) = (linear_weights(config), config.parameters() as u64);
        let (lora, frozen_linears, variables) = match finetuning {
            Finetuning::Full => (None, 0, all),
            Finetuning::Frozen => (None, 2 * linears, 0),
            Finetuning::Lora(lora) => (Some(lora), 2 * linears, lora.parameters(config)? as u64),
            Finetuning::Qlora { lora, bits } => {
                (Some(lora), quantised(linears, *bits), lora.parameters(config)? as u64)
            }
        };
        let frozen = if *finetuning == Finetuning::Full { 0 } else { frozen_linears + 2 * (all - linears) };
        Ok(Self {
            config,
            shape: Shape { linears, frozen_linears, frozen },
            trained: of_trained(variables, on_gpu),
            lora,
            precision: Precision::Bf16,
            on_gpu,
        })
    }
}

/// What so many trained values take. A GPU computes with a copy of them in bf16.
fn of_trained(values: u64, on_gpu: bool) -> MemoryPlan {
    let trained = if on_gpu { 6 } else { 4 };
    MemoryPlan { trained: trained * values, gradients: 4 * values, moments: 8 * values, ..MemoryPlan::default() }
}

/// Sizes of a decoder that a plan needs.
#[derive(Clone, Copy)]
struct Shape {
    /// Weights in the blocks' linear layers.
    linears: u64,
    /// Bytes that these take now, where they are frozen.
    frozen_linears: u64,
    /// Bytes of all frozen weights.
    frozen: u64,
}

impl Shape {
    fn of(decoder: &Decoder) -> Self {
        let config = decoder.config();
        let linears = linear_weights(config);
        let trained = MemoryPlan::of_variables(&decoder.variables()).trained;
        let frozen = (decoder.weight_bytes() as u64).saturating_sub(trained);
        let rest = config.parameters() as u64 - linears;
        let rest = if decoder.precision() == Precision::Bf16 { 2 * rest } else { 4 * rest };
        Self { linears, frozen_linears: frozen.saturating_sub(rest), frozen }
    }
}

/// Weights in the blocks' linear layers.
fn linear_weights(config: &DecoderConfig) -> u64 {
    let (query, key_value) = (config.num_attention_heads, config.num_key_value_heads);
    let attention = 2 * (query + key_value) * config.head_dim() * config.hidden_size;
    let feed_forward = 3 * config.hidden_size * config.intermediate_size;
    (config.num_hidden_layers * (attention + feed_forward)) as u64
}

/// Bytes of weights in Q4_K, 4.5 bits each, or Q8_0, 8.5.
fn quantised(weights: u64, bits: u8) -> u64 {
    weights * (2 * u64::from(bits) + 1) / 16
}

/// Bytes of the part of a quantised weight that a GPU has expanded at a time; how many tokens there are does not matter.
fn panel_bytes(config: &DecoderConfig) -> u64 {
    let rows = (config.num_attention_heads + 2 * config.num_key_value_heads) * config.head_dim();
    let largest = rows.max(2 * config.intermediate_size) * config.hidden_size;
    PANEL_BYTES.min(2 * largest) as u64
}

fn plan(model: &Model<'_>, settings: Settings) -> MemoryPlan {
    let Settings { batch, checkpointing, bf16 } = settings;
    let (config, shape) = (model.config, model.shape);
    let rank = model.lora.map_or(0, |lora| lora.lora_r * lora.modules().map_or(0, |modules| modules.len()));
    let adapters = if checkpointing { rank } else { config.num_hidden_layers * rank };
    let inner_values = (if bf16 { 2 } else { 4 }) * adapters * batch.tokens;
    // A GPU keeps what the groups read, with the adapters' inner values, instead of making it again.
    let layers = if checkpointing { 1 } else { config.num_hidden_layers };
    let norms = if model.on_gpu { 4 * layers * config.hidden_size * batch.tokens } else { 0 };
    let narrowed = bf16 && model.precision == Precision::F32 && shape.frozen_linears > 2 * shape.linears;
    let is_quantised = shape.frozen_linears > 0 && shape.frozen_linears < 2 * shape.linears;
    let panel = if model.on_gpu && is_quantised { panel_bytes(config) } else { 0 };
    MemoryPlan {
        frozen: if narrowed { shape.frozen / 2 } else { shape.frozen } + panel,
        activations: activation_bytes(config, batch.tokens, checkpointing, bf16) + (inner_values + norms) as u64,
        logits: logit_bytes(config, batch.scored),
        longest_batch_tokens: batch.tokens as u64,
        longest_sample_tokens: batch.longest_sample as u64,
        ..model.trained.clone()
    }
}

/// Bytes that such a model keeps, or uses at a time, for the backward pass of `tokens`; an estimate.
pub fn activation_bytes(config: &DecoderConfig, tokens: usize, checkpointing: bool, bf16: bool) -> u64 {
    let (width, inner) = (config.hidden_size, config.intermediate_size);
    let query = config.num_attention_heads * config.head_dim();
    let key_value = 2 * config.num_key_value_heads * config.head_dim();
    let activation = if bf16 { 2 } else { 4 };
    // A block keeps queries, keys and values, attention's output, gate and up in the run's precision, and attention's
    // sums and the residual stream in its middle in f32.
    let tape = activation * (2 * query + key_value + 2 * inner) + 4 * (config.num_attention_heads + width);
    // Its backward adds, in its hungrier half, the feed-forward's product and gradients, or attention's.
    // Where heads are normed, queries and keys are there once more.
    let again = if config.model_type.has_head_norms() { query + key_value / 2 } else { 0 };
    let backward = 4 * (3 * width + (2 * inner).max(2 * query + key_value + again));
    let blocks = config.num_hidden_layers;
    let kept = 4 * blocks * width + if checkpointing { tape } else { blocks * tape };
    // Hidden states, their gradient, and the last block's output.
    let ends = 4 * 4 * width;
    ((kept + backward + ends) * tokens) as u64
}

/// Bytes of the logits that exist at a time, with what their gradient needs, where so many positions are scored.
pub fn logit_bytes(config: &DecoderConfig, scored: usize) -> u64 {
    (4 * scored.min(LOGITS_AT_ONCE) * (config.vocab_size + 2 * config.hidden_size)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gpu_needs_room_for_a_panel_of_quantised_weights() {
        let config: DecoderConfig = serde_json::from_value(serde_json::json!({
            "model_type": "mistral", "hidden_size": 4096, "num_hidden_layers": 2, "num_attention_heads": 32,
            "num_key_value_heads": 8, "intermediate_size": 14336, "vocab_size": 1000
        }))
        .unwrap();
        let frozen = |finetuning: &Finetuning, on_gpu: bool| {
            planned(&config, finetuning, (64, 64), (true, on_gpu)).unwrap().frozen
        };
        let lora = LoraConfig::default();
        let quantised = Finetuning::Qlora { lora: lora.clone(), bits: 4 };
        assert_eq!(frozen(&quantised, true), frozen(&quantised, false) + (32 << 20));
        let plain = Finetuning::Lora(lora);
        assert_eq!(frozen(&plain, true), frozen(&plain, false));
    }

    #[test]
    fn a_gpu_has_a_copy_of_what_is_trained_and_one_sum_of_gradients() {
        let config: DecoderConfig = serde_json::from_value(serde_json::json!({
            "model_type": "mistral", "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
            "num_key_value_heads": 1, "intermediate_size": 96, "vocab_size": 40
        }))
        .unwrap();
        let all = config.parameters() as u64;
        let of = |on_gpu: bool| {
            let plan = planned(&config, &Finetuning::Full, (64, 64), (true, on_gpu)).unwrap();
            let plan = plan.with_micro_batches(2, on_gpu);
            (plan.trained, plan.gradients, plan.moments)
        };
        assert_eq!(of(true), (6 * all, 4 * all, 8 * all));
        assert_eq!(of(false), (4 * all, 8 * all, 8 * all));
    }
}
