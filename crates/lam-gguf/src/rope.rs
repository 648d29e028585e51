//! Rotary settings of a file, in Hugging Face's words. Llama 3.1's frequencies stand in files as a tensor of factors: the
//! settings that they follow from are found again, and compared with each of them.

use std::collections::BTreeMap;
use std::f32::consts::PI;
use std::path::Path;

use serde_json::{Map, Value, json};

use crate::read::{as_stored, shortest, whole};
use crate::{Format, Gguf, GgufError, Value as Stored};

/// The tensor of factors.
pub const FACTORS: &str = "rope_freqs.weight";
/// `low_freq_factor`, `high_freq_factor` and `original_max_position_embeddings` of Llama 3.1 to 3.3.
const LLAMA3: (f32, f32, u64) = (1.0, 4.0, 8192);
/// Largest relative difference of a factor.
const NEAR: f32 = 1e-4;
const OTHER_FACTORS: &str = "take the model in Hugging Face's files, whose config says how its frequencies are scaled";

impl Gguf {
    /// `rope_parameters`.
    pub(crate) fn rope(&self, name: &str, config: &Map<String, Value>) -> Result<Map<String, Value>, GgufError> {
        let theta = self.number(&format!("{name}.rope.freq_base"))?.map_or(1e4, shortest);
        let mut rope = Map::from_iter([("rope_theta".to_owned(), json!(theta))]);
        let kind = self.text(&format!("{name}.rope.scaling.type"))?.filter(|kind| *kind != "none");
        rope.insert("rope_type".into(), kind.unwrap_or("default").into());
        if kind.is_some() {
            let factor = self.number(&format!("{name}.rope.scaling.factor"))?;
            let original = self.whole(&format!("{name}.rope.scaling.original_context_length"))?;
            rope.extend(factor.map(|factor| ("factor".to_owned(), json!(shortest(factor)))));
            rope.extend(original.map(|original| ("original_max_position_embeddings".to_owned(), json!(original))));
        }
        if let Some(factor) = self.factor(theta as f32, head_dim(config) as usize)? {
            let (low, high, original) = LLAMA3;
            rope.extend([("rope_type".to_owned(), json!("llama3")), ("factor".to_owned(), json!(factor))]);
            rope.extend([("low_freq_factor".to_owned(), json!(low)), ("high_freq_factor".to_owned(), json!(high))]);
            rope.insert("original_max_position_embeddings".into(), json!(original));
        }
        Ok(rope)
    }

    /// The factor of Llama 3.1's scaling, where the file has one.
    fn factor(&self, theta: f32, dim: usize) -> Result<Option<f32>, GgufError> {
        let Some(tensor) = self.tensor(FACTORS) else { return Ok(None) };
        let refused = |reason: String| Err(GgufError::file(&self.path, reason, OTHER_FACTORS));
        if tensor.format != Format::F32 || tensor.shape != [dim / 2] || dim > 1 << 16 {
            return refused(format!("tensor `{FACTORS}` has shape {:?}, expected [{}] of F32", tensor.shape, dim / 2));
        }
        let bytes = tensor.read_bytes(&self.path)?;
        let found: Vec<f32> = bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        let factor = found.iter().copied().fold(1.0, f32::max);
        for (pair, found) in found.iter().enumerate() {
            let expected = scaled(theta.powf(-2.0 * pair as f32 / dim as f32), factor);
            let is_near = (found / expected - 1.0).abs() <= NEAR;
            if !is_near {
                return refused(format!("tensor `{FACTORS}`: factor {pair} is {found}, in Llama 3.1 {expected}"));
            }
        }
        Ok(Some(factor).filter(|factor| *factor != 1.0))
    }
}

/// Settings that a file has no place for, with the values that llama.cpp computes with.
const FIXED: [(&str, f64); 2] = [("beta_fast", 32.0), ("beta_slow", 1.0)];
const NO_PLACE: &str =
    "llama.cpp's files have no place for this rotary setting: serve the model in Hugging Face's files";

/// Adds to a file's keys what a config says of the rotary frequencies of heads of this width; gives the factors that
/// they are divided by where that is no key but a tensor.
pub(crate) fn describe(
    path: &Path,
    config: &Map<String, Value>,
    (name, dim): (&str, usize),
    metadata: &mut BTreeMap<String, Stored>,
) -> Result<Option<Vec<f32>>, GgufError> {
    let none = Map::new();
    let rope = config.get("rope_parameters").and_then(Value::as_object).unwrap_or(&none);
    let refused = |key: &str, value: &Value| {
        let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        GgufError::file(path, format!("`rope_parameters`: `{key}` = {shown}"), NO_PLACE)
    };
    let number = |key: &str| {
        let value = rope.get(key).unwrap_or(&Value::Null);
        value.as_f64().ok_or_else(|| refused(key, value))
    };
    let theta = rope.get("rope_theta").or_else(|| config.get("rope_theta")).and_then(Value::as_f64).unwrap_or(1e4);
    metadata.insert(format!("{name}.rope.freq_base"), as_stored(theta));
    let kind = rope.get("rope_type").unwrap_or(&Value::Null);
    match kind.as_str() {
        None | Some("default") => Ok(None),
        Some(scaling @ ("linear" | "yarn")) => {
            metadata.insert(format!("{name}.rope.scaling.type"), Stored::Text(scaling.into()));
            metadata.insert(format!("{name}.rope.scaling.factor"), as_stored(number("factor")?));
            if scaling == "linear" {
                return Ok(None);
            }
            let known = ["rope_type", "rope_theta", "factor", "original_max_position_embeddings"];
            for (key, value) in rope.iter().filter(|(key, value)| !known.contains(&key.as_str()) && !value.is_null()) {
                if !FIXED.iter().any(|(fixed, usual)| fixed == key && value.as_f64() == Some(*usual)) {
                    return Err(refused(key, value));
                }
            }
            let key = "original_max_position_embeddings";
            let all = whole(config, "max_position_embeddings");
            let original = rope.get(key).and_then(Value::as_u64).unwrap_or(all);
            let original = i64::try_from(original).unwrap_or(i64::MAX);
            metadata.insert(format!("{name}.rope.scaling.original_context_length"), Stored::Whole(original));
            Ok(None)
        }
        Some("llama3") => {
            let (low, high, original) = LLAMA3;
            let expected = [("low_freq_factor", f64::from(low)), ("high_freq_factor", f64::from(high))];
            for (key, expected) in expected.into_iter().chain([("original_max_position_embeddings", original as f64)]) {
                if number(key)? != expected {
                    return Err(refused(key, &rope[key]));
                }
            }
            let factor = number("factor")? as f32;
            let frequency = |pair: usize| (theta as f32).powf(-2.0 * pair as f32 / dim as f32);
            Ok(Some((0..dim / 2).map(|pair| scaled(frequency(pair), factor)).collect()))
        }
        Some(_) => Err(refused("rope_type", kind)),
    }
}

/// Width of a head.
pub(crate) fn head_dim(config: &Map<String, Value>) -> u64 {
    config.get("head_dim").and_then(Value::as_u64).unwrap_or_else(|| usual_head_dim(config))
}

/// Width of a head where a config names none.
pub(crate) fn usual_head_dim(config: &Map<String, Value>) -> u64 {
    whole(config, "hidden_size").checked_div(whole(config, "num_attention_heads")).unwrap_or_default()
}

/// What a frequency is divided by.
fn scaled(frequency: f32, factor: f32) -> f32 {
    let ((low, high, original), wavelength) = (LLAMA3, 2.0 * PI / frequency);
    let original = original as f32;
    if wavelength < original / high {
        return 1.0;
    }
    if wavelength > original / low {
        return factor;
    }
    let smooth = (original / wavelength - low) / (high - low);
    1.0 / ((1.0 - smooth) / factor + smooth)
}
