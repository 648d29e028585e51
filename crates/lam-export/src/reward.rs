//! The reward model as a sequence classifier of its architecture (such as `MistralForSequenceClassification`) with one
//! label, as TRL and vLLM expect it: its own directory. Model and tokenizer have one padding
//! token, which ends no scored text, so that a batch scores as its texts do alone.

use std::path::Path;

use lam_model::{Decoder, Mode, PackedBatch, ScalarHead};
use lam_prompt::Tokenizer;
use serde_json::{Value, json};

use crate::files::{copy_tokenizer, read_object, write_json};
use crate::record::{Check, Probe, difference, refuse_difference};
use crate::{ExportConfig, ExportError};

/// Files in which a tokenizer names its special tokens.
const NAMES: [&str; 2] = ["tokenizer_config.json", "special_tokens_map.json"];

/// Writes the reward model of `source` into `output`; returns the probes of the reloaded model.
pub fn write(
    source: &Path,
    output: &Path,
    config: &ExportConfig,
    inputs: &[Vec<u32>],
) -> Result<(Vec<Probe>, Vec<Check>), ExportError> {
    let tokenizer = Tokenizer::load(source)?;
    let pad = tokenizer.pad();
    refuse_final_pad(source, pad, inputs)?;
    let (decoder, head) = Decoder::load_reward_model(source)?;
    let alone = scores(&decoder, &head, inputs, 1)?;
    decoder.save_reward_model_in(decoder.saved_in(), &head, pad, output)?;
    name_label(output)?;
    copy_tokenizer(source, output)?;
    name_pad(output, &String::from_utf8_lossy(tokenizer.token_bytes(pad)))?;
    let (decoder, head) = Decoder::load_reward_model(output)?;
    let after = scores(&decoder, &head, inputs, inputs.len())?;
    let gap = difference(&alone, &after);
    refuse_difference(output, "scores of the written model, in a batch, and of its source, one by one", gap, config)?;
    let what = "written model, in a batch, against its source, one by one (must agree)".to_owned();
    Ok((after, vec![Check { what, max_abs_difference: gap }]))
}

/// Transformers scores the last token that is no padding: a text must not end with one.
fn refuse_final_pad(source: &Path, pad: u32, inputs: &[Vec<u32>]) -> Result<(), ExportError> {
    if inputs.iter().all(|input| input.last() != Some(&pad)) {
        return Ok(());
    }
    Err(ExportError::file(source, format!("the padding token {pad} ends texts that are scored; another one is needed")))
}

/// The score of each input's last token, `together` inputs at a time.
fn scores(
    decoder: &Decoder,
    head: &ScalarHead,
    inputs: &[Vec<u32>],
    together: usize,
) -> Result<Vec<Probe>, ExportError> {
    let mut probes = Vec::with_capacity(inputs.len());
    for batch in inputs.chunks(together.max(1)) {
        let hidden_td = decoder.forward(&PackedBatch::from_documents(batch), Mode::Evaluate)?;
        let ends = batch.iter().scan(0, |end, input| {
            *end += input.len();
            Some(*end - 1)
        });
        let scores_b = head.scores(&hidden_td, &ends.collect::<Vec<_>>())?.to_vec1::<f32>()?;
        let probe = |(input, score): (&Vec<u32>, f32)| Probe { input_ids: input.clone(), logits: vec![score] };
        probes.extend(batch.iter().zip(scores_b).map(probe));
    }
    Ok(probes)
}

/// Calls the one label by its name.
fn name_label(output: &Path) -> Result<(), ExportError> {
    let path = output.join("config.json");
    let mut config = read_object(&path)?;
    config.insert("num_labels".to_owned(), json!(1));
    config.insert("id2label".to_owned(), json!({"0": "reward"}));
    config.insert("label2id".to_owned(), json!({"reward": 0}));
    write_json(&path, &Value::Object(config))
}

/// Lets the tokenizer pad with the token that the model takes for padding.
fn name_pad(output: &Path, pad: &str) -> Result<(), ExportError> {
    for name in NAMES {
        let path = output.join(name);
        let is_needed = path.is_file() || name == NAMES[0];
        let mut names = if path.is_file() { read_object(&path)? } else { serde_json::Map::new() };
        let named = names.get("pad_token").map(|token| token.get("content").unwrap_or(token));
        if is_needed && named.and_then(Value::as_str) != Some(pad) {
            names.insert("pad_token".to_owned(), pad.into());
            write_json(&path, &Value::Object(names))?;
        }
    }
    Ok(())
}
