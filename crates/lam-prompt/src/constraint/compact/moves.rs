//! Where each token leads in a compact answer.

use super::document::DocumentText;
use super::functions::{Then, Way};
use super::machine::{ActionConstraint, Stage};

impl ActionConstraint {
    /// Where `token` leads from `stage`.
    pub(super) fn next(&mut self, stage: Stage, token: u32) -> Stage {
        let marks = self.parts.markers;
        match stage {
            Stage::Begin if token == marks.think => Stage::Thought(0),
            Stage::Thought(_) if token == marks.plan => Stage::Step(0, 0),
            Stage::Thought(used) => self.in_text(token, Stage::Thought(used + 1)),
            Stage::Step(step, _) if token == marks.semicolon => Stage::Step(step + 1, 0),
            Stage::Step(..) if token == marks.act => {
                let ways = self.parts.functions.calls(&self.parts.screen.offered, self.parts.must_call);
                Stage::Choice { ways, depth: 0 }
            }
            Stage::Step(step, used) => self.in_text(token, Stage::Step(step, used + 1)),
            Stage::Choice { ways, depth } => self.in_choice(ways, depth, token),
            Stage::After(then) => self.after(then, token),
            Stage::Text(arg, used) => self.in_value(arg, token, Stage::Text(arg, used + 1)),
            Stage::Document(arg, text) => self.in_document(arg, text, token),
            Stage::Number(arg, written) => self.in_number(arg, written, token),
            Stage::Begin | Stage::Done | Stage::Broken => Stage::Broken,
        }
    }

    /// Where `token` leads after a finished sequence.
    fn after(&mut self, then: Then, token: u32) -> Stage {
        let marks = self.parts.markers;
        match then {
            Then::On(function) if token == marks.on => self.at_control(function),
            Then::Args if token == marks.args => self.at_args(0),
            Then::Status if token == marks.status => self.at_status(),
            Then::ArgEnd(arg) => self.at_end(arg, token),
            Then::Text(arg) => self.in_value(arg, token, Stage::Text(arg, 1)),
            Then::Number(arg) => self.in_number(arg, String::new(), token),
            Then::Document(arg) => {
                let text = self.take_document();
                self.in_document(arg, text, token)
            }
            Then::Eos if token == self.parts.tokenizer.eos() => Stage::Done,
            Then::On(_) | Then::Args | Then::Status | Then::Eos => Stage::Broken,
        }
    }

    fn at_control(&mut self, function: Option<usize>) -> Stage {
        self.function = function;
        let target = |function: usize| &self.parts.functions.specs()[function].target;
        match function.and_then(|function| self.parts.screen.targets(function, target(function))) {
            Some(ways) => Stage::Choice { ways, depth: 0 },
            None => Stage::After(Then::Args),
        }
    }

    fn at_args(&self, from: usize) -> Stage {
        let is_possible = |function, arg| self.parts.screen.is_possible(function, arg);
        Stage::Choice { ways: self.parts.functions.args_from(self.function, from, is_possible), depth: 0 }
    }

    fn at_status(&self) -> Stage {
        Stage::Choice { ways: self.parts.functions.statuses(), depth: 0 }
    }

    /// Where `token` leads after argument `arg`.
    fn at_end(&self, arg: usize, token: u32) -> Stage {
        match token {
            _ if token == self.parts.markers.comma => self.at_args(arg + 1),
            _ if token == self.parts.markers.status => self.at_status(),
            _ => Stage::Broken,
        }
    }

    fn in_choice(&mut self, mut ways: Vec<Way>, depth: usize, token: u32) -> Stage {
        if ways.iter().any(|way| way.tokens.get(depth) == Some(&token)) {
            ways.retain(|way| way.tokens.get(depth) == Some(&token));
            return Stage::Choice { ways, depth: depth + 1 };
        }
        match ways.iter().find(|way| way.tokens.len() == depth).map(|way| way.then) {
            Some(then) => self.after(then, token),
            None => Stage::Broken,
        }
    }

    /// `next`, unless a special token stands where text was expected.
    fn in_text(&self, token: u32, next: Stage) -> Stage {
        if self.parts.tokenizer.is_special(token) { Stage::Broken } else { next }
    }

    fn in_value(&self, arg: usize, token: u32, next: Stage) -> Stage {
        if self.parts.tokenizer.is_special(token) { self.at_end(arg, token) } else { next }
    }

    fn in_number(&self, arg: usize, mut written: String, token: u32) -> Stage {
        if self.parts.tokenizer.is_special(token) {
            return self.at_end(arg, token);
        }
        written.push_str(&String::from_utf8_lossy(self.parts.tokenizer.token_bytes(token)));
        Stage::Number(arg, written)
    }

    fn in_document(&self, arg: usize, mut text: DocumentText, token: u32) -> Stage {
        if self.parts.tokenizer.is_special(token) {
            return self.at_end(arg, token);
        }
        if text.advance(&self.parts.tokenizer, token) { Stage::Document(arg, text) } else { Stage::Broken }
    }
}
