//! The compact template of small models: marker tokens instead of JSON, every copy one hop away.
//!
//! ```text
//! prompt  <s><|controls|> NAME LABEL …<|request|> REQUEST<|done|> FUNCTION NAME VALUES<|;|>…<|plan|> STEP<|;|>…<|answer|>
//! answer  <|think|> THOUGHT<|plan|> STEP<|;|>…<|do|> FUNCTION<|on|> NAME LABEL<|args|> KEY VALUE<|,|>…<|status|> STATUS</s>
//! plan    <s><|request|> TASK<|answer|><|plan|>  →   STEP<|;|> STEP</s>
//! ```
//! Exactly one space precedes each text. A value that is not a string is written as JSON after `<|json|>`.
//! A past action that failed ends in `<|failed|>`. Reading an answer back gives the paper's seven keys without loss.

mod answer;
mod parse;
mod prompt;
mod spacing;

use crate::{MARKERS, PromptError, Tokenizer};

/// The markers' ids in one tokenizer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Markers {
    pub controls: u32,
    pub request: u32,
    pub done: u32,
    pub plan: u32,
    pub answer: u32,
    pub think: u32,
    pub act: u32,
    pub on: u32,
    pub args: u32,
    pub status: u32,
    pub comma: u32,
    pub semicolon: u32,
    pub json: u32,
    pub failed: u32,
}

impl Markers {
    /// The ids, or `None` when the tokenizer is not one of the compact template.
    pub(crate) fn find(tokenizer: &Tokenizer) -> Option<Self> {
        let ids: Vec<u32> = MARKERS.iter().filter_map(|marker| tokenizer.token_id(marker)).collect();
        let [controls, request, done, plan, answer, think, act, on, args, status, comma, semicolon, json, failed] =
            ids.try_into().ok()?;
        Some(Self {
            controls,
            request,
            done,
            plan,
            answer,
            think,
            act,
            on,
            args,
            status,
            comma,
            semicolon,
            json,
            failed,
        })
    }
}

/// The compact template over one tokenizer.
#[derive(Clone, Copy)]
pub(crate) struct Compact<'a> {
    pub(crate) tokenizer: &'a Tokenizer,
    pub(crate) markers: Markers,
}

impl Compact<'_> {
    /// The ids of `text` after one space; none for an empty text.
    pub(crate) fn segment(&self, text: &str) -> Vec<u32> {
        if text.is_empty() { Vec::new() } else { self.tokenizer.encode(&format!(" {text}")) }
    }
}

/// What a missing marker means.
pub(crate) fn no_template(dir: &std::path::Path) -> PromptError {
    PromptError::format(
        dir,
        "there is no chat template, and the tokenizer has neither the compact template's markers nor Mistral's [INST]",
        "lay the model's chat_template.jinja beside its tokenizer, or let the base stage make a tokenizer",
    )
}
