//! The compact answer back to the seven keys. Strict: whatever the renderer would not write is an error.

use lam_types::{Action, Args, Status};
use serde_json::Value;

use super::Compact;
use crate::{ParseError, parse_action_text_tolerant};

impl Compact<'_> {
    /// Reads an answer; the end of sequence may be missing, but nothing may follow it.
    pub(crate) fn parse_action(&self, ids: &[u32]) -> Result<Action, ParseError> {
        let text = self.tokenizer.decode(ids);
        let fail = |reason: String| ParseError::new(reason, &text);
        let marks = self.markers;
        let ids = self.without_end(ids).map_err(fail)?;
        let sections = self
            .sections(
                ids,
                &[
                    (marks.think, "<|think|>"),
                    (marks.plan, "<|plan|>"),
                    (marks.act, "<|do|>"),
                    (marks.on, "<|on|>"),
                    (marks.args, "<|args|>"),
                    (marks.status, "<|status|>"),
                ],
            )
            .map_err(fail)?;
        let (control_name, control_label) = self.read_control(sections[3]).map_err(fail)?;
        let status = match self.read_text(sections[5]).map_err(fail)?.as_str() {
            "CONTINUE" => Status::Continue,
            "FINISH" => Status::Finish,
            other => return Err(fail(format!("status `{other}` is neither CONTINUE nor FINISH"))),
        };
        Ok(Action {
            thought: self.read_text(sections[0]).map_err(fail)?,
            control_label,
            control_name,
            function: self.read_text(sections[2]).map_err(fail)?,
            args: self.read_args(sections[4]).map_err(fail)?,
            status,
            plan: self.read_steps(sections[1]).map_err(fail)?,
        })
    }

    /// Reads an answer that may be broken off or lack parts; what is missing is empty. JSON is read as well.
    pub(crate) fn parse_action_tolerant(&self, ids: &[u32]) -> Result<Action, ParseError> {
        if let Ok(action) = self.parse_action(ids) {
            return Ok(action);
        }
        let marks = self.markers;
        let end = ids.iter().position(|id| *id == self.tokenizer.eos()).unwrap_or(ids.len());
        let ids = &ids[..end];
        if !ids.contains(&marks.act) {
            return parse_action_text_tolerant(&self.tokenizer.decode(ids));
        }
        let order = [marks.think, marks.plan, marks.act, marks.on, marks.args, marks.status];
        let section = |marker: u32| {
            let from = ids.iter().position(|id| *id == marker).map_or(ids.len(), |at| at + 1);
            let length = ids[from..].iter().position(|id| order.contains(id)).unwrap_or(ids.len() - from);
            &ids[from..from + length]
        };
        let text = |marker: u32| self.tokenizer.decode(section(marker)).trim().to_owned();
        let fail = |reason: String| ParseError::new(reason, &self.tokenizer.decode(ids));
        let (control_name, control_label) = self.read_control(section(marks.on)).map_err(fail)?;
        let function = text(marks.act);
        let finishes = text(marks.status) == "FINISH" || function.is_empty();
        Ok(Action {
            thought: text(marks.think),
            control_label,
            control_name,
            function,
            args: self.read_args(section(marks.args)).map_err(fail)?,
            status: if finishes { Status::Finish } else { Status::Continue },
            plan: self.read_steps(section(marks.plan)).unwrap_or_default(),
        })
    }

    /// Reads a plan.
    pub(crate) fn parse_plan(&self, ids: &[u32]) -> Result<Vec<String>, ParseError> {
        let fail = |reason: String| ParseError::new(reason, &self.tokenizer.decode(ids));
        self.read_steps(self.without_end(ids).map_err(fail)?).map_err(fail)
    }

    fn without_end<'i>(&self, ids: &'i [u32]) -> Result<&'i [u32], String> {
        match ids.iter().position(|id| *id == self.tokenizer.eos()) {
            Some(end) if end + 1 < ids.len() => Err("text behind the end of sequence".to_owned()),
            Some(end) => Ok(&ids[..end]),
            None => Ok(ids),
        }
    }

    /// What follows each of these markers, which must come in this order and start the answer.
    fn sections<'i>(&self, ids: &'i [u32], order: &[(u32, &str)]) -> Result<Vec<&'i [u32]>, String> {
        let mut rest = ids;
        let mut sections = Vec::with_capacity(order.len());
        for (index, (marker, name)) in order.iter().enumerate() {
            let at = rest.iter().position(|id| id == marker).ok_or_else(|| format!("{name} is missing"))?;
            if index == 0 && at > 0 {
                return Err(format!("text before {name}"));
            }
            if index > 0 {
                sections.push(&rest[..at]);
            }
            rest = &rest[at + 1..];
        }
        sections.push(rest);
        Ok(sections)
    }

    /// A text after exactly one space, without special tokens.
    fn read_text(&self, ids: &[u32]) -> Result<String, String> {
        let text = self.tokenizer.decode(ids);
        if ids.iter().any(|id| self.tokenizer.is_special(*id)) {
            return Err(format!("`{text}` holds a marker where text was expected"));
        }
        if text.is_empty() {
            return Ok(text);
        }
        text.strip_prefix(' ').map(str::to_owned).ok_or_else(|| format!("`{text}` does not begin with a space"))
    }

    fn read_steps(&self, ids: &[u32]) -> Result<Vec<String>, String> {
        let mut steps = ids
            .split(|id| *id == self.markers.semicolon)
            .map(|step| self.read_text(step))
            .collect::<Result<Vec<_>, _>>()?;
        if steps.last().is_some_and(String::is_empty) {
            steps.pop();
        }
        Ok(steps)
    }

    /// (name, label)
    fn read_control(&self, ids: &[u32]) -> Result<(String, String), String> {
        if let Some(at) = ids.iter().position(|id| *id == self.markers.comma) {
            return Ok((self.read_text(&ids[..at])?, self.read_text(&ids[at + 1..])?));
        }
        let text = self.read_text(ids)?;
        Ok(match text.rsplit_once(' ') {
            Some((name, label)) => (name.to_owned(), label.to_owned()),
            None => (String::new(), text),
        })
    }

    fn read_args(&self, ids: &[u32]) -> Result<Args, String> {
        let mut args = Args::new();
        if ids.is_empty() {
            return Ok(args);
        }
        for arg in ids.split(|id| *id == self.markers.comma) {
            for (key, value) in self.read_arg(arg)? {
                if args.insert(key.clone(), value).is_some() {
                    return Err(format!("argument `{key}` stands twice"));
                }
            }
        }
        Ok(args)
    }

    fn read_arg(&self, ids: &[u32]) -> Result<Args, String> {
        let Some(at) = ids.iter().position(|id| *id == self.markers.json) else {
            let text = self.read_text(ids)?;
            let (key, value) = text.split_once(' ').unwrap_or((&text, ""));
            if key.is_empty() {
                return Err("an argument has no name".to_owned());
            }
            return Ok(std::iter::once((key.to_owned(), Value::from(value))).collect());
        };
        let key = self.read_text(&ids[..at])?;
        let json = self.read_text(&ids[at + 1..])?;
        let value: Value =
            serde_json::from_str(&json).map_err(|error| format!("argument `{key}`: `{json}` is not JSON: {error}"))?;
        match (key.is_empty(), value) {
            (false, value) => Ok(std::iter::once((key, value)).collect()),
            (true, Value::Object(object)) => Ok(object),
            (true, _) => Err("an argument has no name".to_owned()),
        }
    }
}
