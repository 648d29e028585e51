//! Answers as OpenAI writes them: whole, or chunk by chunk. Knows no HTTP.

use std::sync::Arc;

use lam_prompt::{Renderer, Tokenizer};
use serde_json::{Map, Value, json};

use crate::answering::Piece;
use crate::calls::CallPiece;
use crate::engine::Written;
use crate::text::Offsets;

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
            let (logprobs, finish) = (self.logprobs_of(&whole.written, &mut Offsets::default()), whole.finish);
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
    /// their end; `offsets` are those of the answer, behind the pieces before it.
    pub fn piece(&self, piece: &Piece, offsets: &mut Offsets) -> Vec<Value> {
        let mut logprobs =
            if piece.written.is_empty() { Value::Null } else { self.logprobs_of(&piece.written, offsets) };
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
    fn logprobs_of(&self, written: &[Written], offsets: &mut Offsets) -> Value {
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
        let offsets: Vec<usize> = written.iter().map(|written| offsets.push(&self.renderer, written.token)).collect();
        json!({
            "tokens": written.iter().map(|written| token_name(tokenizer, written.token)).collect::<Vec<_>>(),
            "token_logprobs": written.iter().map(|written| written.logprob).collect::<Vec<_>>(),
            "top_logprobs": written.iter().map(|written| named_top(tokenizer, written)).collect::<Vec<_>>(),
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

/// A token with its bytes.
fn token_entry(tokenizer: &Tokenizer, (token, logprob): (u32, f32)) -> Value {
    json!({"token": token_name(tokenizer, token), "logprob": logprob, "bytes": tokenizer.token_bytes(token)})
}

/// A token's text; of one that is a part of characters, its bytes, as OpenAI names it.
fn token_name(tokenizer: &Tokenizer, token: u32) -> String {
    let bytes = tokenizer.token_bytes(token);
    std::str::from_utf8(bytes).map_or_else(|_| name_of_bytes(bytes), str::to_owned)
}

fn name_of_bytes(bytes: &[u8]) -> String {
    bytes.iter().fold("bytes:".to_owned(), |name, byte| name + &format!("\\x{byte:02x}"))
}

/// log p of the most probable tokens and, as OpenAI has it here, of the token itself where it is none of them.
fn named_top(tokenizer: &Tokenizer, written: &Written) -> Map<String, Value> {
    let mut tokens = written.top.clone();
    if !tokens.iter().any(|(token, _)| *token == written.token) {
        tokens.push((written.token, written.logprob));
    }
    named(tokenizer, &tokens)
}

/// log p of tokens by name, the most probable first. Where two have one text, the second is named by its bytes.
fn named(tokenizer: &Tokenizer, tokens: &[(u32, f32)]) -> Map<String, Value> {
    let mut named = Map::new();
    for (token, logprob) in tokens {
        let name = token_name(tokenizer, *token);
        let name = if named.contains_key(&name) { name_of_bytes(tokenizer.token_bytes(*token)) } else { name };
        named.entry(name).or_insert_with(|| json!(logprob));
    }
    named
}

#[cfg(test)]
mod tests {
    use lam_prompt::TokenizerConfig;

    use super::*;

    /// A head over a tokenizer of bytes in a chat template, so that characters are cut and special tokens hidden.
    fn head() -> Head {
        let config = TokenizerConfig { vocab_size: 300, labels: 0, words: Vec::new() };
        let directory = tempfile::tempdir().unwrap();
        Tokenizer::train(&["a"], &config).unwrap().save(directory.path()).unwrap();
        let template = "{% for m in messages %}{{ m.content }}{% if m.role == 'assistant' %}{{ eos_token }}{% endif %}{% endfor %}";
        std::fs::write(directory.path().join("chat_template.jinja"), template).unwrap();
        let renderer = Arc::new(Renderer::load(directory.path()).unwrap());
        assert!(!renderer.is_compact());
        let (id, model) = ("cmpl-1".to_owned(), "m".to_owned());
        Head { is_chat: false, id, created: 0, model, logprobs: true, include_usage: false, renderer }
    }

    /// The tokens of bytes, and a special one where `None` stands.
    fn tokens(tokenizer: &Tokenizer, bytes: &[Option<u8>]) -> Vec<u32> {
        let size = u32::try_from(tokenizer.vocab_size()).unwrap();
        let of = |byte: &u8| (0..size).find(|id| tokenizer.token_bytes(*id) == [*byte]).unwrap();
        let special = tokenizer.bos().unwrap();
        bytes.iter().map(|byte| byte.as_ref().map_or(special, of)).collect()
    }

    fn written(token: u32, top: &[u32]) -> Written {
        let top = top.iter().enumerate().map(|(place, token)| (*token, -(place as f32))).collect();
        Written { token, logprob: -1.0, top }
    }

    #[test]
    fn parts_of_characters_have_names_of_their_own_and_move_no_offset() {
        let head = head();
        let tokenizer = head.renderer.tokenizer();
        // a, 漢 in three tokens with a special one among them, a byte that begins no character, é, b
        let bytes =
            [Some(b'a'), Some(0xE6), Some(0xBC), None, Some(0xA2), Some(0xFF), Some(0xC3), Some(0xA9), Some(b'b')];
        let ids = tokens(tokenizer, &bytes);
        let top: Vec<u32> = ids.iter().copied().filter(|id| *id != ids[3]).collect();
        let pieces: Vec<Written> = ids.iter().map(|token| written(*token, &top)).collect();
        let whole = head.logprobs_of(&pieces, &mut Offsets::default());
        assert_eq!(whole["text_offset"], json!([0, 1, 1, 1, 1, 2, 3, 3, 4]));
        let special = tokenizer.decode(&[ids[3]]);
        let names = [
            "a",
            r"bytes:\xe6",
            r"bytes:\xbc",
            &special,
            r"bytes:\xa2",
            r"bytes:\xff",
            r"bytes:\xc3",
            r"bytes:\xa9",
            "b",
        ];
        assert_eq!(whole["tokens"], json!(names));
        for (place, top_of_one) in whole["top_logprobs"].as_array().unwrap().iter().enumerate() {
            let found: Vec<&str> = top_of_one.as_object().unwrap().keys().map(String::as_str).collect();
            let top = names.iter().copied().filter(|name| *name != special);
            // The one that is none of them stands there too where it is the token itself.
            let expected: Vec<&str> = top.chain((place == 3).then_some(special.as_str())).collect();
            assert_eq!(found, expected);
        }
        // A stream has the same, wherever its pieces end.
        for cut in 1..pieces.len() {
            let mut offsets = Offsets::default();
            let mut of = |pieces: &[Written]| head.logprobs_of(pieces, &mut offsets)["text_offset"].clone();
            let parts = [of(&pieces[..cut]), of(&pieces[cut..])];
            let parts: Vec<&Value> = parts.iter().flat_map(|part| part.as_array().unwrap()).collect();
            assert_eq!(json!(parts), whole["text_offset"], "{cut}");
        }
        let twice = named(tokenizer, &[(ids[0], -1.0), (ids[0], -2.0)]);
        assert_eq!(json!(twice), json!({"a": -1.0, r"bytes:\x61": -2.0}));
        let entry = token_entry(tokenizer, (ids[1], -1.0));
        assert_eq!((&entry["token"], &entry["bytes"]), (&json!(r"bytes:\xe6"), &json!([0xE6])));
    }
}
