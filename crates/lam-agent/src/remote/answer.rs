//! What an endpoint said: its answer among parts, thoughts, refusals and tool calls, or why there is none.
//!
//! Knows the shapes in which endpoints answer, and nothing of requests.

use lam_signal::{excerpt, redacted};
use serde::de::IgnoredAny;
use serde_json::Value;

use super::ledger::Usage;

/// Longest excerpt of what an endpoint says in a message, in characters.
const EXCERPT: usize = 300;

/// How thoughts are marked in a text, open and close.
const THOUGHTS: [(&str, &str); 8] = [
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("[think]", "[/think]"),
    ("◁think▷", "◁/think▷"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|channel|>analysis<|message|>", "<|channel|>final<|message|>"),
];

/// What came of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    /// The answer without the thought before it.
    pub(super) text: String,
    /// Why it is none, or not a whole one: it must not be taken for what was meant.
    pub(super) fault: Option<String>,
}

impl Said {
    /// No answer, for this reason.
    pub(super) fn nothing(fault: impl Into<String>) -> Self {
        Self { text: String::new(), fault: Some(fault.into()) }
    }
}

/// Reads a response; in words, why it is no chat completion.
pub(super) fn read(body: &str) -> Result<(Said, Usage), String> {
    let response: Value = serde_json::from_str(body)
        .map_err(|error| format!("the response is no JSON ({error}): {}", complaint(body)))?;
    let choice = response.pointer("/choices/0").filter(|choice| choice.is_object());
    let choice = choice.ok_or_else(|| format!("the response holds no answer: {}", complaint(body)))?;
    let tokens = |key: &str| response.get("usage").and_then(|usage| usage.get(key)).and_then(Value::as_u64);
    let usage = Usage {
        prompt_tokens: tokens("prompt_tokens").unwrap_or(0),
        completion_tokens: tokens("completion_tokens").unwrap_or(0),
    };
    Ok((said(choice), usage))
}

fn said(choice: &Value) -> Said {
    let message = choice.get("message").unwrap_or(choice);
    let content = message.get("content").or_else(|| message.get("text")).unwrap_or(&Value::Null);
    let mut parts = Parts::default();
    parts.add(content);
    parts.refusal.push_str(message.get("refusal").and_then(Value::as_str).unwrap_or_default());
    let finish = choice.get("finish_reason").and_then(Value::as_str).unwrap_or_default();
    let answer = after_thought(&parts.text);
    let fault = match finish.to_ascii_lowercase().as_str() {
        _ if !parts.refusal.trim().is_empty() => Some(format!("it refused: {}", excerpt(&parts.refusal, EXCERPT))),
        "content_filter" | "safety" | "recitation" => Some(format!("its answer was withheld ({finish})")),
        "length" | "max_tokens" | "max_output_tokens" | "max_completion_tokens" | "model_length" => {
            Some(format!("its answer was cut off ({finish}); raise `max_tokens`"))
        }
        "abort" | "aborted" | "cancelled" | "error" | "insufficient_system_resource" => {
            Some(format!("its answer broke off ({finish})"))
        }
        _ if answer.is_none() => Some(format!("it answered nothing{}", instead(message, &parts.text))),
        _ => None,
    };
    Said { text: redacted(answer.unwrap_or_default()).into_owned(), fault }
}

/// What came in the answer's place.
fn instead(message: &Value, text: &str) -> String {
    let call = message.pointer("/tool_calls/0/function").or_else(|| message.get("function_call"));
    if let Some(call) = call.filter(|call| !call.is_null()) {
        let name = call.get("name").and_then(Value::as_str).unwrap_or_default();
        return format!(", it called the tool `{}`", excerpt(name, 60));
    }
    let thinks = ["reasoning_content", "reasoning", "thinking"].iter().any(|key| !message[*key].is_null());
    let but_a_thought = thinks || !text.trim().is_empty();
    if but_a_thought { " after its thought; raise `max_tokens`".into() } else { String::new() }
}

/// The parts of a content, joined.
#[derive(Default)]
struct Parts {
    text: String,
    refusal: String,
}

impl Parts {
    /// A text, a part, or a list of them. Thoughts, pictures and what is unknown say nothing.
    fn add(&mut self, content: &Value) {
        match content {
            Value::String(text) => self.text.push_str(text),
            Value::Array(parts) => parts.iter().for_each(|part| self.add(part)),
            Value::Object(part) => {
                let kind = part.get("type").and_then(Value::as_str).unwrap_or("text");
                match kind {
                    "refusal" => self.refusal.push_str(part.get("refusal").and_then(Value::as_str).unwrap_or_default()),
                    "text" | "output_text" => {
                        let text = part.get("text").unwrap_or(&Value::Null);
                        self.add(text.get("value").unwrap_or(text));
                    }
                    _ => {}
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

/// The text behind the thoughts in it; none where there is nothing, or a thought that does not end.
pub fn after_thought(text: &str) -> Option<&str> {
    let trimmed = text.trim();
    if is_json(trimmed) {
        return Some(text);
    }
    // Small letters of ASCII have the same places.
    let lower = trimmed.to_ascii_lowercase();
    let ends_of = |close: &'static str| lower.match_indices(close).map(move |(at, _)| at + close.len());
    let mut ends: Vec<usize> = THOUGHTS.iter().flat_map(|(_, close)| ends_of(close)).collect();
    ends.sort_unstable();
    // An answer may itself speak of such marks.
    let end = ends.iter().find(|end| is_json(trimmed[**end..].trim())).or(ends.last());
    let rest = trimmed[end.copied().unwrap_or(0)..].trim();
    let begins = |(open, _): &(&str, &str)| rest.to_ascii_lowercase().starts_with(open);
    let is_answer = !rest.is_empty() && !THOUGHTS.iter().any(begins);
    is_answer.then_some(if end.is_some() { rest } else { text })
}

fn is_json(text: &str) -> bool {
    text.starts_with('{') && serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// What a response that is no answer says, on one line: its error's message, a page without its tags, or its beginning.
pub(super) fn complaint(body: &str) -> String {
    let response: Value = serde_json::from_str(body).unwrap_or_default();
    let places = ["/error/message", "/error", "/message", "/detail", "/0/error/message"];
    let message = places.iter().find_map(|place| response.pointer(place)?.as_str()).filter(|text| !text.is_empty());
    match message {
        Some(message) => excerpt(message, EXCERPT),
        None if body.trim_start().starts_with('<') => format!("a page: {}", excerpt(&without_tags(body), EXCERPT)),
        None if body.trim().is_empty() => "nothing more".into(),
        None => excerpt(body, EXCERPT),
    }
}

fn without_tags(page: &str) -> String {
    let text = |piece: &str| piece.split_once('>').map_or(String::new(), |(_, text)| format!("{text} "));
    page.split('<').map(text).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(message: Value, finish: &str) -> Said {
        said(&json!({"message": message, "finish_reason": finish}))
    }

    #[test]
    fn parts_are_joined_and_thoughts_left_out() {
        let answer = r#"{"function":"click_input"}"#;
        for content in [
            json!(answer),
            json!([{"type": "text", "text": answer}]),
            json!([{"type": "text", "text": &answer[..9]}, {"type": "text", "text": &answer[9..]}]),
            json!([{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": answer}]),
            json!([{"type": "reasoning", "text": "hm {"}, {"type": "output_text", "text": answer}]),
            json!([{"type": "text", "text": {"value": answer, "annotations": []}}]),
            json!({"type": "text", "text": answer}),
            json!([answer, null, {"type": "image_url", "image_url": {"url": "x"}}]),
        ] {
            let said = of(json!({"role": "assistant", "content": content}), "stop");
            assert_eq!(said, Said { text: answer.into(), fault: None }, "{content}");
        }
        assert_eq!(said(&json!({"text": answer})).text, answer, "completions without messages");
    }

    #[test]
    fn the_answer_is_what_stands_behind_the_thought() {
        let answer = r#"{"function": "click_input"}"#;
        for thought in [
            "<think>\nperhaps {\"function\": \"x\"}, no\n</think>\n",
            "perhaps {\"function\": \"x\"}</think>",
            "<Think>a</Think><think>b</think> ",
            "<think>not </think> yet</think>",
            "<thinking>a</thinking>",
            "<reasoning>a</reasoning>",
            "[THINK]a[/THINK]",
            "◁think▷a◁/think▷",
            "<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>",
        ] {
            assert_eq!(after_thought(&format!("{thought}{answer}")), Some(answer), "{thought}");
        }
        let about = r#"{"args": {"text": "</think>"}}"#;
        assert_eq!(after_thought(about), Some(about));
        assert_eq!(after_thought(&format!("<think>hm</think>{about}")), Some(about));
        assert_eq!(after_thought(" plain \n"), Some(" plain \n"));
        for nothing in ["", " \n", "<think>", "<think>hm {}", "<think>a</think>", "<think>a</think><think>b"] {
            assert_eq!(after_thought(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn what_is_no_whole_answer_says_why() {
        let call = json!([{"id": "c", "type": "function", "function": {"name": "click_input", "arguments": "{}"}}]);
        for (message, finish, reason) in [
            (json!({"content": null}), "stop", "answered nothing"),
            (json!({}), "stop", "answered nothing"),
            (json!({"content": ""}), "length", "cut off (length); raise `max_tokens`"),
            (json!({"content": "{\"func"}), "length", "cut off"),
            (json!({"content": "{\"func"}), "MAX_TOKENS", "cut off"),
            (json!({"content": "{}"}), "length", "cut off"),
            (json!({"content": null, "reasoning_content": "hm {}"}), "stop", "nothing after its thought"),
            (json!({"content": "<think>hm"}), "stop", "nothing after its thought"),
            (json!({"content": null, "refusal": "I will not"}), "stop", "it refused: I will not"),
            (json!({"content": [{"type": "refusal", "refusal": "I will not"}]}), "stop", "it refused: I will not"),
            (json!({"content": "Here"}), "content_filter", "withheld"),
            (json!({"content": null, "tool_calls": call}), "tool_calls", "called the tool `click_input`"),
            (json!({"content": null, "function_call": {"name": "x"}}), "function_call", "called the tool `x`"),
            (json!({"content": [{"type": "thinking", "thinking": "hm"}]}), "stop", "answered nothing"),
            (json!({"content": 7}), "stop", "answered nothing"),
        ] {
            let said = of(message.clone(), finish);
            assert!(said.fault.as_ref().is_some_and(|fault| fault.contains(reason)), "{message} {finish}: {said:?}");
        }
    }

    #[test]
    fn a_response_that_is_no_completion_is_told_shortly() {
        for (body, reason) in [
            ("{\"choices\": [{\"mess", "no JSON"),
            ("", "nothing more"),
            ("{}", "holds no answer: {}"),
            ("[]", "holds no answer"),
            ("null", "holds no answer"),
            (r#"{"choices": []}"#, "holds no answer"),
            (r#"{"choices": null}"#, "holds no answer"),
            (r#"{"choices": [7]}"#, "holds no answer"),
            (r#"{"error": {"message": "overloaded"}}"#, "holds no answer: overloaded"),
            (r#"{"error": "overloaded"}"#, "overloaded"),
            ("<html><title>502</title>\n<p>Bad\u{1b}[31m gateway", "a page: 502 Bad\\u001b[31m gateway"),
            ("data: {\"choices\":[{\"delta\":{}}]}\n", "no JSON"),
        ] {
            let error = read(body).unwrap_err();
            assert!(error.contains(reason), "{body}: {error}");
        }
        let body = r#"{"choices":[{"message":{"content":"a"}}],"usage":{"prompt_tokens":3,"completion_tokens":null}}"#;
        assert_eq!(read(body).unwrap().1, Usage { prompt_tokens: 3, completion_tokens: 0 });
    }
}
