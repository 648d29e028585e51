//! Calls in what a model writes, piece by piece: in Hermes' tags, in Mistral's list, or as nothing but an object, as
//! Llama writes them. Knows neither tokens nor prompts.

use std::collections::BTreeSet;

use super::call_forms::{CLOSE, Call, MISTRAL, OPEN, PYTHON, json, mistral};
use crate::answer::spaced;

/// What became known of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// Text that is no call.
    pub text: String,
    /// Parts of calls, in their order.
    pub calls: Vec<CallPart>,
}

/// A part of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallPart {
    /// A call of the tool with this name begins.
    Begin(String),
    /// More of the arguments' JSON text of the call that began last.
    Arguments(String),
}

/// Reads one answer's text in pieces. What is no call of a tool that is offered stays text; white space around calls is
/// no part of either.
#[derive(Clone, Debug)]
pub struct CallReader {
    names: BTreeSet<String>,
    /// How many calls are taken; the answer is over after them.
    most: usize,
    /// Whether calls are known to have [`tagged`]'s form, so that their arguments are told as they come.
    is_certain: bool,
    stage: Stage,
    /// Text that is not told yet.
    held: String,
    /// White space that belongs to the text if more of it follows.
    space: String,
    /// Calls that began.
    calls: usize,
    /// Whether text was told.
    has_text: bool,
}

#[derive(Clone, Debug)]
enum Stage {
    /// At the beginning, or behind text or calls.
    Words,
    /// Behind [`OPEN`].
    Tagged,
    /// In the arguments of a call whose form is certain.
    Arguments(Scan),
    /// Behind them.
    Behind,
    /// Behind [`MISTRAL`]: what follows is read at the end.
    Mistral,
    /// In what may be nothing but an object: read at the end.
    Bare,
}

impl CallReader {
    /// A reader of an answer that may call the tools of these names, at most so many times. `is_certain` says that a
    /// constraint keeps it to the form in which such calls are written.
    pub fn new(names: impl IntoIterator<Item = String>, most: usize, is_certain: bool) -> Self {
        let (held, space) = (String::new(), String::new());
        let names = names.into_iter().collect();
        Self { names, most, is_certain, stage: Stage::Words, held, space, calls: 0, has_text: false }
    }

    /// Whether all calls that are taken are whole.
    pub fn is_full(&self) -> bool {
        self.calls >= self.most && matches!(self.stage, Stage::Words)
    }

    /// Takes the next piece of the answer; what is certain now.
    pub fn push(&mut self, piece: &str) -> Said {
        let mut said = Said::default();
        self.held += piece;
        while !self.is_full() && self.advance(&mut said) {}
        said
    }

    /// The rest, once nothing more comes.
    pub fn finish(&mut self) -> Said {
        let mut said = Said::default();
        let rest = std::mem::take(&mut self.held);
        match std::mem::replace(&mut self.stage, Stage::Words) {
            Stage::Words if self.calls >= self.most => {}
            // Of a call that breaks off before its arguments there is nothing to tell, and its marks are no text.
            Stage::Words if self.is_certain && !self.has_text && OPEN.starts_with(&rest) => {}
            Stage::Tagged if self.is_certain && !self.has_text => {}
            Stage::Words => self.words(&rest, &mut said),
            Stage::Tagged => self.whole(OPEN, &rest, "", &mut said),
            Stage::Mistral => self.whole(MISTRAL, &rest, "", &mut said),
            Stage::Bare => self.whole("", &rest, "", &mut said),
            // Arguments that are not whole were told as far as they came.
            Stage::Arguments(_) | Stage::Behind => {}
        }
        if self.calls == 0 {
            said.text += &std::mem::take(&mut self.space);
        }
        said
    }

    /// Moves on, if what is held allows it.
    fn advance(&mut self, said: &mut Said) -> bool {
        match &mut self.stage {
            Stage::Words => self.in_words(said),
            Stage::Tagged if self.is_certain => {
                let head = self.held.strip_prefix("\n{\"name\": \"");
                let Some((name, rest)) = head.and_then(|head| head.split_once("\", \"arguments\": ")) else {
                    return false;
                };
                said.calls.push(CallPart::Begin(name.to_owned()));
                self.space.clear();
                (self.calls, self.stage, self.held) = (self.calls + 1, Stage::Arguments(Scan::default()), rest.into());
                true
            }
            Stage::Tagged => {
                let Some(end) = close_in(&self.held) else { return false };
                let rest = self.held.split_off(end + CLOSE.len());
                let body = std::mem::replace(&mut self.held, rest);
                self.stage = Stage::Words;
                self.whole(OPEN, &body[..end], CLOSE, said);
                true
            }
            Stage::Arguments(scan) => {
                let end = scan.end_in(&self.held);
                let rest = self.held.split_off(end.unwrap_or(self.held.len()));
                let part = std::mem::replace(&mut self.held, rest);
                if !part.is_empty() {
                    said.calls.push(CallPart::Arguments(part));
                }
                if end.is_some() {
                    self.stage = Stage::Behind;
                }
                end.is_some()
            }
            Stage::Behind => {
                let Some(end) = self.held.find(CLOSE) else { return false };
                self.held.drain(..end + CLOSE.len());
                self.stage = Stage::Words;
                true
            }
            Stage::Mistral | Stage::Bare => false,
        }
    }

    /// Tells text up to the next mark of a call, or what may yet become one.
    fn in_words(&mut self, said: &mut Said) -> bool {
        let is_first = self.calls == 0 && !self.has_text && self.space.trim().is_empty();
        let begins = self.held.trim_start();
        if is_first && !self.is_certain && (begins.starts_with('{') || begins.starts_with(PYTHON)) {
            self.stage = Stage::Bare;
            return true;
        }
        if let Some(list) = begins.strip_prefix('[').map(str::trim_start).filter(|_| is_first && !self.is_certain) {
            if list.starts_with('{') {
                self.stage = Stage::Bare;
                return true;
            }
            // It may become a list of objects yet.
            if list.is_empty() {
                return false;
            }
        }
        let marks = [(OPEN, Stage::Tagged), (MISTRAL, Stage::Mistral)];
        let found = marks.into_iter().filter_map(|(mark, stage)| Some((self.held.find(mark)?, mark, stage)));
        if let Some((place, mark, stage)) = found.min_by_key(|(place, ..)| *place) {
            let rest = self.held.split_off(place + mark.len());
            let text = std::mem::replace(&mut self.held, rest);
            self.words(&text[..place], said);
            self.stage = stage;
            return true;
        }
        let begun =
            |mark: &&str| (1..mark.len()).rev().find(|&length| self.held.ends_with(&mark[..length])).unwrap_or(0);
        let kept = [OPEN, MISTRAL, PYTHON].iter().map(begun).max().unwrap_or(0);
        let rest = self.held.split_off(self.held.len() - kept);
        let text = std::mem::replace(&mut self.held, rest);
        self.words(&text, said);
        false
    }

    /// Tells text; white space at its end waits for what follows.
    fn words(&mut self, text: &str, said: &mut Said) {
        self.space += text;
        let end = self.space.trim_end().len();
        let rest = self.space.split_off(end);
        let told = std::mem::replace(&mut self.space, rest);
        self.has_text |= !told.is_empty();
        said.text += &told;
    }

    /// Tells the calls between two marks, or all of it as text where it is none of tools that are offered.
    fn whole(&mut self, before: &str, body: &str, after: &str, said: &mut Said) {
        let read = if before == MISTRAL { mistral(body) } else { json(body) };
        let known = |calls: &Vec<Call>| !calls.is_empty() && calls.iter().all(|(name, _)| self.names.contains(name));
        match read.filter(known) {
            Some(calls) => {
                for (name, arguments) in calls.into_iter().take(self.most.saturating_sub(self.calls)) {
                    said.calls.extend([CallPart::Begin(name), CallPart::Arguments(spaced(&arguments))]);
                    self.calls += 1;
                }
                self.space.clear();
            }
            None => self.words(&format!("{before}{body}{after}"), said),
        }
    }
}

/// Where [`CLOSE`] ends a call. Within the strings of an object or a list it is a part of what they say.
fn close_in(body: &str) -> Option<usize> {
    let first = body.find(CLOSE)?;
    if !body.trim_start().starts_with(['{', '[']) {
        return Some(first);
    }
    let (mut scan, mut read) = (Scan::default(), 0);
    body.match_indices(CLOSE).map(|(place, _)| place).find(|place| {
        for byte in body[read..*place].bytes() {
            scan.is_end(byte);
        }
        read = *place;
        !scan.in_string
    })
}

/// How far an object's text was read.
#[derive(Clone, Debug, Default)]
struct Scan {
    depth: usize,
    in_string: bool,
    is_escaped: bool,
}

impl Scan {
    /// Where in the next text the object is whole, if it becomes so there.
    fn end_in(&mut self, text: &str) -> Option<usize> {
        text.bytes().position(|byte| self.is_end(byte)).map(|place| place + 1)
    }

    /// Reads the next byte; whether it makes the object whole.
    fn is_end(&mut self, byte: u8) -> bool {
        match byte {
            _ if self.is_escaped => self.is_escaped = false,
            b'\\' if self.in_string => self.is_escaped = true,
            b'"' => self.in_string = !self.in_string,
            b'{' | b'[' if !self.in_string => self.depth += 1,
            b'}' | b']' if !self.in_string => {
                self.depth = self.depth.saturating_sub(1);
                return self.depth == 0;
            }
            _ => {}
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::super::call_forms::tagged;
    use super::*;

    /// The text and the calls of an answer that comes in pieces of `size` characters.
    fn read(text: &str, size: usize, (most, is_certain): (usize, bool)) -> (String, Vec<(String, String)>) {
        let mut reader = CallReader::new(["click", "type"].map(str::to_owned), most, is_certain);
        let (mut content, mut calls): (String, Vec<(String, String)>) = Default::default();
        let characters: Vec<char> = text.chars().collect();
        let mut take = |said: Said| {
            content += &said.text;
            for part in said.calls {
                match part {
                    CallPart::Begin(name) => calls.push((name, String::new())),
                    CallPart::Arguments(more) => calls.last_mut().expect("a call began").1 += &more,
                }
            }
        };
        for piece in characters.chunks(size) {
            take(reader.push(&piece.iter().collect::<String>()));
        }
        take(reader.finish());
        assert_eq!(reader.calls, calls.len());
        (content, calls)
    }

    fn call(name: &str, arguments: &str) -> (String, String) {
        (name.to_owned(), arguments.to_owned())
    }

    #[test]
    fn the_common_forms_are_read_however_they_are_cut() {
        let (first, second) =
            (r#"{"name": "click", "arguments": {"id": 1}}"#, r#"{"name":"type","parameters":{"t":"}]"}}"#);
        let both = [call("click", r#"{"id": 1}"#), call("type", r#"{"t": "}]"}"#)];
        for text in [
            format!("So.\n<tool_call>\n{first}\n</tool_call>\n<tool_call>{second}</tool_call>\n"),
            format!("So. <tool_call>{first}</tool_call> <tool_call>\n{second}\n"),
            format!("So.[TOOL_CALLS] [{first}, {second}]"),
            r#"So.[TOOL_CALLS]click[ARGS]{"id": 1}[TOOL_CALLS]type[CALL_ID]abc[ARGS]{"t": "}]"}"#.to_owned(),
        ] {
            for size in [1, 2, 3, 7, 1000] {
                assert_eq!(read(&text, size, (9, false)), ("So.".to_owned(), both.to_vec()), "{size}: {text}");
            }
        }
        for text in [format!("[{first}, {second}]"), format!("\n [ {first},{second}] ")] {
            assert_eq!(read(&text, 3, (9, false)), (String::new(), both.to_vec()), "{text}");
        }
        for text in [second.to_owned(), format!("<|python_tag|>{second}")] {
            assert_eq!(read(&text, 1, (9, false)), (String::new(), both[1..].to_vec()), "{text}");
        }
        let inside = r#"<tool_call>{"name": "type", "arguments": {"t": "a </tool_call> \" b"}}</tool_call> c"#;
        for size in [1, 4, 1000] {
            let expected = vec![call("type", r#"{"t": "a </tool_call> \" b"}"#)];
            assert_eq!(read(inside, size, (9, false)), (" c".to_owned(), expected), "{size}");
        }
        let quoted = r#"<tool_call>{"name": "click", "arguments": "{\"id\": 1}"}</tool_call>"#;
        assert_eq!(read(quoted, 4, (9, false)), (String::new(), both[..1].to_vec()));
        let text = format!("a <tool_call>{first}</tool_call>\n b <tool_call>{first}</tool_call>");
        assert_eq!(read(&text, 2, (1, false)), ("a".to_owned(), both[..1].to_vec()), "the rest is not taken");
        assert_eq!(read(&text, 2, (9, false)).0, "a\n b", "white space stays between words");
    }

    #[test]
    fn what_is_no_call_of_a_tool_stays_text_to_the_last_character() {
        for text in [
            "plain words \n",
            " \n",
            "a < b <tool_ca",
            "[TOOL_CALLS] nothing {",
            "[1, 2]",
            " [ ",
            "<tool_call>{\"name\": \"a </tool_call> b",
            "{\"plan\": [\"go\"]} ",
            "<tool_call>\n{\"name\": \"fly\", \"arguments\": {}}\n</tool_call>",
            "<tool_call>{\"name\": \"click\"}</tool_call> é <tool_call>",
            "[TOOL_CALLS]click[ARGS]{\"id\": 1",
            "<|python_tag|>print(1)",
            "<|python",
        ] {
            for size in [1, 5, 1000] {
                assert_eq!(read(text, size, (9, false)), (text.to_owned(), vec![]), "{size}");
            }
        }
    }

    #[test]
    fn a_list_that_is_none_of_objects_is_told_as_it_comes() {
        for (pieces, told) in
            [(["[", " ", "1, ", "2]"], ["", "", "[ 1,", " 2]"]), (["[x", "]", "", "("], ["[x", "]", "", "("])]
        {
            let mut reader = CallReader::new(["click".to_owned()], 9, false);
            assert_eq!(pieces.map(|piece| reader.push(piece).text), told);
        }
        let mut reader = CallReader::new(["click".to_owned()], 9, false);
        let list = ["[", "\n", "{\"name\": \"click\", ", "\"arguments\": {}}]"];
        assert!(list.iter().all(|piece| reader.push(piece) == Said::default()));
        let whole = [CallPart::Begin("click".into()), CallPart::Arguments("{}".into())];
        assert_eq!(reader.finish(), Said { text: String::new(), calls: whole.to_vec() });
    }

    #[test]
    fn of_a_certain_call_that_breaks_off_before_its_arguments_nothing_is_told() {
        let text = format!("{OPEN}\n{{\"name\": \"click\", \"arguments\"");
        for end in 0..text.len() {
            assert_eq!(read(&text[..end], 1, (9, true)), (String::new(), vec![]), "{}", &text[..end]);
        }
        // What stands behind other text is a part of it.
        assert_eq!(read("{\"a\": \"<tool_call>", 1, (9, true)).0, "{\"a\": \"<tool_call>");
    }

    #[test]
    fn arguments_of_a_certain_form_are_told_as_they_come() {
        let first = tagged(r#"{"name": "click", "arguments": {"t": "\"}", "l": [{}, {"a": 1}]}}"#);
        let text = format!("{first}\n{}", tagged(r#"{"name": "type", "arguments": {}}"#));
        let both = [call("click", r#"{"t": "\"}", "l": [{}, {"a": 1}]}"#), call("type", "{}")];
        for size in [1, 2, 5, 1000] {
            assert_eq!(read(&text, size, (9, true)), (String::new(), both.to_vec()));
        }
        let mut reader = CallReader::new(["click".to_owned()], 1, true);
        let parts = ["<tool_call>\n{\"name\": \"click\", \"arguments\": {\"a\"", ": 1", "}", "}\n</tool_call>"];
        let told = parts.map(|part| reader.push(part).calls);
        let arguments = |text: &str| CallPart::Arguments(text.to_owned());
        assert_eq!(told[0], [CallPart::Begin("click".into()), arguments("{\"a\"")]);
        assert_eq!(told[1..3], [vec![arguments(": 1")], vec![arguments("}")]]);
        assert!(told[3].is_empty() && reader.is_full());
        // An answer that ends too early says what it has; its content may be an object of another form.
        assert_eq!(read(&text[..60], 1, (9, true)).1, [call("click", r#"{"t": "\"}", "l":"#)]);
        assert_eq!(read("{\"a\": 1} ", 1, (9, true)), ("{\"a\": 1} ".to_owned(), vec![]));
    }
}
