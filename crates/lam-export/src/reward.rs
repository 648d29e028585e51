//! The reward model as `MistralForSequenceClassification` with one label, as TRL and vLLM expect it: its own directory.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde_json::{Map, Value, json};

use crate::ExportError;
use crate::files::{copy_tokenizer, read_object, write_json};

/// Name of the head's weights, shape [1, D].
const HEAD: &str = "score.weight";
const WEIGHTS: &str = "model.safetensors";

/// A tensor as it lies in a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

/// Writes the reward model of `source` into `output`, and reads it back byte for byte.
pub fn write(source: &Path, output: &Path) -> Result<(), ExportError> {
    let mut tensors = read_tensors(source)?;
    tensors.remove("lm_head.weight");
    if !tensors.contains_key(HEAD) {
        let hint = "name the reward model's directory of a phase 4 stage";
        return Err(ExportError::Missing { path: source.to_owned(), what: "score.weight in its weights", hint });
    }
    write_tensors(&tensors, &output.join(WEIGHTS))?;
    let mut config = read_object(&source.join("config.json"))?;
    let pad = pad_token(source, &config)?;
    config.extend(classifier_keys(pad));
    write_json(&output.join("config.json"), &Value::Object(config))?;
    copy_tokenizer(source, output)?;
    if read_tensors(output)? == tensors {
        Ok(())
    } else {
        Err(ExportError::file(output, "the weights read back are not those written"))
    }
}

/// The head's weights as numbers. Shape: `[D]`.
pub fn head_weights(directory: &Path) -> Result<Vec<f32>, ExportError> {
    let tensors = read_tensors(directory)?;
    let head = tensors.get(HEAD).ok_or_else(|| ExportError::file(directory, "no score.weight"))?;
    if head.dtype != Dtype::F32 {
        return Err(ExportError::file(directory, format!("score.weight is {:?}, expected F32", head.dtype)));
    }
    let number = |bytes: &[u8]| f32::from_le_bytes(bytes.try_into().expect("chunks of four bytes"));
    Ok(head.bytes.chunks_exact(4).map(number).collect())
}

fn classifier_keys(pad: u64) -> Map<String, Value> {
    let keys = json!({
        "architectures": ["MistralForSequenceClassification"],
        "num_labels": 1,
        "id2label": {"0": "reward"},
        "label2id": {"reward": 0},
        "pad_token_id": pad,
    });
    match keys {
        Value::Object(keys) => keys,
        _ => unreachable!("the literal above is an object"),
    }
}

/// The padding token: of the config, else the tokenizer's. Sequences of unequal length cannot be scored without one.
fn pad_token(source: &Path, config: &Map<String, Value>) -> Result<u64, ExportError> {
    match config.get("pad_token_id").and_then(Value::as_u64) {
        Some(pad) => Ok(pad),
        None => Ok(u64::from(lam_prompt::Tokenizer::load(source)?.pad())),
    }
}

/// Every tensor of the directory's safetensors files, by name.
fn read_tensors(directory: &Path) -> Result<BTreeMap<String, Stored>, ExportError> {
    let entries = fs::read_dir(directory).map_err(ExportError::io("list", directory))?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "safetensors"));
    files.sort();
    let mut tensors = BTreeMap::new();
    for file in files {
        let bytes = fs::read(&file).map_err(ExportError::io("read", &file))?;
        let views = SafeTensors::deserialize(&bytes).map_err(|error| ExportError::file(&file, error))?;
        for (name, view) in views.tensors() {
            let stored = Stored { dtype: view.dtype(), shape: view.shape().to_vec(), bytes: view.data().to_vec() };
            tensors.insert(name, stored);
        }
    }
    Ok(tensors)
}

fn write_tensors(tensors: &BTreeMap<String, Stored>, path: &Path) -> Result<(), ExportError> {
    let failed = |error: safetensors::SafeTensorError| ExportError::file(path, error);
    let mut views = Vec::with_capacity(tensors.len());
    for (name, stored) in tensors {
        views.push((name, TensorView::new(stored.dtype, stored.shape.clone(), &stored.bytes).map_err(failed)?));
    }
    let metadata = [("format".to_owned(), "pt".to_owned())].into_iter().collect();
    safetensors::serialize_to_file(views, Some(metadata), path).map_err(failed)
}
