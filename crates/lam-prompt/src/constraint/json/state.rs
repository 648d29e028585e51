//! Where a JSON answer stands, and where each byte leads.

use super::document::{Found, Words};
use super::lists::{Lists, OPEN, Then};
use crate::constraint::AnswerLimits;
use crate::constraint::number::{begins_number, is_number};

/// Bytes that count as one token where a limit is given in tokens.
const BYTES_A_TOKEN: usize = 4;

/// Where the answer stands; small, because a search through the vocabulary copies it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// In a list: the alternatives `low..high` agree with the `length` bytes so far.
    List { list: usize, low: usize, high: usize, length: usize },
    /// In a free string: `escape` bytes of an escape may still come, `used` bytes are written.
    Free { field: Field, escape: Escape, used: usize },
    /// In words of the document.
    Document { function: usize, arg: usize, found: Found },
    /// In a number.
    Number { function: usize, arg: usize, written: Digits },
    /// After the last brace.
    End,
}

/// Which free string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Thought,
    Text(usize, usize),
    Step(usize),
}

/// Where an escape in a string stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Escape {
    None,
    /// After the backslash.
    Begun,
    /// In the four digits of `\u00XX`, this many written.
    Unicode(u8),
}

/// The characters of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Digits {
    bytes: [u8; 20],
    length: usize,
}

impl Digits {
    const EMPTY: Digits = Digits { bytes: [0; 20], length: 0 };

    fn with(mut self, byte: u8) -> Option<Self> {
        *self.bytes.get_mut(self.length)? = byte;
        self.length += 1;
        Some(self)
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

/// Everything that does not change while an answer is written.
pub(super) struct Rules {
    pub(super) lists: Lists,
    pub(super) words: Words,
    /// For each function, for each of its arguments: the range of a number on this screen.
    pub(super) ranges: Vec<Vec<Option<(i64, i64)>>>,
    pub(super) limits: AnswerLimits,
}

impl Rules {
    pub(super) fn begin(&self) -> State {
        self.enter(Then::List(OPEN))
    }

    /// Bytes that a free string may have.
    pub(super) fn limit(&self, field: Field) -> usize {
        BYTES_A_TOKEN
            * match field {
                Field::Thought => self.limits.thought_tokens,
                Field::Text(..) => self.limits.text_tokens,
                Field::Step(_) => self.limits.step_tokens,
            }
    }

    /// Where `byte` leads, if anywhere.
    pub(super) fn step(&self, state: State, byte: u8) -> Option<State> {
        match state {
            State::List { list, low, high, length } => self.in_list(list, low, high, length, byte),
            State::Free { field, escape, used } => self.in_free(field, escape, used, byte),
            State::Document { function, arg, found } => match byte {
                b'"' if self.words.may_end(found) => Some(self.enter(Then::List(self.lists.behind(function, arg)))),
                _ => self.words.step(found, byte).map(|found| State::Document { function, arg, found }),
            },
            State::Number { function, arg, written } => self.in_number(function, arg, written, byte),
            State::End => None,
        }
    }

    fn enter(&self, then: Then) -> State {
        let free = |field| State::Free { field, escape: Escape::None, used: 0 };
        match then {
            Then::List(list) => State::List { list, low: 0, high: self.lists.get(list).len(), length: 0 },
            Then::Thought => free(Field::Thought),
            Then::Text(function, arg) => free(Field::Text(function, arg)),
            Then::Step(step) => free(Field::Step(step)),
            Then::Document(function, arg) => State::Document { function, arg, found: self.words.all() },
            Then::Number(function, arg) => State::Number { function, arg, written: Digits::EMPTY },
            Then::End => State::End,
        }
    }

    fn in_list(&self, list: usize, low: usize, high: usize, length: usize, byte: u8) -> Option<State> {
        let alternatives = &self.lists.get(list)[low..high];
        let next = |at: usize| alternatives[at].bytes.get(length).copied();
        let first = (0..alternatives.len()).find(|at| next(*at) == Some(byte))?;
        let count = (first..alternatives.len()).take_while(|at| next(*at) == Some(byte)).count();
        let alternative = &alternatives[first];
        if alternative.bytes.len() == length + 1 {
            return Some(self.enter(alternative.then));
        }
        Some(State::List { list, low: low + first, high: low + first + count, length: length + 1 })
    }

    fn in_free(&self, field: Field, escape: Escape, used: usize, byte: u8) -> Option<State> {
        let go = |escape| Some(State::Free { field, escape, used: used + 1 });
        match escape {
            Escape::None if byte == b'"' => Some(self.behind(field)),
            Escape::None if byte < 0x20 || used >= self.limit(field) => None,
            Escape::None if byte == b'\\' => go(Escape::Begun),
            Escape::None => go(Escape::None),
            Escape::Begun if byte == b'u' => go(Escape::Unicode(0)),
            Escape::Begun if b"\"\\/bfnrt".contains(&byte) => go(Escape::None),
            // Only control characters are written so; others stand as themselves.
            Escape::Unicode(written @ 0..=1) if byte == b'0' => go(Escape::Unicode(written + 1)),
            Escape::Unicode(2) if b"01".contains(&byte) => go(Escape::Unicode(3)),
            Escape::Unicode(3) if byte.is_ascii_hexdigit() => go(Escape::None),
            Escape::Begun | Escape::Unicode(_) => None,
        }
    }

    /// After the quote that ends a free string.
    fn behind(&self, field: Field) -> State {
        self.enter(Then::List(match field {
            Field::Thought => self.lists.controls,
            Field::Text(function, arg) => self.lists.behind(function, arg),
            Field::Step(step) => self.lists.plan[step],
        }))
    }

    fn in_number(&self, function: usize, arg: usize, written: Digits, byte: u8) -> Option<State> {
        let (min, max) = self.ranges[function][arg].unwrap_or((i64::MIN, i64::MAX));
        if byte == b'-' || byte.is_ascii_digit() {
            let written = written.with(byte).filter(|written| begins_number(written.text(), min, max))?;
            return Some(State::Number { function, arg, written });
        }
        let is_whole = is_number(written.text(), min, max);
        is_whole
            .then(|| self.enter(Then::List(self.lists.behind(function, arg))))
            .and_then(|state| self.step(state, byte))
    }
}
