//! `adapter_config.json`: the keys that change what an adapted model computes. Each is read or refused by its name.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::patterns::{ModuleNames, Pattern, layer_of};
use crate::keys::{Kind, refuse_other_kinds};
use crate::{HubModel, ModelError};

const FILE: &str = "adapter_config.json";

/// Keys that change nothing of what the model computes, whatever they say. `bias` and `fan_in_fan_out` are among them
/// because no layer of a Mistral has a bias or is stored transposed.
const WITHOUT_EFFECT: [&str; 9] = [
    "auto_mapping",
    "bias",
    "eva_config",
    "fan_in_fan_out",
    "inference_mode",
    "megatron_core",
    "peft_version",
    "qalora_group_size",
    "runtime_config",
];

/// Ways to begin an adapter that leave the base's weights alone. The others (PiSSA, OLoRA, CorDA, LoftQ, LoRA-GA) change
/// them whenever PEFT loads the adapter.
const PLAIN_BEGINNINGS: [&str; 4] = ["gaussian", "eva", "orthogonal", "mica"];

/// What the keys that are read hold.
const KINDS: [(&str, Kind); 17] = [
    ("peft_type", Kind::Text),
    ("task_type", Kind::Text),
    ("base_model_name_or_path", Kind::Text),
    ("revision", Kind::Text),
    ("r", Kind::Whole),
    ("lora_alpha", Kind::Number),
    ("lora_dropout", Kind::Number),
    ("target_modules", Kind::Texts),
    ("exclude_modules", Kind::Texts),
    ("layers_to_transform", Kind::Wholes),
    ("layers_pattern", Kind::Texts),
    ("modules_to_save", Kind::List),
    ("rank_pattern", Kind::Table),
    ("alpha_pattern", Kind::Table),
    ("trainable_token_indices", Kind::Rows),
    ("use_rslora", Kind::Switch),
    ("use_dora", Kind::Switch),
];

/// The file as it is written.
#[derive(Deserialize)]
struct Written {
    peft_type: Option<String>,
    task_type: Option<String>,
    base_model_name_or_path: Option<String>,
    revision: Option<String>,
    r: Option<usize>,
    lora_alpha: Option<f64>,
    lora_dropout: Option<f64>,
    target_modules: Option<ModuleNames>,
    exclude_modules: Option<ModuleNames>,
    layers_to_transform: Option<OneOrMany<usize>>,
    layers_pattern: Option<OneOrMany<String>>,
    modules_to_save: Option<Vec<String>>,
    rank_pattern: Option<Map<String, Value>>,
    alpha_pattern: Option<Map<String, Value>>,
    trainable_token_indices: Option<TokenIndices>,
    use_rslora: Option<bool>,
    use_dora: Option<bool>,
    init_lora_weights: Option<Value>,
    #[serde(flatten)]
    other: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

impl<T> OneOrMany<T> {
    fn into_vec(self) -> Vec<T> {
        match self {
            Self::One(one) => vec![one],
            Self::Many(many) => many,
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum TokenIndices {
    OfTheEmbedding(Vec<usize>),
    Of(Map<String, Value>),
}

/// What an adapter's config says.
pub(crate) struct PeftConfig {
    path: PathBuf,
    /// The base that it names.
    pub(crate) base: Option<String>,
    /// The state of that which is meant, where it lies on the hub.
    revision: Option<String>,
    pub(crate) rank: usize,
    pub(crate) alpha: f64,
    pub(crate) dropout: f64,
    pub(crate) rslora: bool,
    pub(crate) dora: bool,
    targets: ModuleNames,
    excluded: Option<ModuleNames>,
    layers: Option<Vec<usize>>,
    layer_patterns: Vec<Pattern>,
    saved: Vec<String>,
    saved_patterns: Vec<Pattern>,
    ranks: Vec<(Pattern, f64)>,
    alphas: Vec<(Pattern, f64)>,
    /// Rows of a table that stand in the adapter, by the table's name.
    pub(crate) rows: Vec<(String, Vec<usize>)>,
}

impl PeftConfig {
    /// Reads and checks the config in a directory.
    pub(crate) fn read(directory: &Path) -> Result<Self, ModelError> {
        let path = directory.join(FILE);
        let text = std::fs::read_to_string(&path).map_err(ModelError::io(&path))?;
        let damaged = |error: serde_json::Error| ModelError::file(&path, error);
        let keys: Map<String, Value> = serde_json::from_str(&text).map_err(damaged)?;
        refuse_other_kinds(&keys, KINDS).map_err(|reason| ModelError::file(&path, reason))?;
        let written: Written = serde_json::from_str(&text).map_err(damaged)?;
        written.refuse_unknown_forms().and_then(|()| Self::of(path.clone(), written)).map_err(|what| {
            let hint = "merge the adapter with PEFT's merge_and_unload() and name the merged model";
            ModelError::file_with_hint(&path, what, hint)
        })
    }

    fn of(path: PathBuf, written: Written) -> Result<Self, String> {
        let saved = written.modules_to_save.unwrap_or_default();
        let patterns = written.layers_pattern.map(OneOrMany::into_vec).unwrap_or_default();
        let layer_patterns = patterns.iter().filter(|text| !text.is_empty());
        let targets = written.target_modules.ok_or("`target_modules` is missing")?;
        let alpha = written.lora_alpha.unwrap_or(8.0);
        let dropout = written.lora_dropout.unwrap_or(0.0);
        if !alpha.is_finite() || !(0.0..1.0).contains(&dropout) {
            return Err(format!("`lora_alpha` = {alpha} or `lora_dropout` = {dropout} cannot be used"));
        }
        Ok(Self {
            path,
            base: written.base_model_name_or_path.filter(|name| !name.is_empty()),
            revision: written.revision.filter(|revision| !revision.is_empty()),
            rank: written.r.unwrap_or(8),
            alpha,
            dropout,
            rslora: written.use_rslora.unwrap_or(false),
            dora: written.use_dora.unwrap_or(false),
            targets: targets.compiled("target_modules")?,
            excluded: written.exclude_modules.map(|names| names.compiled("exclude_modules")).transpose()?,
            layers: written.layers_to_transform.map(OneOrMany::into_vec).filter(|layers| !layers.is_empty()),
            layer_patterns: layer_patterns
                .map(|text| Pattern::layers("layers_pattern", text))
                .collect::<Result<_, _>>()?,
            saved_patterns: saved
                .iter()
                .map(|text| Pattern::part("modules_to_save", text))
                .collect::<Result<_, _>>()?,
            saved,
            ranks: by_pattern("rank_pattern", written.rank_pattern)?,
            alphas: by_pattern("alpha_pattern", written.alpha_pattern)?,
            rows: rows(written.trainable_token_indices)?,
        })
    }

    /// The base that it names, where that reads as a name on the hub.
    pub(crate) fn hub_base(&self) -> Option<HubModel> {
        let is_id = |name: &&String| name.split('/').count() == 2 && !name.starts_with('.');
        let repository = self.base.as_ref().filter(is_id)?.clone();
        Some(HubModel { repository, revision: self.revision.clone() })
    }

    /// What is wrong with it.
    pub(crate) fn fault(&self, reason: impl ToString) -> ModelError {
        ModelError::file(&self.path, reason)
    }

    /// Whether a layer carries a low-rank pair, by PEFT's rules in PEFT's order.
    pub(crate) fn adapts(&self, module: &str) -> Result<bool, ModelError> {
        self.adapts_or_reason(module).map_err(|reason| ModelError::file(&self.path, reason))
    }

    fn adapts_or_reason(&self, module: &str) -> Result<bool, String> {
        let excluded = self.excluded.as_ref().map(|names| names.name(module)).transpose()?.unwrap_or(false);
        if excluded || any(&self.saved_patterns, module)? || !self.targets.name(module)? {
            return Ok(false);
        }
        let Some(layers) = self.layers.as_ref().filter(|_| !self.targets.names_exactly(module)) else {
            return Ok(true);
        };
        Ok(layer_of(module, &self.layer_patterns)?.is_some_and(|layer| layers.contains(&layer)))
    }

    /// Whether a module, or one around it, stands in the adapter as a whole.
    pub(crate) fn saves(&self, module: &str) -> bool {
        let mut around = Some(module);
        while let Some(module) = around {
            if self.saved.iter().any(|end| module.ends_with(end.as_str())) {
                return true;
            }
            around = module.rsplit_once('.').map(|(around, _)| around);
        }
        false
    }

    /// Rank and alpha of a layer's pair.
    pub(crate) fn rank_and_alpha(&self, module: &str) -> Result<(usize, f64), ModelError> {
        let first = |patterns: &[(Pattern, f64)]| {
            for (pattern, value) in patterns {
                if pattern.matches(module).map_err(|reason| ModelError::file(&self.path, reason))? {
                    return Ok(Some(*value));
                }
            }
            Ok::<_, ModelError>(None)
        };
        let rank = first(&self.ranks)?.map_or(self.rank, |rank| rank as usize);
        if rank == 0 {
            return Err(ModelError::file(&self.path, format!("the rank of `{module}` must be at least 1")));
        }
        Ok((rank, first(&self.alphas)?.unwrap_or(self.alpha)))
    }

    /// Factor of a pair's product.
    pub(crate) fn scale(&self, rank: usize, alpha: f64) -> f64 {
        alpha / if self.rslora { (rank as f64).sqrt() } else { rank as f64 }
    }
}

impl Written {
    /// Refuses what would change the model and is not read here.
    fn refuse_unknown_forms(&self) -> Result<(), String> {
        let refuse =
            |key: &str, value: &dyn std::fmt::Display| Err(format!("`{key}` = {value}; this form is not known"));
        match &self.peft_type {
            None => return Err("`peft_type` is missing; only LORA is known".into()),
            Some(kind) if kind != "LORA" => return Err(format!("`peft_type` = {kind}; only LORA is known")),
            Some(_) => {}
        }
        match &self.task_type {
            Some(task) if task != "CAUSAL_LM" => {
                return Err(format!("`task_type` = {task}; only CAUSAL_LM is known: it adapts another kind of model"));
            }
            _ => {}
        }
        let plain = |begin: &Value| match begin {
            Value::Bool(_) | Value::Null => true,
            Value::String(name) => PLAIN_BEGINNINGS.contains(&name.to_lowercase().as_str()),
            _ => false,
        };
        if let Some(begin) = self.init_lora_weights.as_ref().filter(|begin| !plain(begin)) {
            return Err(format!("`init_lora_weights` = {begin}; it changes the base's weights when it is loaded"));
        }
        let others = self.other.iter().filter(|(key, _)| !WITHOUT_EFFECT.contains(&key.as_str()));
        for (key, value) in others {
            let is_off = match value {
                Value::Null | Value::Bool(false) => true,
                Value::Object(map) => map.is_empty(),
                Value::Array(list) => list.is_empty(),
                _ => false,
            };
            if !is_off {
                return refuse(key, value);
            }
        }
        Ok(())
    }
}

fn any(patterns: &[Pattern], module: &str) -> Result<bool, String> {
    for pattern in patterns {
        if pattern.matches(module)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn by_pattern(key: &'static str, map: Option<Map<String, Value>>) -> Result<Vec<(Pattern, f64)>, String> {
    let (kind, fits): (_, fn(f64) -> bool) = match key {
        "rank_pattern" => ("whole number above 0", |rank| rank >= 1.0 && rank.fract() == 0.0),
        _ => ("number", f64::is_finite),
    };
    let entry = |(text, value): (String, Value)| match value.as_f64().filter(|value| fits(*value)) {
        Some(value) => Ok((Pattern::end(key, &text)?, value)),
        None => Err(format!("`{key}`: `{text}` = {value} is no {kind}")),
    };
    map.unwrap_or_default().into_iter().map(entry).collect()
}

fn rows(indices: Option<TokenIndices>) -> Result<Vec<(String, Vec<usize>)>, String> {
    match indices {
        None => Ok(Vec::new()),
        Some(TokenIndices::OfTheEmbedding(rows)) if rows.is_empty() => Ok(Vec::new()),
        Some(TokenIndices::OfTheEmbedding(rows)) => Ok(vec![("embed_tokens".into(), rows)]),
        Some(TokenIndices::Of(tables)) => {
            let read = |(table, rows): (String, Value)| match serde_json::from_value(rows) {
                Ok(rows) => Ok((table, rows)),
                Err(error) => Err(format!("`trainable_token_indices`: `{table}`: {error}")),
            };
            tables.into_iter().map(read).collect()
        }
    }
}
