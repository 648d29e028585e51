//! Answers as OpenAI writes them: whole, or chunk by chunk. Knows no HTTP.

use std::sync::Arc;

use lam_prompt::{Renderer, Tokenizer};
use serde_json::{Map, Value, json};

use crate::answering::Piece;
use crate::calls::CallPiece;
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
    /// Each with its id, the tool's name, and its arguments.
    calls: Vec<[String; 3]>,
    written: Vec<Written>,
    finish: Option<&'static str>,
}

impl Whole {
    /// Takes the next piece.
    pub fn take(&mut self, piece: Piece) {
        self.text += &piece.text;
        for CallPiece { index, head, arguments } in piece.calls {
            if let Some([id, name]) = head {
                self.calls.push([id, name, String::new()]);
            }
            if let Some([.., text]) = self.calls.get_mut(index) {
                *text += &arguments;
            }
        }
        self.written.extend(piece.written);
        self.finish = piece.finish;
    }

    /// OpenAI's message: without text it is `null` beside calls.
    fn message(self) -> Value {
        let content = (!self.text.is_empty() || self.calls.is_empty()).then_some(self.text);
        let mut message = json!({"role": "assistant", "content": content, "refusal": null});
        if !self.calls.is_empty() {
            let call = |[id, name, arguments]: [String; 3]| {
                let function = json!({"name": name, "arguments": arguments});
                json!({"id": id, "type": "function", "function": function})
            };
            message["tool_calls"] = self.calls.into_iter().map(call).collect();
        }
        message
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
            let (logprobs, finish) = (self.logprobs_of(&whole.written, 0), whole.finish);
            match self.is_chat {
                true => {
                    let message = whole.message();
                    json!({"index": index, "message": message, "logprobs": logprobs, "finish_reason": finish})
                }
                false => json!({"index": index, "text": whole.text, "logprobs": logprobs, "finish_reason": finish}),
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

    /// The chunks of a piece: one of its text, unless it has none beside calls, one of each piece of a call, and one of
    /// their end; `offset` is the number of characters before it.
    pub fn piece(&self, piece: &Piece, offset: usize) -> Vec<Value> {
        let mut logprobs =
            if piece.written.is_empty() { Value::Null } else { self.logprobs_of(&piece.written, offset) };
        let index = piece.choice;
        if !self.is_chat {
            let choice =
                json!({"index": index, "text": piece.text, "logprobs": logprobs, "finish_reason": piece.finish});
            return vec![self.chunk(choice)];
        }
        let mut deltas = Vec::new();
        if !piece.text.is_empty() || piece.calls.is_empty() {
            deltas.push(if piece.text.is_empty() { json!({}) } else { json!({"content": piece.text}) });
        }
        deltas.extend(piece.calls.iter().map(|call| json!({"tool_calls": [call_delta(call)]})));
        if piece.finish.is_some() && !piece.calls.is_empty() {
            deltas.push(json!({}));
        }
        let last = deltas.len().saturating_sub(1);
        let chunk = |(place, delta): (usize, Value)| {
            let finish = piece.finish.filter(|_| place == last);
            self.chunk(json!({"index": index, "delta": delta, "logprobs": logprobs.take(), "finish_reason": finish}))
        };
        deltas.into_iter().enumerate().map(chunk).collect()
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

/// A piece of a call as a stream has it.
fn call_delta(CallPiece { index, head, arguments }: &CallPiece) -> Value {
    match head {
        Some([id, name]) => {
            json!({"index": index, "id": id, "type": "function", "function": {"name": name, "arguments": arguments}})
        }
        None => json!({"index": index, "function": {"arguments": arguments}}),
    }
}

/// A token with its bytes: part of a character is no text.
fn token_entry(tokenizer: &Tokenizer, (token, logprob): (u32, f32)) -> Value {
    json!({"token": tokenizer.decode(&[token]), "logprob": logprob, "bytes": tokenizer.token_bytes(token)})
}
