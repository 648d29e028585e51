//! A model's words as the keys of a GGUF file: its tokenizer, its chat template, the tokens that end an answer.

use std::path::Path;

use lam_gguf::Value;

use crate::chat::form::Chat;
use crate::chat::source;
use crate::tokenizer::{GGUF_TEMPLATE, gguf_keys};
use crate::{GgufTokenizer, PromptError, Renderer};

/// Keys of the tokens beside the end of sequence that end an answer.
const FURTHER_ENDS: [&str; 2] = ["tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"];

/// What a GGUF file says of the tokenizer and the template in a model directory, for an embedding of so many rows.
///
/// # Errors
/// Files that cannot be read, a tokenizer of another kind than pairs, one that cuts texts into words in a way for which
/// llama.cpp has no name, or one with more entries than rows.
pub fn gguf_tokenizer(dir: &Path, rows: usize) -> Result<GgufTokenizer, PromptError> {
    let renderer = Renderer::load(dir)?;
    let tokenizer = renderer.tokenizer();
    let mut keys = gguf_keys(tokenizer, dir, rows)?;
    let ends = renderer.stop_tokens().iter().filter(|id| **id != tokenizer.eos());
    for (key, id) in FURTHER_ENDS.into_iter().zip(ends) {
        keys.metadata.insert(key.into(), Value::Whole(i64::from(*id)));
    }
    let template = source::find(tokenizer, dir)?.or_else(|| Chat::built_in(tokenizer));
    keys.metadata.extend(template.map(|template| (GGUF_TEMPLATE.to_owned(), Value::Text(template.text))));
    Ok(keys)
}
