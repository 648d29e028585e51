//! The frequencies of rotary positions: transformers' types, as functions of a config. Knows no positions.
//!
//! A pair i of a head of E numbers turns by `position · f_i`, `f_i = theta^(-2i/E)`, which longer contexts slow down:
//! `linear` all alike, `llama3` (Llama 3.1) the slow ones, `yarn` (<https://arxiv.org/abs/2309.00071>) by how often
//! they turn within the original context; `yarn` also scales cosines and sines. Types that depend on the length of the
//! text at hand (`dynamic`, `longrope`) are refused.

use std::f64::consts::PI;

use serde_json::{Map, Value};

use crate::config::refuse_unless;
use crate::{DecoderConfig, ModelError};

/// What an error names.
const KEY: &str = "rope_parameters";

/// How fast each pair turns, and what cosines and sines are multiplied by.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rotary {
    /// Shape: [E/2].
    pub(crate) frequencies: Vec<f32>,
    pub(crate) scale: f32,
}

impl Rotary {
    /// Without any scaling.
    pub(crate) fn plain(head_dim: usize, theta: f64) -> Self {
        let frequency = |i: usize| theta.powf(-2.0 * i as f64 / head_dim as f64) as f32;
        Self { frequencies: (0..head_dim / 2).map(frequency).collect(), scale: 1.0 }
    }
}

impl DecoderConfig {
    /// The rotary frequencies.
    ///
    /// # Errors
    /// A type that is not known here, or a setting that is missing or makes no sense.
    pub(crate) fn rotary(&self) -> Result<Rotary, ModelError> {
        let plain = Rotary::plain(self.head_dim(), self.theta());
        let older = self.other.get("rope_scaling").unwrap_or(&Value::Null);
        refuse_unless(older.is_null() || older.is_object(), "rope_scaling", older, "must be an object, or null")?;
        let Some(keys) = self.rotary_keys() else { return self.unless_partial(None).map(|()| plain) };
        self.unless_partial(Some(keys))?;
        let by_layer = keys.values().any(Value::is_object);
        refuse_unless(!by_layer, KEY, Value::Object(keys.clone()), "all layers are rotated alike here")?;
        let kind = keys.get("rope_type").or_else(|| keys.get("type")).cloned().unwrap_or_else(|| "default".into());
        match kind.as_str() {
            Some("default") => Ok(plain),
            Some("linear") => {
                let factor = number(keys, "factor")? as f32;
                Ok(Rotary { frequencies: plain.frequencies.iter().map(|f| f / factor).collect(), ..plain })
            }
            Some("llama3") => self.llama3(keys, plain),
            Some("yarn") => self.yarn(keys, plain),
            _ => {
                let reason = "known rotary types are `default`, `linear`, `llama3` and `yarn`";
                Err(ModelError::Config { key: KEY, value: kind.to_string(), reason: reason.into() })
            }
        }
    }

    /// Refuses heads of which only a part is rotated.
    fn unless_partial(&self, keys: Option<&Map<String, Value>>) -> Result<(), ModelError> {
        let key = "partial_rotary_factor";
        let factor = keys.and_then(|keys| keys.get(key)).or_else(|| self.other.get(key));
        let whole = factor.is_none_or(|factor| factor.is_null() || factor.as_f64() == Some(1.0));
        refuse_unless(whole, key, factor.unwrap_or(&Value::Null), "heads are rotated as a whole")
    }

    /// Positions of the original context.
    fn original(&self, keys: &Map<String, Value>) -> Result<f64, ModelError> {
        let key = "original_max_position_embeddings";
        match self.other.get(key).and_then(Value::as_f64) {
            Some(original) => Ok(original),
            None if keys.get(key).is_none_or(Value::is_null) => Ok(self.max_position_embeddings as f64),
            None => number(keys, key),
        }
    }

    /// Fast pairs stay, slow ones are divided by `factor`, those between lie between. In f32, as the reference.
    fn llama3(&self, keys: &Map<String, Value>, plain: Rotary) -> Result<Rotary, ModelError> {
        let [factor, low, high] = ["factor", "low_freq_factor", "high_freq_factor"].map(|key| number(keys, key));
        let (factor, low, high, original) = (factor? as f32, low? as f32, high? as f32, self.original(keys)? as f32);
        refuse_unless(high > low, KEY, high, "`high_freq_factor` must be above `low_freq_factor`")?;
        let scaled = |&f: &f32| {
            let wavelength = 2.0 * PI as f32 / f;
            if wavelength < original / high {
                return f;
            }
            if wavelength > original / low {
                return f / factor;
            }
            let smooth = (original / wavelength - low) / (high - low);
            (1.0 - smooth) * f / factor + smooth * f
        };
        Ok(Rotary { frequencies: plain.frequencies.iter().map(scaled).collect(), ..plain })
    }

    /// Pairs that turn more than `beta_fast` times within the original context stay, those that turn less than
    /// `beta_slow` times are divided by `factor`, a ramp lies between.
    fn yarn(&self, keys: &Map<String, Value>, plain: Rotary) -> Result<Rotary, ModelError> {
        let original = self.original(keys)?;
        let given = |key: &str| keys.get(key).and_then(Value::as_f64);
        let factor = match keys.get("factor") {
            None | Some(Value::Null) => self.max_position_embeddings as f64 / original,
            Some(_) => number(keys, "factor")?,
        };
        let width = self.head_dim() as f64;
        let turning = |turns: f64| width * (original / (turns * 2.0 * PI)).ln() / (2.0 * self.theta().ln());
        let beta = |key: &str, usual: f64| given(key).filter(|beta| *beta != 0.0).unwrap_or(usual);
        let (mut low, mut high) = (turning(beta("beta_fast", 32.0)), turning(beta("beta_slow", 1.0)));
        if keys.get("truncate") != Some(&Value::Bool(false)) {
            (low, high) = (low.floor(), high.ceil());
        }
        let (low, mut high) = (low.max(0.0), high.min(width - 1.0));
        if low == high {
            high += 0.001;
        }
        let scaled = |(i, &f): (usize, &f32)| {
            let ramp = ((i as f32 - low as f32) / (high - low) as f32).clamp(0.0, 1.0);
            let stays = 1.0 - ramp;
            f / factor as f32 * (1.0 - stays) + f * stays
        };
        let magnitude = |by: f64| if factor <= 1.0 { 1.0 } else { 0.1 * by * factor.ln() + 1.0 };
        let (own, all) = (given("mscale").filter(|m| *m != 0.0), given("mscale_all_dim").filter(|m| *m != 0.0));
        let usual = own.zip(all).map_or_else(|| magnitude(1.0), |(own, all)| magnitude(own) / magnitude(all));
        let scale = given("attention_factor").unwrap_or(usual) as f32;
        Ok(Rotary { frequencies: plain.frequencies.iter().enumerate().map(scaled).collect(), scale })
    }
}

/// A number above 0.
fn number(keys: &Map<String, Value>, key: &'static str) -> Result<f64, ModelError> {
    let value = keys.get(key).unwrap_or(&Value::Null);
    let reason = format!("`{key}` of `{KEY}` must be a number above 0");
    value.as_f64().filter(|number| *number > 0.0).ok_or(ModelError::Config { key, value: value.to_string(), reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(rope: Value) -> DecoderConfig {
        let mut keys = serde_json::json!({
            "model_type": "mistral", "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1,
            "num_attention_heads": 4, "vocab_size": 50, "num_key_value_heads": null, "max_position_embeddings": 4096,
        });
        keys.as_object_mut().unwrap().extend(rope.as_object().unwrap().clone());
        serde_json::from_value(keys).unwrap()
    }

    // from transformers import MistralConfig; from transformers.models.mistral.modeling_mistral import *
    // rotary = MistralRotaryEmbedding(MistralConfig(hidden_size=32, num_attention_heads=4,
    //     max_position_embeddings=4096, rope_theta=10000.0, rope_scaling={...}))
    // rotary.inv_freq, rotary.attention_scaling, of transformers 5.24
    #[test]
    fn frequencies_are_those_of_transformers() {
        let scaling = |keys: Value| serde_json::json!({ "rope_theta": 10000.0, "rope_scaling": keys });
        for (keys, expected, scale) in TABLE {
            let rotary = config(scaling(serde_json::from_str(keys).unwrap())).rotary().unwrap();
            for (ours, theirs) in rotary.frequencies.iter().zip(expected) {
                assert!((ours / theirs - 1.0).abs() < 3e-7, "{keys}: {ours}, not {theirs}");
            }
            assert!((rotary.scale - scale).abs() < 1e-7, "{keys}: {}, not {scale}", rotary.scale);
        }
    }

    const TABLE: [(&str, [f32; 4], f32); 5] = [
        (r#"{"type": "linear", "factor": 4.0}"#, [0.25, 0.025, 0.0025, 0.00025], 1.0),
        (
            r#"{"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 512}"#,
            [1.0, 0.1, 0.00125, 0.000125],
            1.0,
        ),
        (
            r#"{"rope_type": "llama3", "factor": 3.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 2000}"#,
            [1.0, 0.1, 0.008184664, 0.00033333336],
            1.0,
        ),
        (
            r#"{"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 1024}"#,
            [1.0, 0.074999996, 0.005, 0.00025],
            1.138_629_4,
        ),
        (
            r#"{"rope_type": "yarn", "factor": 8.0, "beta_fast": 16.0, "beta_slow": 2.0, "mscale": 0.7, "mscale_all_dim": 1.1, "truncate": false}"#,
            [1.0, 0.1, 0.006221889, 0.000125],
            0.932_306_5,
        ),
    ];

    #[test]
    fn other_types_and_half_said_ones_are_refused_by_name() {
        for (rope, words) in [
            (r#"{"rope_scaling": {"type": "dynamic", "factor": 2.0}}"#, "\"dynamic\""),
            (r#"{"rope_parameters": {"rope_type": "longrope", "rope_theta": 1e4}}"#, "\"longrope\""),
            (r#"{"rope_scaling": {"type": "linear"}}"#, "`factor`"),
            (r#"{"rope_scaling": {"rope_type": "llama3", "factor": 8.0}}"#, "`low_freq_factor`"),
            (r#"{"partial_rotary_factor": 0.5}"#, "partial_rotary_factor"),
        ] {
            let error = config(serde_json::from_str(rope).unwrap()).check().unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
