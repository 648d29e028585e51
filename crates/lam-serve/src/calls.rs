//! Calls of tools in an answer in the making: App. C's action as a call, or the forms in which models write calls.
//! Knows no HTTP and no tokens.

use std::sync::Arc;

use lam_prompt::{CallPart, CallReader, Said, ToolQuestion, parse_action_text};
use serde_json::{Map, Value};

/// How the calls of an answer are found in its text.
#[derive(Clone, Default)]
pub enum Calls {
    /// There are none.
    #[default]
    None,
    /// The answer is App. C's JSON, and its action the call.
    Action(Arc<ToolQuestion>),
    /// As the model writes them.
    Written(CallReader),
}

/// A piece of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct CallPiece {
    /// Number of the call in its answer.
    pub index: usize,
    /// Its id and the tool's name, with the first piece.
    pub head: Option<[String; 2]>,
    /// More of the arguments' JSON text.
    pub arguments: String,
}

/// What is told of an answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Told {
    /// Text.
    pub text: String,
    /// Pieces of calls.
    pub calls: Vec<CallPiece>,
}

impl Told {
    /// Adds what is told after it; more of a call's arguments goes on where they stopped.
    pub fn add(&mut self, more: Told) {
        self.text += &more.text;
        for piece in more.calls {
            match self.calls.last_mut() {
                Some(last) if last.head.is_none() && piece.head.is_none() && last.index == piece.index => {
                    last.arguments += &piece.arguments;
                }
                _ => self.calls.push(piece),
            }
        }
    }
}

/// One answer's text on its way to text and calls.
pub struct AnswerCalls {
    calls: Calls,
    /// App. C's JSON, until it is whole.
    held: String,
    begun: usize,
    /// The arguments of the call that began last, as far as they came.
    last: String,
}

impl AnswerCalls {
    /// An answer whose calls are found so.
    pub fn new(calls: Calls) -> Self {
        Self { calls, held: String::new(), begun: 0, last: String::new() }
    }

    /// Whether there are calls, each of them whole: a string may end an answer in the middle of one.
    pub fn has_whole_calls(&self) -> bool {
        self.begun > 0 && serde_json::from_str::<Map<String, Value>>(&self.last).is_ok()
    }

    /// Whether no call is taken any more.
    pub fn is_full(&self) -> bool {
        matches!(&self.calls, Calls::Written(reader) if reader.is_full())
    }

    /// Takes more of the text; what can be told now.
    pub fn push(&mut self, text: String) -> Told {
        match &mut self.calls {
            Calls::None => Told { text, calls: Vec::new() },
            Calls::Action(_) => {
                self.held += &text;
                Told::default()
            }
            Calls::Written(reader) => {
                let said = reader.push(&text);
                self.told(said)
            }
        }
    }

    /// The rest, once no text comes any more.
    pub fn finish(&mut self) -> Told {
        match &mut self.calls {
            Calls::None => Told::default(),
            Calls::Action(question) => {
                let text = std::mem::take(&mut self.held);
                let call = parse_action_text(&text).ok().and_then(|action| question.call_of(&action));
                let parts = |(name, arguments)| {
                    [CallPart::Begin(name), CallPart::Arguments(Value::Object(arguments).to_string())]
                };
                let calls = call.map(parts).into_iter().flatten().collect();
                self.told(Said { text, calls })
            }
            Calls::Written(reader) => {
                let said = reader.finish();
                self.told(said)
            }
        }
    }

    fn told(&mut self, said: Said) -> Told {
        let mut calls: Vec<CallPiece> = Vec::new();
        for part in said.calls {
            match part {
                CallPart::Begin(name) => {
                    let head = Some([new_id(), name]);
                    calls.push(CallPiece { index: self.begun, head, arguments: String::new() });
                    self.begun += 1;
                    self.last.clear();
                }
                CallPart::Arguments(arguments) => {
                    self.last += &arguments;
                    calls.push(CallPiece { index: self.begun.saturating_sub(1), head: None, arguments });
                }
            }
        }
        Told { text: said.text, calls }
    }
}

/// A name for a call, another one each time.
fn new_id() -> String {
    format!("call_{:016x}{:08x}", rand::random::<u64>(), rand::random::<u32>())
}
