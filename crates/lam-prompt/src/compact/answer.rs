//! An action as the compact template's answer.

use lam_types::{Action, Args};
use serde_json::Value;

use super::Compact;

impl Compact<'_> {
    /// The answer, end of sequence included.
    pub(crate) fn action_answer(&self, action: &Action) -> Vec<u32> {
        let marks = self.markers;
        let mut ids = vec![marks.think];
        ids.extend(self.segment(&action.thought));
        ids.push(marks.plan);
        ids.extend(self.steps(&action.plan));
        ids.push(marks.act);
        ids.extend(self.segment(&action.function));
        ids.push(marks.on);
        ids.extend(self.control(&action.control_name, &action.control_label));
        ids.push(marks.args);
        ids.extend(self.args(&action.args));
        ids.push(marks.status);
        ids.extend(self.segment(action.status.as_str()));
        ids.push(self.tokenizer.eos());
        ids
    }

    /// A plan and the end of sequence.
    pub(crate) fn plan_answer(&self, plan: &[String]) -> Vec<u32> {
        let mut ids = self.steps(plan);
        ids.push(self.tokenizer.eos());
        ids
    }

    /// `NAME LABEL`; a comma stands between them where the label is empty or has spaces.
    pub(crate) fn control(&self, name: &str, label: &str) -> Vec<u32> {
        if name.is_empty() && label.is_empty() {
            return Vec::new();
        }
        if label.is_empty() || label.contains(' ') {
            let mut ids = self.segment(name);
            ids.push(self.markers.comma);
            ids.extend(self.segment(label));
            return ids;
        }
        let name = if name.is_empty() { String::new() } else { format!("{name} ") };
        self.segment(&format!("{name}{label}"))
    }

    /// `KEY VALUE` pairs, separated.
    fn args(&self, args: &Args) -> Vec<u32> {
        let mut ids = Vec::new();
        for (index, (key, value)) in args.iter().enumerate() {
            if index > 0 {
                ids.push(self.markers.comma);
            }
            ids.extend(self.arg(key, value));
        }
        ids
    }

    /// One argument: text after its key, other values as JSON after the marker. A key that is empty or holds spaces
    /// goes into that JSON.
    fn arg(&self, key: &str, value: &Value) -> Vec<u32> {
        if key.is_empty() || key.contains(' ') {
            let object: Args = std::iter::once((key.to_owned(), value.clone())).collect();
            return self.json("", &Value::Object(object));
        }
        match value {
            Value::String(text) if text.is_empty() => self.segment(key),
            Value::String(text) => self.segment(&format!("{key} {text}")),
            other => self.json(key, other),
        }
    }

    fn json(&self, key: &str, value: &Value) -> Vec<u32> {
        let mut ids = self.segment(key);
        ids.push(self.markers.json);
        ids.extend(self.segment(&value.to_string()));
        ids
    }
}
