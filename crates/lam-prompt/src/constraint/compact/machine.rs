//! The states of a compact answer, and which tokens each allows.

use std::sync::Arc;

use super::document::DocumentText;
use super::functions::{Functions, Then, Way};
use super::lists::{CompactLists, End, FreeList};
use super::number::{begins_number, is_number};
use super::screen::Screen;
use crate::Tokenizer;
use crate::compact::{Compact, Markers};
use crate::constraint::{AnswerLimits, TokenConstraint};

/// Where the answer stands.
pub(super) enum Stage {
    /// Before `<|think|>`.
    Begin,
    /// In the thought, after this many tokens.
    Thought(usize),
    /// In a step of the plan: which one, after how many tokens.
    Step(usize, usize),
    /// One of these sequences, of which `depth` tokens are written.
    Choice { ways: Vec<Way>, depth: usize },
    /// After a sequence.
    After(Then),
    /// In a text argument: which one, after how many tokens.
    Text(usize, usize),
    /// In a text argument of the document's words.
    Document(usize, DocumentText),
    /// In a number: which argument, and what is written.
    Number(usize, String),
    /// Complete.
    Done,
    /// Behind a token that was not allowed: nothing can follow.
    Broken,
}

/// What a constraint is made of.
pub(crate) struct Parts {
    pub(crate) tokenizer: Arc<Tokenizer>,
    pub(crate) markers: Markers,
    pub(crate) lists: Arc<CompactLists>,
    pub(crate) functions: Arc<Functions>,
    pub(crate) screen: Screen,
    pub(crate) limits: AnswerLimits,
    /// Whether an answer that calls nothing is none.
    pub(crate) must_call: bool,
}

/// The constraint on one compact answer.
pub(crate) struct ActionConstraint {
    pub(super) parts: Parts,
    /// The function that was named.
    pub(super) function: Option<usize>,
    /// The document's words, once they are needed.
    pub(super) document: Option<DocumentText>,
    stage: Stage,
    buffer: Vec<u32>,
}

impl ActionConstraint {
    /// A constraint at the beginning of an answer.
    pub(crate) fn new(parts: Parts) -> Self {
        Self { parts, function: None, document: None, stage: Stage::Begin, buffer: Vec::new() }
    }

    /// What may follow argument `arg`.
    fn end(&self, arg: usize) -> End {
        let is_possible = |function, arg| self.parts.screen.is_possible(function, arg);
        self.function.map_or(End::Status, |function| self.parts.functions.end(function, arg, is_possible))
    }

    /// The document's words, made into tokens when they are first asked for.
    pub(super) fn take_document(&mut self) -> DocumentText {
        let form = Compact { tokenizer: &self.parts.tokenizer, markers: self.parts.markers };
        self.document.take().unwrap_or_else(|| DocumentText::new(form, &self.parts.screen.document))
    }

    /// Puts the tokens that continue one of `ways`, or follow a finished one, into the buffer.
    fn put_choice(&mut self, ways: &[Way], depth: usize) {
        self.buffer.extend(ways.iter().filter_map(|way| way.tokens.get(depth)));
        if let Some(done) = ways.iter().find(|way| way.tokens.len() == depth) {
            self.put_after(done.then);
        }
    }

    /// Puts what may follow a finished sequence into the buffer.
    fn put_after(&mut self, then: Then) {
        let marks = self.parts.markers;
        match then {
            Then::On(_) => self.buffer.push(marks.on),
            Then::Args => self.buffer.push(marks.args),
            Then::ArgEnd(arg) => self.put_end(arg),
            Then::Status => self.buffer.push(marks.status),
            Then::Eos => self.buffer.push(self.parts.tokenizer.eos()),
            Then::Text(arg) => {
                let list = &self.parts.lists.value[self.end(arg).index()];
                self.buffer.extend_from_slice(&list.first);
            }
            Then::Number(arg) => self.put_digits(arg, ""),
            Then::Document(arg) => {
                let text = self.take_document();
                self.put_document(arg, &text);
                self.document = Some(text);
            }
        }
    }

    fn put_end(&mut self, arg: usize) {
        let end = self.end(arg);
        if end != End::Status {
            self.buffer.push(self.parts.markers.comma);
        }
        if end != End::Comma {
            self.buffer.push(self.parts.markers.status);
        }
    }

    fn put_document(&mut self, arg: usize, text: &DocumentText) {
        if text.next(&self.parts.lists.begins_word, self.parts.limits.text_tokens, &mut self.buffer) {
            self.put_end(arg);
        }
    }

    /// The range of an integer argument.
    fn range(&self, arg: usize) -> (i64, i64) {
        self.function.and_then(|function| self.parts.screen.range(function, arg)).unwrap_or((i64::MIN, i64::MAX))
    }

    /// Puts the tokens that continue a number of which `written` is there, its space included.
    fn put_digits(&mut self, arg: usize, written: &str) {
        let (min, max) = self.range(arg);
        let number = written.strip_prefix(' ');
        for id in &self.parts.lists.numbers {
            let token = std::str::from_utf8(self.parts.tokenizer.token_bytes(*id)).unwrap_or_default();
            let fits = match (number, token.strip_prefix(' ')) {
                (None, Some(first)) => begins_number(first, min, max),
                (Some(number), None) => begins_number(&format!("{number}{token}"), min, max),
                _ => false,
            };
            if fits {
                self.buffer.push(*id);
            }
        }
        if number.is_some_and(|number| is_number(number, min, max)) {
            self.put_end(arg);
        }
    }

    /// Fills the buffer where no ready list serves.
    fn fill(&mut self, stage: &Stage) {
        self.buffer.clear();
        match stage {
            Stage::Begin => self.buffer.push(self.parts.markers.think),
            Stage::Choice { ways, depth } => self.put_choice(ways, *depth),
            Stage::After(then) => self.put_after(*then),
            Stage::Document(arg, text) => self.put_document(*arg, text),
            Stage::Number(arg, written) => self.put_digits(*arg, written),
            Stage::Thought(_) | Stage::Step(..) | Stage::Text(..) | Stage::Done | Stage::Broken => {}
        }
        self.buffer.sort_unstable();
        self.buffer.dedup();
    }

    fn step_list(&self, step: usize, used: usize) -> &[u32] {
        let (lists, limits) = (&self.parts.lists, self.parts.limits);
        let list = if step + 1 < limits.plan_steps { &lists.step } else { &lists.last_step };
        match (step, used) {
            (1.., 0) => &lists.step_starts,
            _ => pick(list, used, limits.step_tokens),
        }
    }
}

/// The list for a free text of which `used` of at most `limit` tokens are written.
fn pick(list: &FreeList, used: usize, limit: usize) -> &[u32] {
    match used {
        _ if used >= limit => &list.closed,
        0 => &list.first,
        _ => &list.inside,
    }
}

impl TokenConstraint for ActionConstraint {
    fn allowed(&mut self) -> &[u32] {
        let stage = std::mem::replace(&mut self.stage, Stage::Done);
        self.fill(&stage);
        self.stage = stage;
        let limits = self.parts.limits;
        match &self.stage {
            Stage::Thought(used) => pick(&self.parts.lists.thought, *used, limits.thought_tokens),
            Stage::Step(step, used) => self.step_list(*step, *used),
            Stage::Text(arg, used) => pick(&self.parts.lists.value[self.end(*arg).index()], *used, limits.text_tokens),
            _ => &self.buffer,
        }
    }

    fn advance(&mut self, token: u32) {
        let stage = std::mem::replace(&mut self.stage, Stage::Done);
        self.stage = self.next(stage, token);
    }

    fn is_done(&self) -> bool {
        matches!(self.stage, Stage::Done)
    }
}
