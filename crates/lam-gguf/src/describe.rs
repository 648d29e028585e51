//! What a file says of a model whose `config.json` is given: the way back from `config.rs`.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value as Json};

use crate::config::{ARCHITECTURES, KEYS, OTHER_MODEL};
use crate::read::{as_stored, whole};
use crate::rope::head_dim;
use crate::{FileType, GgufError, Value};

/// Version of the quantised formats.
const QUANTIZATION_VERSION: i64 = 2;

/// A model as a file says it.
#[derive(Clone, Debug, PartialEq)]
pub struct Described {
    /// Values by key; none of the tokenizer's.
    pub metadata: BTreeMap<String, Value>,
    /// What the rotary frequencies are divided by, where the file says it as the tensor [`crate::FACTORS`].
    pub factors: Option<Vec<f32>>,
    /// Whether rows of queries and keys lie in llama.cpp's order: the two halves of a head interleaved.
    pub interleaves_heads: bool,
}

/// What a file says of a model that lies in `path` with this config.
///
/// # Errors
/// A model that llama.cpp does not know under a name that is known here, or rotary settings that a file cannot say.
pub fn describe(path: &Path, config: &Map<String, Json>, file_type: FileType) -> Result<Described, GgufError> {
    let kind = config.get("model_type").and_then(Json::as_str).unwrap_or_default();
    // llama.cpp calls a Mistral a llama, and computes it as one.
    let named = if kind == "mistral" { "llama" } else { kind };
    let Some((name, _)) = ARCHITECTURES.iter().find(|(known, _)| *known == named) else {
        return Err(GgufError::file(path, format!("`model_type` = {kind}"), OTHER_MODEL));
    };
    let head_dim = head_dim(config);
    let own = |key: &str| format!("{name}.{key}");
    let mut metadata = BTreeMap::from([
        ("general.architecture".into(), Value::Text((*name).into())),
        ("general.type".into(), Value::Text("model".into())),
        ("general.file_type".into(), Value::Whole(file_type.number())),
        ("general.quantization_version".into(), Value::Whole(QUANTIZATION_VERSION)),
    ]);
    let mut put = |key: &str, value: u64| {
        // Sizes of models are far below the largest signed number, which `config.json`'s own check sees to.
        metadata.insert(own(key), Value::Whole(i64::try_from(value).unwrap_or(i64::MAX)));
    };
    for (key, theirs, _) in KEYS {
        put(key, whole(config, theirs));
    }
    put("vocab_size", whole(config, "vocab_size"));
    put("rope.dimension_count", head_dim);
    put("attention.key_length", head_dim);
    put("attention.value_length", head_dim);
    let epsilon = config.get("rms_norm_eps").and_then(Json::as_f64).unwrap_or(1e-6);
    metadata.insert(own("attention.layer_norm_rms_epsilon"), as_stored(epsilon));
    let factors = crate::rope::describe(path, config, (name, head_dim as usize), &mut metadata)?;
    Ok(Described { metadata, factors, interleaves_heads: *name == "llama" })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{FACTORS, Format, Gguf, Outline, Planned};

    fn config(kind: &str, more: Json) -> Map<String, Json> {
        let mut config = json!({
            "model_type": kind, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
            "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16, "vocab_size": 40,
            "max_position_embeddings": 512, "rms_norm_eps": 1e-6, "rope_theta": 5e5, "tie_word_embeddings": true,
        });
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        config.as_object().unwrap().clone()
    }

    /// The config of a file that is written of this one.
    fn read_again(config: &Map<String, Json>) -> Map<String, Json> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.gguf");
        let described = describe(&path, config, FileType::F16).unwrap();
        let plan = |name: &str, shape: Vec<usize>, format| Planned { name: name.into(), shape, format };
        let mut tensors = vec![plan("token_embd.weight", vec![40, 64], Format::F16)];
        tensors.extend(described.factors.as_ref().map(|factors| plan(FACTORS, vec![factors.len()], Format::F32)));
        let outline = Outline { metadata: described.metadata, tensors };
        let file = std::fs::File::create(&path).unwrap();
        let numbers = |tensor: &Planned, out: &mut dyn std::io::Write| match (&described.factors, &*tensor.name) {
            (Some(factors), FACTORS) => factors.iter().try_for_each(|factor| out.write_all(&factor.to_le_bytes())),
            _ => out.write_all(&vec![0; tensor.bytes() as usize]),
        };
        outline.write::<_, std::io::Error>(file, numbers).unwrap();
        let gguf = Gguf::open(&path).unwrap();
        assert_eq!(gguf.metadata, outline.metadata);
        gguf.config().unwrap()
    }

    #[test]
    fn what_is_written_is_read_again() {
        let llama3 = json!({
            "rope_type": "llama3", "rope_theta": 5e5, "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
            "original_max_position_embeddings": 8192,
        });
        let yarn = json!({
            "rope_type": "yarn", "rope_theta": 5e5, "factor": 4.0, "original_max_position_embeddings": 128,
        });
        for (kind, rope) in [
            ("mistral", json!({"rope_type": "default", "rope_theta": 5e5})),
            ("llama", llama3),
            ("qwen2", yarn),
            ("qwen3", json!({"rope_type": "linear", "rope_theta": 5e5, "factor": 2.0})),
        ] {
            let written = config(kind, json!({ "rope_parameters": rope }));
            let read = read_again(&written);
            let same = ["hidden_size", "num_key_value_heads", "max_position_embeddings", "vocab_size", "rms_norm_eps"];
            for key in same.into_iter().chain(["rope_parameters", "tie_word_embeddings", "intermediate_size"]) {
                assert_eq!(read[key], written[key], "{kind}: {key}");
            }
            assert_eq!(read["model_type"], if kind == "mistral" { "llama" } else { kind });
        }
    }

    #[test]
    fn what_a_file_cannot_say_is_refused_by_name() {
        let llama3 = |low: f64| {
            json!({"rope_parameters": {
                "rope_type": "llama3", "factor": 8.0, "low_freq_factor": low, "high_freq_factor": 4.0,
                "original_max_position_embeddings": 8192,
            }})
        };
        let yarn = json!({"rope_parameters": {"rope_type": "yarn", "factor": 4.0, "beta_fast": 16.0}});
        for (kind, more, words) in [
            ("gemma", json!({}), "`model_type` = gemma"),
            ("llama", llama3(2.0), "`low_freq_factor` = 2.0"),
            ("llama", json!({"rope_parameters": {"rope_type": "longrope"}}), "`rope_type` = longrope"),
            ("qwen2", yarn, "`beta_fast` = 16.0"),
            ("qwen2", json!({"rope_parameters": {"rope_type": "linear"}}), "`factor` = null"),
        ] {
            let error = describe(Path::new("m"), &config(kind, more), FileType::F16).unwrap_err().to_string();
            assert!(error.contains(words), "{error}, not {words}");
        }
    }
}
