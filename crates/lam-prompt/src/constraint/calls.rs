//! Calls of tools as a grammar: each in Hermes' tags, with arguments that fit the tool's schema. Knows no tokens.

use std::fmt::Write;

use serde_json::Value;

use super::schema;
use crate::chat::call_forms::{CLOSE, OPEN};
use crate::{PromptError, Tool};

/// Calls of tools, written so that [`crate::CallReader`] is certain of their form.
#[derive(Clone, Debug, PartialEq)]
pub struct CallFormat {
    /// The tools that may be called.
    pub tools: Vec<Tool>,
    /// Most calls; there is at least one.
    pub most: usize,
    /// What may be written instead of calls: JSON of this schema.
    pub content: Option<Value>,
}

/// The grammar of an answer.
///
/// # Errors
/// A tool's parameters, or a content, that are no schema.
pub(super) fn grammar(format: &CallFormat) -> Result<String, PromptError> {
    let mut lark = String::new();
    let mut rule = |name: &str, text: String| writeln!(lark, "{name}: {text}").expect("a string takes any text");
    let content = format.content.as_ref().map(schema::prepared).transpose()?;
    rule("start", if content.is_some() { "calls | content".into() } else { "calls".into() });
    if let Some(content) = content {
        rule("content", format!("%json {content}"));
    }
    let more = format.most.saturating_sub(1);
    rule("calls", if more == 0 { "call".into() } else { format!("call (\"\\n\" call){{0,{more}}}") });
    let named = (0..format.tools.len()).map(|place| format!("call{place}"));
    let (open, close) = (quoted(&format!("{OPEN}\n")), quoted(&format!("}}\n{CLOSE}")));
    rule("call", format!("{open} ({}) {close}", named.collect::<Vec<_>>().join(" | ")));
    for (place, tool) in format.tools.iter().enumerate() {
        let head = quoted(&format!("{{\"name\": {}, \"arguments\": ", Value::from(tool.name())));
        rule(&format!("call{place}"), format!("{head} args{place}"));
        let parameters = schema::prepared(&closed(&tool.function.parameters))?;
        rule(&format!("args{place}"), format!("%json {parameters}"));
    }
    Ok(lark)
}

/// The parameters of a tool that lists them and says nothing of others: it takes no others.
fn closed(parameters: &Value) -> Value {
    const OTHERS: [&str; 6] = ["additionalProperties", "patternProperties", "$ref", "anyOf", "oneOf", "allOf"];
    let mut schema = parameters.clone();
    if let Some(fields) = schema.as_object_mut()
        && fields.contains_key("properties")
        && !OTHERS.iter().any(|key| fields.contains_key(*key))
    {
        fields.insert("additionalProperties".to_owned(), false.into());
    }
    schema
}

/// A literal of Lark.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
