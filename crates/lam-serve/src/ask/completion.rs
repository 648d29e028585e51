//! `/v1/completions`: texts, or their tokens, to be continued.

use serde_json::Value;

use super::fields::{Fields, missing, wrong_type};
use super::{Ask, Asked, OpenText, TOP_LOGPROBS, read_common};
use crate::refusal::Refusal;

/// Reads the body of a request.
///
/// # Errors
/// A field of another type, or that cannot be used: with its name.
pub fn read_completion(body: &Value) -> Result<Ask, Refusal> {
    let fields = Fields::of(body, "")?;
    let texts = read_prompt(&fields)?;
    let common = read_common(&fields, Asked::Texts(texts))?;
    // Nothing is called here.
    fields.pass_over(&["parallel_tool_calls"]);
    let max_tokens = fields.count("max_tokens", 1..=usize::MAX)?;
    let logprobs = fields.count("logprobs", 0..=TOP_LOGPROBS)?;
    let unknown = common.unknown.iter().cloned().chain(fields.unknown()).collect();
    Ok(Ask { max_tokens, logprobs, unknown, ..common })
}

/// A text, several, a list of tokens, or several of those.
fn read_prompt(fields: &Fields<'_>) -> Result<Vec<OpenText>, Refusal> {
    let list = match fields.get("prompt") {
        Some(Value::String(text)) => return Ok(vec![OpenText::Words(text.clone())]),
        Some(Value::Array(list)) if !list.is_empty() => list,
        Some(Value::Array(_)) => return Err(Refusal::of_field("prompt", "`prompt` is empty")),
        Some(other) => return Err(wrong_type("prompt", "a string, a list of strings or of tokens", other)),
        None => return Err(missing("prompt")),
    };
    if list[0].is_number() {
        return Ok(vec![OpenText::Tokens(tokens(list, "prompt")?)]);
    }
    let text = |(place, value): (usize, &Value)| match value {
        Value::String(text) => Ok(OpenText::Words(text.clone())),
        Value::Array(list) => Ok(OpenText::Tokens(tokens(list, &format!("prompt[{place}]"))?)),
        other => Err(wrong_type(&format!("prompt[{place}]"), "a string or a list of tokens", other)),
    };
    list.iter().enumerate().map(text).collect()
}

fn tokens(list: &[Value], path: &str) -> Result<Vec<u32>, Refusal> {
    let token = |(place, value): (usize, &Value)| {
        let token = value.as_u64().and_then(|token| u32::try_from(token).ok());
        token.ok_or_else(|| wrong_type(&format!("{path}[{place}]"), "a token's number", value))
    };
    list.iter().enumerate().map(token).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_prompt_is_texts_or_tokens() {
        let read = |prompt: Value| read_completion(&json!({"model": "m", "prompt": prompt})).map(|ask| ask.asked);
        let words = |text: &str| OpenText::Words(text.into());
        assert_eq!(read(json!("a")), Ok(Asked::Texts(vec![words("a")])));
        assert_eq!(read(json!(["a", "b"])), Ok(Asked::Texts(vec![words("a"), words("b")])));
        assert_eq!(read(json!([1, 2])), Ok(Asked::Texts(vec![OpenText::Tokens(vec![1, 2])])));
        assert_eq!(read(json!([[1], "b"])), Ok(Asked::Texts(vec![OpenText::Tokens(vec![1]), words("b")])));
        for (prompt, param) in [
            (json!([]), "prompt"),
            (json!(1), "prompt"),
            (json!([1, "a"]), "prompt[1]"),
            (json!([[-1]]), "prompt[0][0]"),
        ] {
            assert_eq!(read(prompt.clone()).unwrap_err().param.as_deref(), Some(param), "{prompt}");
        }
    }

    #[test]
    fn what_is_not_supported_is_refused_unless_it_changes_nothing() {
        let ask = read_completion(&json!({"model": "m", "prompt": "a", "logprobs": 0, "best_of": 1, "echo": false}));
        assert_eq!(ask.map(|ask| (ask.max_tokens, ask.logprobs)), Ok((None, Some(0))));
        for (field, value) in [("echo", json!(true)), ("suffix", json!("x")), ("best_of", json!(3))] {
            let mut body = json!({"model": "m", "prompt": "a"});
            body[field] = value;
            assert_eq!(read_completion(&body).unwrap_err().param.as_deref(), Some(field));
        }
    }
}
