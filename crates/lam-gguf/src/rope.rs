//! Rotary settings of a file, in Hugging Face's words. Llama 3.1's frequencies stand in files as a tensor of factors: the
//! settings that they follow from are found again, and compared with each of them.

use std::f32::consts::PI;

use serde_json::{Map, Value, json};

use crate::read::{shortest, whole};
use crate::{Format, Gguf, GgufError};

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
        if let Some(factor) = self.factor(theta as f32, head_dim(config))? {
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

fn head_dim(config: &Map<String, Value>) -> usize {
    let usual = whole(config, "hidden_size").checked_div(whole(config, "num_attention_heads"));
    config.get("head_dim").and_then(Value::as_u64).or(usual).unwrap_or_default() as usize
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
