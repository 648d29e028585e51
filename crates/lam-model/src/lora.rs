//! What of a model is trained, in PEFT's names. Knows no weights.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::layout::{MODULES, linear_size};
use crate::{DecoderConfig, ModelError};

/// Which linear layers carry an adapter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum TargetModules {
    /// A keyword; only `all-linear` is known.
    Keyword(String),
    /// Names such as `q_proj`.
    List(Vec<String>),
}

/// A low-rank adapter: y = x W^T + s (x A^T) B^T.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LoraConfig {
    /// Rank of the adapter.
    #[serde(alias = "r", alias = "lora_rank")]
    #[schemars(range(min = 1, max = 16_384))]
    pub lora_r: usize,
    /// Numerator of the scale.
    #[schemars(range(min = 0.0, max = 1e6))]
    pub lora_alpha: f64,
    /// Share of the adapter's inputs that is dropped in training.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub lora_dropout: f64,
    /// Which linear layers carry one: a list, or `all-linear`.
    #[serde(alias = "target_modules", alias = "lora_target")]
    pub lora_target_modules: TargetModules,
    /// Scale by alpha / sqrt(r) instead of alpha / r.
    pub use_rslora: bool,
    /// Where the model is given with an adapter: merge that and train a new one, instead of training it further.
    pub create_new_adapter: bool,
}

impl Default for LoraConfig {
    fn default() -> Self {
        Self {
            lora_r: 16,
            lora_alpha: 32.0,
            lora_dropout: 0.0,
            lora_target_modules: TargetModules::Keyword("all-linear".into()),
            use_rslora: false,
            create_new_adapter: false,
        }
    }
}

/// What of a model is trained.
#[derive(Clone, Debug, PartialEq)]
pub enum Finetuning {
    /// Every weight.
    Full,
    /// An adapter; the weights are frozen.
    Lora(LoraConfig),
    /// An adapter over linear layers that are quantised: Q8_0 for 8 bits; for 4 bits Q4_K, or Q4_0 where a layer's
    /// input is not a multiple of 256; bf16 where it is not a multiple of 32. Gradients pass through the quantised weights.
    Qlora {
        /// The adapter.
        lora: LoraConfig,
        /// Bits of a weight: 8 or 4.
        bits: u8,
    },
    /// Nothing.
    Frozen,
}

/// How the weights under an adapter were rounded before it was trained over them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rounding {
    /// Bits of a weight of the blocks' linear layers, where they were quantised.
    pub quantization_bit: Option<u8>,
    /// Whether the others, where they were f32, were rounded to bf16.
    pub bf16: bool,
}

impl Rounding {
    /// Whether nothing was rounded.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

impl Finetuning {
    /// Refuses a number of bits that is not known.
    pub(crate) fn check(&self) -> Result<(), ModelError> {
        match self {
            Self::Qlora { bits, .. } if ![4, 8].contains(bits) => Err(ModelError::Config {
                key: "quantization_bit",
                value: bits.to_string(),
                reason: "must be 8 (Q8_0) or 4 (Q4_K, Q4_0)".into(),
            }),
            _ => Ok(()),
        }
    }
}

impl LoraConfig {
    /// Factor of the adapter's output.
    pub fn scale(&self) -> f64 {
        let rank = self.lora_r as f64;
        self.lora_alpha / if self.use_rslora { rank.sqrt() } else { rank }
    }

    /// Parameters of the adapter in a model of this shape.
    ///
    /// # Errors
    /// As [`LoraConfig::modules`].
    pub fn parameters(&self, config: &DecoderConfig) -> Result<usize, ModelError> {
        let sizes = self.modules()?.into_iter().map(|module| linear_size(config, module));
        Ok(config.num_hidden_layers * self.lora_r * sizes.map(|(n, k)| n + k).sum::<usize>())
    }

    /// Names of the adapted linear layers, in the order of the forward pass.
    ///
    /// # Errors
    /// When a name is none of a block, or the rank or the dropout cannot be used.
    pub fn modules(&self) -> Result<Vec<&'static str>, ModelError> {
        if self.lora_r == 0 || !(0.0..1.0).contains(&self.lora_dropout) {
            return Err(ModelError::adapter(
                format!(
                    "`lora_r` = {} must be at least 1 and `lora_dropout` = {} at least 0 and below 1",
                    self.lora_r, self.lora_dropout
                ),
                "",
            ));
        }
        let names = match &self.lora_target_modules {
            TargetModules::Keyword(word) if word == "all-linear" => return Ok(MODULES.to_vec()),
            TargetModules::Keyword(word) => std::slice::from_ref(word),
            TargetModules::List(names) => names.as_slice(),
        };
        if let Some(unknown) = names.iter().find(|name| !MODULES.contains(&name.as_str())) {
            return Err(ModelError::adapter(
                format!("`lora_target_modules` names `{unknown}`, which matches no module"),
                format!("use `all-linear` or some of {MODULES:?}"),
            ));
        }
        let chosen: Vec<_> = MODULES.into_iter().filter(|module| names.iter().any(|name| name == module)).collect();
        if chosen.is_empty() {
            return Err(ModelError::adapter("`lora_target_modules` is empty", "use `all-linear`"));
        }
        Ok(chosen)
    }
}
