//! `/v1/chat/completions`: messages with contents as text or in parts.

use lam_prompt::{Message, Role};
use serde_json::Value;

use super::fields::{Fields, missing, wrong_type};
use super::tools::{name_results, read_calls, read_tools};
use super::{Ask, Asked, TOP_LOGPROBS, read_common, refuse_unless_empty};
use crate::refusal::Refusal;
use crate::ufo::{passes_images, refuse_first};

/// The type of a part that is a picture.
const IMAGE: &str = "image_url";

/// Reads the body of a request.
///
/// # Errors
/// A field of another type, or that cannot be used: with its name.
pub fn read_chat(body: &Value) -> Result<Ask, Refusal> {
    let fields = Fields::of(body, "")?;
    refuse_first(body)?;
    let mut unknown = Vec::new();
    let (messages, image) = read_messages(&fields, "messages", &mut unknown)?;
    let common = read_common(&fields, Asked::Chat(messages))?;
    let tools = read_tools(&fields, &mut unknown)?;
    // What came before tools: a client that wants none called is answered in words.
    if fields.get("function_call").is_none_or(|choice| choice != "none") {
        refuse_unless_empty(&fields, "functions")?;
    }
    fields.pass_over(&["functions"]);
    let (short, long) =
        (fields.count("max_tokens", 1..=usize::MAX)?, fields.count("max_completion_tokens", 1..=usize::MAX)?);
    let wants = fields.flag("logprobs")?;
    let top = fields.count("top_logprobs", 0..=TOP_LOGPROBS)?;
    if top.is_some_and(|top| top > 0) && !wants {
        return Err(Refusal::of_field("top_logprobs", "`top_logprobs` belongs to `logprobs` = true"));
    }
    unknown.extend(common.unknown.iter().cloned().chain(fields.unknown()));
    Ok(Ask {
        max_tokens: long.or(short),
        max_tokens_field: if long.is_some() { "max_completion_tokens" } else { "max_tokens" },
        logprobs: wants.then(|| top.unwrap_or(0)),
        tools,
        image,
        unknown,
        ..common
    })
}

/// The conversation in the field `name`, and the place of the first image that was passed over; fields of messages that
/// are not known are added to `unknown`.
///
/// # Errors
/// A message that cannot be used: with its place.
pub fn read_messages(
    fields: &Fields<'_>,
    name: &'static str,
    unknown: &mut Vec<String>,
) -> Result<(Vec<Message>, Option<String>), Refusal> {
    let path = fields.path(name);
    let list = match fields.get(name) {
        Some(Value::Array(list)) if !list.is_empty() => list,
        Some(Value::Array(_)) => return Err(Refusal::of_field(&path, format!("`{path}` is empty"))),
        Some(other) => return Err(wrong_type(&path, "a list", other)),
        None => return Err(missing(&path)),
    };
    let (passes, mut image) = (passes_images(list), None);
    let message = |(place, value)| {
        let images = passes.then_some(&mut image);
        read_message(value, &format!("{path}[{place}]"), images, unknown)
    };
    let mut messages = list.iter().enumerate().map(message).collect::<Result<Vec<_>, _>>()?;
    name_results(&mut messages, &path)?;
    Ok((messages, image))
}

/// Images are passed over where `images` takes the place of the first, and told among what is not known.
fn read_message(
    value: &Value,
    place: &str,
    images: Option<&mut Option<String>>,
    unknown: &mut Vec<String>,
) -> Result<Message, Refusal> {
    let fields = Fields::of(value, place)?;
    let role = match fields.needed_text("role")? {
        "system" | "developer" => Role::System,
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "tool" => Role::Tool,
        other => {
            let path = fields.path("role");
            let message = format!("`{path}` is `{other}`, must be system, developer, user, assistant or tool");
            return Err(Refusal::of_field(path, message));
        }
    };
    if role != Role::Assistant {
        refuse_unless_empty(&fields, "tool_calls")?;
    }
    refuse_unless_empty(&fields, "function_call")?;
    fields.pass_over(&["name", "refusal", "audio", "annotations"]);
    let tool_calls = read_calls(&fields, unknown)?;
    let path = fields.path("content");
    let content = match fields.get("content") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => {
            let passes = images.is_some();
            let is_image = |part: &Value| passes && part["type"] == IMAGE;
            if let (Some(at), Some(first)) = (parts.iter().position(is_image), images) {
                unknown.push(format!("messages[].content[].{IMAGE}"));
                first.get_or_insert_with(|| format!("{path}[{at}].type"));
            }
            let part = |(place, part)| read_part(part, &format!("{path}[{place}]"), unknown);
            parts.iter().enumerate().filter(|(_, part)| !is_image(part)).map(part).collect::<Result<String, _>>()?
        }
        Some(other) => return Err(wrong_type(&path, "a string or a list of parts", other)),
        None if !tool_calls.is_empty() => String::new(),
        None => return Err(missing(&path)),
    };
    let (mut tool_call_id, mut name) = (None, None);
    if role == Role::Tool {
        tool_call_id = Some(fields.needed_text("tool_call_id")?.to_owned());
        name = fields.text("name")?.map(str::to_owned);
    }
    // One name for a field of every message.
    let general = |path: String| path.replacen(place, "messages[]", 1);
    unknown.extend(fields.unknown().map(general));
    Ok(Message { tool_calls, tool_call_id, name, ..Message::new(role, content) })
}

/// The text of a part.
fn read_part(value: &Value, place: &str, unknown: &mut Vec<String>) -> Result<String, Refusal> {
    let fields = Fields::of(value, place)?;
    let text = match fields.needed_text("type")? {
        "text" | "input_text" => fields.needed_text("text")?.to_owned(),
        other => return Err(unread_part(&fields.path("type"), other)),
    };
    fields.pass_over(&["annotations"]);
    unknown.extend(fields.unknown().map(|path| path.replacen(place, "messages[].content[]", 1)));
    Ok(text)
}

/// The refusal of a part whose type, which stands at `path`, no model of text reads.
fn unread_part(path: &str, kind: &str) -> Refusal {
    Refusal::of_field(path, format!("`{path}` is `{kind}`: the model reads text alone")).code("unsupported_content")
}

/// The refusal of the image whose type stands at `path`.
pub fn unread_image(path: &str) -> Refusal {
    unread_part(path, IMAGE)
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
    fn what_is_not_known_is_named_wherever_it_stands() {
        let call = json!({"id": "c", "odd": 1, "index": 0, "function": {"name": "f", "arguments": "{}", "even": 2}});
        let said = json!({"role": "assistant", "content": "x", "tool_calls": [call]});
        let parts = json!([{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}]);
        let schema = json!({"name": "n", "strict": true, "schema": {}, "description": "d", "more": 1});
        let body = json!({"model": "m", "messages": [said, {"role": "user", "content": parts}],
            "stream": true, "stream_options": {"include_usage": true, "include_obfuscation": false, "each": true},
            "response_format": {"type": "json_schema", "json_schema": schema, "kind": 1}});
        let named = [
            "messages[].tool_calls[].odd",
            "messages[].tool_calls[].function.even",
            "messages[].content[].cache_control",
            "stream_options.each",
            "response_format.json_schema.more",
            "response_format.kind",
        ];
        assert_eq!(read_chat(&body).unwrap().unknown, named);
    }

    #[test]
    fn what_would_change_the_answer_is_refused_and_what_says_that_nothing_changes_is_not() {
        let read = |field: &str, value: &Value| {
            let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "x"}]});
            body[field] = value.clone();
            read_chat(&body)
        };
        for (field, value) in [
            ("guided_json", json!({"type": "object"})),
            ("guided_choice", json!(["yes", "no"])),
            ("structured_outputs", json!({"regex": "a"})),
            ("grammar", json!("root ::= \"a\"")),
            ("stop_token_ids", json!([2])),
            ("ignore_eos", json!(true)),
            ("min_p", json!(0.05)),
            ("min_tokens", json!(8)),
            ("frequency_penalty", json!(-1)),
            ("skip_special_tokens", json!(false)),
            ("add_generation_prompt", json!(false)),
            ("chat_template_kwargs", json!({"enable_thinking": false})),
            ("modalities", json!(["text", "audio"])),
            ("echo", json!(true)),
            ("best_of", json!(4)),
        ] {
            let refusal = read(field, &value).unwrap_err();
            assert_eq!((refusal.param.as_deref(), refusal.code), (Some(field), Some("unsupported_parameter")));
        }
        for (field, value) in [
            ("guided_json", json!(null)),
            ("stop_token_ids", json!([])),
            ("ignore_eos", json!(false)),
            ("min_p", json!(0.0)),
            ("min_tokens", json!(0)),
            ("skip_special_tokens", json!(true)),
            ("chat_template_kwargs", json!({})),
            ("modalities", json!(["text"])),
            ("best_of", json!(1)),
        ] {
            assert_eq!(read(field, &value).unwrap().unknown, [""; 0], "{field} {value}");
        }
        let schema = json!({"type": "object"});
        for (field, format) in [
            ("response_format.schema", json!({"type": "json_object", "schema": schema})),
            ("response_format.json_schema", json!({"type": "text", "json_schema": {"schema": schema}})),
        ] {
            assert_eq!(read("response_format", &format).unwrap_err().param.as_deref(), Some(field), "{format}");
        }
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
            ("messages", json!([{"role": "judge", "content": "x"}]), "messages[0].role"),
            ("messages", json!([{"role": "user"}]), "messages[0].content"),
            (
                "messages",
                json!([{"role": "user", "content": "x", "tool_calls": [{"id": "1"}]}]),
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
