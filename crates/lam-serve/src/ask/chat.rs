//! `/v1/chat/completions`: messages with contents as text or in parts.

use lam_prompt::{Message, Role};
use serde_json::Value;

use super::fields::{Fields, missing, wrong_type};
use super::{Ask, Asked, TOP_LOGPROBS, read_common, refuse_unless_empty};
use crate::refusal::Refusal;

/// Reads the body of a request.
///
/// # Errors
/// A field of another type, or that cannot be used: with its name.
pub fn read_chat(body: &Value) -> Result<Ask, Refusal> {
    let fields = Fields::of(body, "")?;
    let messages = match fields.get("messages") {
        Some(Value::Array(list)) if !list.is_empty() => list,
        Some(Value::Array(_)) => return Err(Refusal::of_field("messages", "`messages` is empty")),
        Some(other) => return Err(wrong_type("messages", "a list", other)),
        None => return Err(missing("messages")),
    };
    let mut unknown = Vec::new();
    let message = |(place, value)| read_message(value, &format!("messages[{place}]"), &mut unknown);
    let messages = messages.iter().enumerate().map(message).collect::<Result<Vec<_>, _>>()?;
    let common = read_common(&fields, Asked::Chat(messages))?;
    // A client that offers tools and wants none called is answered in words.
    let offers_none = fields.get("tool_choice").is_some_and(|choice| choice == "none");
    for name in ["tools", "functions"] {
        if !offers_none {
            refuse_unless_empty(&fields, name)?;
        }
    }
    fields.pass_over(&["tools", "functions", "function_call"]);
    let (short, long) =
        (fields.count("max_tokens", 1..=usize::MAX)?, fields.count("max_completion_tokens", 1..=usize::MAX)?);
    let wants = fields.flag("logprobs")?;
    let top = fields.count("top_logprobs", 0..=TOP_LOGPROBS)?;
    if top.is_some_and(|top| top > 0) && !wants {
        return Err(Refusal::of_field("top_logprobs", "`top_logprobs` belongs to `logprobs` = true"));
    }
    unknown.extend(fields.unknown());
    Ok(Ask {
        max_tokens: long.or(short),
        max_tokens_field: if long.is_some() { "max_completion_tokens" } else { "max_tokens" },
        logprobs: wants.then(|| top.unwrap_or(0)),
        unknown,
        ..common
    })
}

fn read_message(value: &Value, place: &str, unknown: &mut Vec<String>) -> Result<Message, Refusal> {
    let fields = Fields::of(value, place)?;
    let role = match fields.needed_text("role")? {
        "system" | "developer" => Role::System,
        "user" => Role::User,
        "assistant" => Role::Assistant,
        other => {
            let path = fields.path("role");
            let message = format!("`{path}` is `{other}`, must be system, developer, user or assistant");
            return Err(Refusal::of_field(path, message));
        }
    };
    refuse_unless_empty(&fields, "tool_calls")?;
    fields.pass_over(&["name", "refusal", "audio", "annotations", "function_call"]);
    let path = fields.path("content");
    let content = match fields.get("content") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => {
            let part = |(place, part)| read_part(part, &format!("{path}[{place}]"));
            parts.iter().enumerate().map(part).collect::<Result<String, _>>()?
        }
        Some(other) => return Err(wrong_type(&path, "a string or a list of parts", other)),
        None => return Err(missing(&path)),
    };
    // One name for a field of every message.
    let general = |path: String| path.replacen(place, "messages[]", 1);
    unknown.extend(fields.unknown().map(general));
    Ok(Message::new(role, content))
}

/// The text of a part.
fn read_part(value: &Value, place: &str) -> Result<String, Refusal> {
    let fields = Fields::of(value, place)?;
    match fields.needed_text("type")? {
        "text" | "input_text" => Ok(fields.needed_text("text")?.to_owned()),
        other => {
            let path = fields.path("type");
            let message = format!("`{path}` is `{other}`: the model reads text alone");
            Err(Refusal::of_field(path, message).code("unsupported_content"))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn contents_come_as_text_or_in_parts() {
        let parts = json!([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]);
        let body = json!({"model": "m", "n": 2, "seed": -1, "max_completion_tokens": 3, "max_tokens": 9, "stop": "x",
            "logprobs": true, "top_logprobs": 2, "temperature": null, "strange": 1, "user": "u",
            "messages": [{"role": "developer", "content": "s"}, {"role": "user", "content": parts, "odd": 1}]});
        let ask = read_chat(&body).unwrap();
        assert_eq!(ask.asked, Asked::Chat(vec![Message::new(Role::System, "s"), Message::new(Role::User, "ab")]));
        assert_eq!((ask.choices, ask.seed, ask.max_tokens, ask.logprobs), (2, Some(u64::MAX), Some(3), Some(2)));
        assert_eq!((ask.stop, ask.sampling.temperature), (vec!["x".to_owned()], 1.0));
        assert_eq!(ask.unknown, ["messages[].odd", "strange"]);
    }

    #[test]
    fn temperatures_that_no_score_can_be_divided_by_take_the_best_token() {
        for (temperature, expected) in [(0.0, 0.0), (1e-300, 0.0), (1e-40, 0.0), (9e-5, 0.0), (0.001, 0.001)] {
            let messages = json!([{"role": "user", "content": "x"}]);
            let body = json!({"model": "m", "messages": messages, "temperature": temperature});
            assert_eq!(read_chat(&body).unwrap().sampling.temperature, expected, "{temperature}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        for (field, value, param) in [
            ("model", json!(null), "model"),
            ("model", json!(1), "model"),
            ("messages", json!([]), "messages"),
            ("messages", json!({}), "messages"),
            ("messages", json!([{"role": "tool", "content": "x"}]), "messages[0].role"),
            ("messages", json!([{"role": "user"}]), "messages[0].content"),
            (
                "messages",
                json!([{"role": "assistant", "content": "x", "tool_calls": [{"id": "1"}]}]),
                "messages[0].tool_calls",
            ),
            ("messages", json!([{"role": "user", "content": [{"type": "image_url"}]}]), "messages[0].content[0].type"),
            ("messages", json!([{"role": "user", "content": [{"type": "text"}]}]), "messages[0].content[0].text"),
            ("temperature", json!(2.5), "temperature"),
            ("temperature", json!("hot"), "temperature"),
            ("top_p", json!(-0.1), "top_p"),
            ("repetition_penalty", json!(0), "repetition_penalty"),
            ("repetition_penalty", json!(1e-9), "repetition_penalty"),
            ("n", json!(0), "n"),
            ("n", json!(1.5), "n"),
            ("max_tokens", json!(-4), "max_tokens"),
            ("max_completion_tokens", json!(0), "max_completion_tokens"),
            ("seed", json!("x"), "seed"),
            ("stop", json!([1]), "stop[0]"),
            ("stop", json!([""]), "stop"),
            ("stream", json!("yes"), "stream"),
            ("stream_options", json!({"include_usage": true}), "stream_options"),
            ("top_logprobs", json!(3), "top_logprobs"),
            ("logit_bias", json!({"5": 1}), "logit_bias"),
            ("presence_penalty", json!(0.5), "presence_penalty"),
            ("tools", json!([{"type": "function"}]), "tools"),
            ("response_format", json!({"type": "xml"}), "response_format.type"),
            ("response_format", json!({"type": "json_schema"}), "response_format.json_schema"),
        ] {
            let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "x"}]});
            body[field] = value.clone();
            let refusal = read_chat(&body).unwrap_err();
            assert_eq!(refusal.param.as_deref(), Some(param), "{field} {value}: {}", refusal.message);
            assert_eq!(refusal.status, 400);
        }
        assert_eq!(read_chat(&json!([])).unwrap_err().message, "the body is a list, must be an object");
    }
}
