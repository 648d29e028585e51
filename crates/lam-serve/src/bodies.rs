//! Answers as OpenAI writes them: whole, or chunk by chunk. Knows no HTTP.

use std::sync::Arc;

use lam_prompt::{Renderer, Tokenizer};
use serde_json::{Map, Value, json};

use crate::answering::Piece;
use crate::engine::Written;

/// What all bodies of one answer begin with, and how log-probabilities are written in them.
#[derive(Clone)]
pub struct Head {
    /// Whether it answers a conversation, or continues texts.
    pub is_chat: bool,
    /// The answer's own name.
    pub id: String,
    /// Seconds since 1970.
    pub created: u64,
    /// The model.
    pub model: String,
    /// Whether log-probabilities are wanted.
    pub logprobs: bool,
    /// Whether chunks tell that their numbers of tokens come later.
    pub include_usage: bool,
    /// The model's words.
    pub renderer: Arc<Renderer>,
}

/// One whole answer.
#[derive(Default)]
pub struct Whole {
    text: String,
    written: Vec<Written>,
    finish: Option<&'static str>,
}

impl Whole {
    /// Takes the next piece.
    pub fn take(&mut self, piece: Piece) {
        self.text += &piece.text;
        self.written.extend(piece.written);
        self.finish = piece.finish;
    }
}

/// Numbers of tokens.
pub fn usage(prompt: usize, answer: usize) -> Value {
    json!({"prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": prompt + answer})
}

impl Head {
    /// The body of whole answers.
    pub fn whole(&self, answers: Vec<Whole>, usage: Value) -> Value {
        let choice = |(index, whole): (usize, Whole)| {
            let logprobs = self.logprobs_of(&whole.written, 0);
            match self.is_chat {
                true => {
                    let message = json!({"role": "assistant", "content": whole.text, "refusal": null});
                    json!({"index": index, "message": message, "logprobs": logprobs, "finish_reason": whole.finish})
                }
                false => {
                    json!({"index": index, "text": whole.text, "logprobs": logprobs, "finish_reason": whole.finish})
                }
            }
        };
        let choices: Vec<Value> = answers.into_iter().enumerate().map(choice).collect();
        let mut body = self.body(false);
        body["choices"] = choices.into();
        body["usage"] = usage;
        body
    }

    /// The chunk that opens an answer of a conversation.
    pub fn opening(&self, choice: usize) -> Value {
        self.chunk(json!({"index": choice, "delta": {"role": "assistant", "content": ""}, "logprobs": null, "finish_reason": null}))
    }

    /// The chunk of a piece; `offset` is the number of characters before it.
    pub fn piece(&self, piece: &Piece, offset: usize) -> Value {
        let logprobs = if piece.written.is_empty() { Value::Null } else { self.logprobs_of(&piece.written, offset) };
        let (index, finish) = (piece.choice, piece.finish);
        self.chunk(match self.is_chat {
            true => {
                let delta = if piece.text.is_empty() { json!({}) } else { json!({"content": piece.text}) };
                json!({"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish})
            }
            false => json!({"index": index, "text": piece.text, "logprobs": logprobs, "finish_reason": finish}),
        })
    }

    /// The last chunk, with the numbers of tokens.
    pub fn last(&self, usage: Value) -> Value {
        let mut body = self.body(true);
        body["choices"] = json!([]);
        body["usage"] = usage;
        body
    }

    fn chunk(&self, choice: Value) -> Value {
        let mut body = self.body(true);
        body["choices"] = json!([choice]);
        if self.include_usage {
            body["usage"] = Value::Null;
        }
        body
    }

    fn body(&self, is_chunk: bool) -> Value {
        let object = match (self.is_chat, is_chunk) {
            (true, true) => "chat.completion.chunk",
            (true, false) => "chat.completion",
            (false, _) => "text_completion",
        };
        json!({"id": self.id, "object": object, "created": self.created, "model": self.model})
    }

    /// log p of each token, with the most probable ones at its place; `null` where none are wanted.
    fn logprobs_of(&self, written: &[Written], offset: usize) -> Value {
        if !self.logprobs {
            return Value::Null;
        }
        let tokenizer = self.renderer.tokenizer();
        if self.is_chat {
            let entry = |written: &Written| {
                let top: Vec<Value> = written.top.iter().map(|top| token_entry(tokenizer, *top)).collect();
                let mut entry = token_entry(tokenizer, (written.token, written.logprob));
                entry["top_logprobs"] = top.into();
                entry
            };
            return json!({"content": written.iter().map(entry).collect::<Vec<_>>(), "refusal": null});
        }
        let mut place = offset;
        let mut offsets = Vec::new();
        for written in written {
            offsets.push(place);
            place += tokenizer.decode(&[written.token]).chars().count();
        }
        let top = |written: &Written| -> Map<String, Value> {
            written.top.iter().map(|(token, logprob)| (tokenizer.decode(&[*token]), json!(logprob))).collect()
        };
        json!({
            "tokens": written.iter().map(|written| tokenizer.decode(&[written.token])).collect::<Vec<_>>(),
            "token_logprobs": written.iter().map(|written| written.logprob).collect::<Vec<_>>(),
            "top_logprobs": written.iter().map(top).collect::<Vec<_>>(),
            "text_offset": offsets,
        })
    }
}

/// A token with its bytes: part of a character is no text.
fn token_entry(tokenizer: &Tokenizer, (token, logprob): (u32, f32)) -> Value {
    json!({"token": tokenizer.decode(&[token]), "logprob": logprob, "bytes": tokenizer.token_bytes(token)})
}
