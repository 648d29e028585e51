//! `model inspect`: what a model is and what it needs, from its descriptions and the headers of its weights.

use std::collections::BTreeMap;
use std::path::Path;

use lam_gguf::Gguf;
use lam_hub::{Hub, HubSettings, ModelId};
use lam_inference::not_a_model;
use lam_model::{AdapterOutline, Architecture, DecoderConfig, ModelError, ModelSource, open_reward_model};
use lam_prompt::Renderer;
use lam_signal::Failure;
use lam_trainer::{MemoryPlan, activation_bytes, logit_bytes};
use lam_weights::{Shard, WeightFiles};
use serde_json::{Map, Value, json};

use crate::hub::watched;
use crate::output::Output;

/// Rank of the adapter that memory is told for.
const LORA_RANK: u64 = 16;

/// Prints what a model is: one in a directory, with the adapter over it, or one on the hub, whose weights are not
/// downloaded for it. A directory that nothing else here would open is refused, unless it holds another architecture.
pub fn inspect(name: &str, adapter: Option<&Path>, tokens: usize, output: &Output) -> Result<(), Failure> {
    let directory = Path::new(name);
    let facts = match name.parse::<ModelId>() {
        Ok(id) if !directory.exists() => {
            let hub = Hub::new(HubSettings::from_env()?);
            let (snapshot, shards) = watched("inspect", name, output, |monitor| hub.headers(&id, monitor))?;
            let mut facts = facts(&snapshot.directory, weights(&shards), tokens)?;
            facts.insert("commit".into(), snapshot.commit.into());
            facts
        }
        _ => in_directory(directory, adapter, tokens)?,
    };
    for (name, value) in &facts {
        output.line(&line(name, value));
    }
    output.value(&facts)
}

fn in_directory(directory: &Path, adapter: Option<&Path>, tokens: usize) -> Result<Map<String, Value>, Failure> {
    let file = lam_gguf::find(directory).map_err(ModelError::from)?;
    let is_adapter = directory.join("adapter_config.json").is_file() && !lam_gguf::is_model(directory);
    let adapted = (is_adapter || adapter.is_some()).then(|| ModelSource::open(directory, adapter)).transpose()?;
    let model = adapted.as_ref().map_or(directory, ModelSource::directory);
    let mut facts = match &file {
        Some(file) => facts(file, gguf_weights(&Gguf::open(file).map_err(ModelError::from)?), tokens)?,
        None if model.join("config.json").is_file() => {
            facts(model, weights(&WeightFiles::open(model, "model")?.shards), tokens)?
        }
        None => return Err(not_a_model(model)),
    };
    if facts.get("trainable_here").is_some_and(|answer| answer == "yes") {
        let is_reward_model = Architecture::ALL.iter().any(|each| facts["architecture"] == each.classifier());
        let kind = if is_reward_model {
            open_reward_model(model).map(|_| "reward model")?
        } else {
            ModelSource::open(model, None).map(|_| "policy")?
        };
        facts.insert("kind".into(), kind.into());
    }
    facts.insert("content_hash".into(), lam_store::hash_path(model)?.into());
    if let Some((adapter, outline)) = adapted.as_ref().and_then(|model| model.adapter().zip(model.adapter_outline())) {
        facts.extend(outlined(adapter, outline));
    }
    Ok(facts)
}

fn outlined(adapter: &Path, outline: &AdapterOutline) -> Map<String, Value> {
    let further = outline.folded.map_or_else(|| "yes".to_owned(), |form| format!("no: `{form}` goes into the weights"));
    entries(json!({
        "adapter": adapter,
        "adapter_rank": outline.rank,
        "adapter_alpha": outline.alpha,
        "adapter_changes": format!("{} tensors", outline.changes),
        "adapter_trainable": further,
    }))
}

/// The config of a directory or of a GGUF file.
fn config_of(place: &Path) -> Result<Value, Failure> {
    if place.is_file() {
        let config = Gguf::open(place).and_then(|gguf| gguf.config());
        return Ok(Value::Object(config.map_err(ModelError::from)?));
    }
    let path = place.join("config.json");
    let Ok(text) = std::fs::read_to_string(&path) else { return Err(not_a_model(place)) };
    serde_json::from_str(&text).map_err(|error| Failure::data(format!("{}: {error}", path.display())))
}

fn facts(directory: &Path, weights: Map<String, Value>, tokens: usize) -> Result<Map<String, Value>, Failure> {
    let config = config_of(directory)?;
    let mut facts = Map::new();
    facts.insert("architecture".into(), config["architectures"][0].clone());
    facts.insert("model_type".into(), config["model_type"].clone());
    facts.extend(weights);
    match serde_json::from_value::<DecoderConfig>(config).map_err(|error| error.to_string()) {
        Ok(config) => match config.check() {
            Ok(()) => {
                facts.extend(shape(&config));
                facts.extend(memory(&config, tokens));
                facts.insert("trainable_here".into(), "yes".into());
            }
            Err(error) => drop(facts.insert("trainable_here".into(), format!("no: {error}").into())),
        },
        Err(reason) => drop(facts.insert("trainable_here".into(), format!("no: {reason}").into())),
    }
    facts.extend(words(directory));
    Ok(facts)
}

fn weights(shards: &[Shard]) -> Map<String, Value> {
    let mut dtypes: BTreeMap<String, u64> = BTreeMap::new();
    for (dtype, count) in shards.iter().flat_map(Shard::dtypes) {
        *dtypes.entry(dtype).or_insert(0) += count;
    }
    let files: Map<String, Value> = shards.iter().map(|shard| (shard.file.clone(), mib(shard.header.end))).collect();
    entries(json!({
        "parameters": shards.iter().map(Shard::parameters).sum::<u64>(),
        "dtype": dtypes,
        "tensors": shards.iter().map(|shard| shard.header.tensors.len()).sum::<usize>(),
        "shards_mib": files,
    }))
}

fn gguf_weights(gguf: &Gguf) -> Map<String, Value> {
    let mut dtypes: BTreeMap<&str, usize> = BTreeMap::new();
    for tensor in &gguf.tensors {
        *dtypes.entry(tensor.format.name()).or_insert(0) += tensor.count();
    }
    let file = gguf.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    entries(json!({
        "parameters": dtypes.values().sum::<usize>(),
        "dtype": dtypes,
        "tensors": gguf.tensors.len(),
        "shards_mib": Map::from_iter([(file, mib(gguf.size))]),
    }))
}

fn shape(config: &DecoderConfig) -> Map<String, Value> {
    entries(json!({
        "parameters_by_config": config.parameters(),
        "hidden_size": config.hidden_size,
        "num_hidden_layers": config.num_hidden_layers,
        "num_attention_heads": config.num_attention_heads,
        "num_key_value_heads": config.num_key_value_heads,
        "head_dim": config.head_dim(),
        "intermediate_size": config.intermediate_size,
        "vocab_size": config.vocab_size,
        "rope_theta": config.theta(),
        "sliding_window": config.window(),
    }))
}

/// Tokenizer and template, as they will be used here.
fn words(directory: &Path) -> Map<String, Value> {
    entries(match Renderer::load(directory) {
        Ok(renderer) => json!({
            "tokenizer_entries": renderer.tokenizer().vocab_size(),
            "template": renderer.template_name(),
            "template_hash": renderer.template_hash(),
            "stop_tokens": renderer.stop_tokens(),
            "notes": renderer.notes(),
        }),
        Err(error) => json!({ "tokenizer_entries": null, "template": format!("none: {error}") }),
    })
}

/// MiB to train and to generate with f32 weights, as the memory plan of training counts; estimates.
fn memory(config: &DecoderConfig, tokens: usize) -> Map<String, Value> {
    let weights = 4 * config.parameters() as u64;
    let activations = activation_bytes(config, tokens, true, false);
    let trained = |frozen, parameters: u64| MemoryPlan {
        frozen,
        trained: 4 * parameters,
        gradients: 4 * parameters,
        moments: 8 * parameters,
        activations,
        logits: logit_bytes(config, tokens),
        longest_batch_tokens: tokens as u64,
        ..MemoryPlan::default()
    };
    let lora = trained(weights, lora_parameters(config));
    let full = trained(0, config.parameters() as u64);
    let cache = 8 * (config.num_hidden_layers * config.num_key_value_heads * config.head_dim() * tokens) as u64;
    entries(json!({
        "memory_mib": {
            "tokens": tokens,
            "generate": mib(weights + cache),
            format!("train_lora_r{LORA_RANK}"): mib(lora.total()),
            "train_full": mib(full.total()),
        },
    }))
}

/// Parameters of an adapter on all seven projections.
fn lora_parameters(config: &DecoderConfig) -> u64 {
    let (width, inner) = (config.hidden_size, config.intermediate_size);
    let queries = config.num_attention_heads * config.head_dim();
    let keys = config.num_key_value_heads * config.head_dim();
    let layer = 2 * (width + queries) + 2 * (width + keys) + 3 * (width + inner);
    LORA_RANK * (config.num_hidden_layers * layer) as u64
}

fn mib(bytes: u64) -> Value {
    bytes.div_ceil(1 << 20).into()
}

fn entries(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// A fact as a person reads it; tables are spelled out in one line.
fn line(name: &str, value: &Value) -> String {
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let text = match value {
        Value::Object(map) => {
            map.iter().map(|(key, value)| format!("{key} {}", plain(value))).collect::<Vec<_>>().join(", ")
        }
        other => plain(other),
    };
    format!("{name:<22}{text}")
}
