//! `/v1/rewards`: answers to be scored, each with what it answers.

use std::sync::Arc;

use lam_prompt::{Message, Role};
use serde_json::Value;

use super::chat::{read_messages, unread_image};
use super::fields::{Fields, missing, wrong_type};
use crate::refusal::Refusal;

/// Most answers of one request.
const ANSWERS: usize = 1024;
/// The ways to say what is to be scored.
const WAYS: &str =
    "`messages` that end with the answer, `prompt` with `answer` or `answers`, or a list of these as `input`";

/// One request.
#[derive(Clone, Debug, PartialEq)]
pub struct RewardAsk {
    /// Name of the reward model.
    pub model: String,
    /// What is to be scored.
    pub answers: Vec<Answered>,
    /// Fields that are not known.
    pub unknown: Vec<String>,
}

/// An answer with what it answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Answered {
    /// What is answered.
    pub prompt: RewardPrompt,
    /// The answer.
    pub answer: String,
    /// The fields that hold the two.
    pub places: [String; 2],
}

/// What is answered.
#[derive(Clone, Debug, PartialEq)]
pub enum RewardPrompt {
    /// A conversation.
    Chat(Arc<[Message]>),
    /// A text that the answer continues.
    Text(Arc<str>),
}

/// Reads the body of a request.
///
/// # Errors
/// A field of another type, or that cannot be used: with its name.
pub fn read_rewards(body: &Value) -> Result<RewardAsk, Refusal> {
    let fields = Fields::of(body, "")?;
    fields.pass_over(&["user"]);
    let model = fields.needed_text("model")?.to_owned();
    let (mut answers, mut unknown) = (Vec::new(), Vec::new());
    match fields.get("input") {
        None => read_item(&fields, &mut answers, &mut unknown)?,
        Some(_) if ["messages", "prompt", "answer", "answers"].into_iter().any(|name| fields.get(name).is_some()) => {
            return Err(Refusal::of_field("input", format!("`input` stands beside others; write {WAYS}")));
        }
        Some(Value::Array(list)) if !list.is_empty() => {
            for (place, item) in list.iter().enumerate() {
                let item = Fields::of(item, format!("input[{place}]"))?;
                read_item(&item, &mut answers, &mut unknown)?;
                let general = |path: String| path.replacen(&format!("input[{place}]"), "input[]", 1);
                unknown.extend(item.unknown().map(general));
                unknown.dedup();
            }
        }
        Some(Value::Array(_)) => return Err(Refusal::of_field("input", "`input` is empty")),
        Some(other) => return Err(wrong_type("input", "a list", other)),
    }
    if answers.len() > ANSWERS {
        let message = format!("{} answers are to be scored, must be at most {ANSWERS}", answers.len());
        let longest = if fields.get("input").is_some() { "input" } else { "answers" };
        return Err(Refusal::of_field(longest, message));
    }
    unknown.extend(fields.unknown());
    Ok(RewardAsk { model, answers, unknown })
}

/// A conversation with its answer, or a prompt with one or several.
fn read_item(fields: &Fields<'_>, answers: &mut Vec<Answered>, unknown: &mut Vec<String>) -> Result<(), Refusal> {
    let has = |name| fields.get(name).is_some();
    // Scored without them, an answer would be told to fit a question that is another.
    if has("tools") {
        let path = fields.path("tools");
        let message = format!("`{path}` is not read here: App. C's system text has the functions");
        return Err(Refusal::of_field(&path, message).code("unsupported_parameter"));
    }
    match (has("messages"), has("prompt")) {
        (true, false) => {
            if let Some(name) = ["answer", "answers"].into_iter().find(|name| has(name)) {
                let path = fields.path(name);
                return Err(Refusal::of_field(
                    &path,
                    format!("`{path}` belongs to `prompt`; `messages` end with theirs"),
                ));
            }
            answers.push(read_conversation(fields, unknown)?);
        }
        (false, true) => {
            let prompt = match fields.get("prompt") {
                Some(Value::String(text)) => RewardPrompt::Text(text.as_str().into()),
                Some(Value::Array(_)) => RewardPrompt::Chat(texts(fields, "prompt", unknown)?.into()),
                Some(other) => return Err(wrong_type(&fields.path("prompt"), "a string or a list of messages", other)),
                None => return Err(missing(&fields.path("prompt"))),
            };
            for (answer, place) in read_answers(fields)? {
                let places = [fields.path("prompt"), place];
                answers.push(Answered { prompt: prompt.clone(), answer, places });
            }
        }
        (true, true) => {
            let path = fields.path("prompt");
            return Err(Refusal::of_field(path, format!("`messages` and `prompt` exclude each other; write {WAYS}")));
        }
        (false, false) => {
            let refusal = missing(&fields.path("messages"));
            return Err(Refusal { message: format!("nothing is to be scored; write {WAYS}"), ..refusal });
        }
    }
    Ok(())
}

/// A conversation without images.
fn texts(fields: &Fields<'_>, name: &'static str, unknown: &mut Vec<String>) -> Result<Vec<Message>, Refusal> {
    let (messages, image) = read_messages(fields, name, unknown)?;
    image.map_or(Ok(messages), |path| Err(unread_image(&path)))
}

fn read_conversation(fields: &Fields<'_>, unknown: &mut Vec<String>) -> Result<Answered, Refusal> {
    let mut messages = texts(fields, "messages", unknown)?;
    let (path, last) = (fields.path("messages"), messages.len() - 1);
    let place = format!("{path}[{last}]");
    let refused =
        |field: &str, what: &str| Err(Refusal::of_field(format!("{place}.{field}"), format!("`{place}` {what}")));
    match messages.pop() {
        Some(answer) if answer.role != Role::Assistant => refused("role", "must be the assistant's answer"),
        Some(answer) if !answer.tool_calls.is_empty() => refused("tool_calls", "calls tools; only a text is scored"),
        Some(_) if messages.is_empty() => refused("role", "answers nothing: a message before it is missing"),
        Some(answer) => {
            let places = [path.clone(), format!("{place}.content")];
            Ok(Answered { prompt: RewardPrompt::Chat(messages.into()), answer: answer.content, places })
        }
        None => Err(missing(&path)),
    }
}

/// The answers to a prompt, each with its place.
fn read_answers(fields: &Fields<'_>) -> Result<Vec<(String, String)>, Refusal> {
    if let Some(answer) = fields.text("answer")? {
        let other = fields.path("answers");
        return match fields.get("answers") {
            None => Ok(vec![(answer.to_owned(), fields.path("answer"))]),
            Some(_) => Err(Refusal::of_field(&other, format!("`answer` and `{other}` exclude each other"))),
        };
    }
    let path = fields.path("answers");
    match fields.get("answers") {
        None => Err(missing(&fields.path("answer"))),
        Some(Value::Array(list)) if list.is_empty() => Err(Refusal::of_field(&path, format!("`{path}` is empty"))),
        Some(Value::Array(_)) => {
            let answers = fields.texts("answers")?.into_iter().enumerate();
            Ok(answers.map(|(place, answer)| (answer, format!("{path}[{place}]"))).collect())
        }
        Some(other) => Err(wrong_type(&path, "a list of strings", other)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(mut body: Value) -> Result<Vec<(String, String, [String; 2])>, Refusal> {
        body["model"] = "m".into();
        let prompt = |prompt: RewardPrompt| match prompt {
            RewardPrompt::Chat(messages) => messages.iter().map(|message| format!("<{}>", message.content)).collect(),
            RewardPrompt::Text(text) => text.to_string(),
        };
        let read = read_rewards(&body)?.answers.into_iter();
        Ok(read.map(|answered| (prompt(answered.prompt), answered.answer, answered.places)).collect())
    }

    #[test]
    fn answers_come_in_conversations_behind_prompts_and_in_lists() {
        let (user, assistant) = (json!({"role": "user", "content": "q"}), json!({"role": "assistant", "content": "a"}));
        let conversation = json!({"messages": [user, assistant]});
        let several = json!({"prompt": [user], "answers": ["a", "b"]});
        let text = json!({"prompt": "q", "answer": "a"});
        let entry =
            |prompt: &str, answer: &str, places: [&str; 2]| (prompt.into(), answer.into(), places.map(str::to_owned));
        assert_eq!(read(conversation.clone()), Ok(vec![entry("<q>", "a", ["messages", "messages[1].content"])]));
        let both = [entry("<q>", "a", ["prompt", "answers[0]"]), entry("<q>", "b", ["prompt", "answers[1]"])];
        assert_eq!(read(several.clone()), Ok(both.to_vec()));
        assert_eq!(read(text.clone()), Ok(vec![entry("q", "a", ["prompt", "answer"])]));
        let all = read(json!({"input": [conversation, several, text]})).unwrap();
        let places: Vec<&str> = all.iter().map(|(_, _, [_, place])| place.as_str()).collect();
        let expected =
            ["input[0].messages[1].content", "input[1].answers[0]", "input[1].answers[1]", "input[2].answer"];
        assert_eq!(places, expected);
        let body = json!({"model": "m", "odd": 1, "input": [{"prompt": "q", "answer": "a", "more": 1}]});
        assert_eq!(read_rewards(&body).unwrap().unknown, ["input[].more", "odd"]);
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let user = json!({"role": "user", "content": "q"});
        // Also where the text ends as UFO's do.
        let parts = json!([{"type": "image_url"}, {"type": "text", "text": "q\n<Your response:>"}]);
        let pictured = json!({"role": "user", "content": parts});
        let calls = json!([{"id": "c", "function": {"name": "f", "arguments": "{}"}}]);
        for (body, param) in [
            (json!({}), "messages"),
            (json!({"messages": []}), "messages"),
            (json!({"messages": [user]}), "messages[0].role"),
            (json!({"messages": [{"role": "assistant", "content": "a"}]}), "messages[0].role"),
            (json!({"messages": [user, {"role": "assistant", "tool_calls": calls}]}), "messages[1].tool_calls"),
            (json!({"messages": [user], "prompt": "q"}), "prompt"),
            (json!({"messages": [user], "answer": "a"}), "answer"),
            (json!({"prompt": [pictured], "answer": "a"}), "prompt[0].content[0].type"),
            (json!({"prompt": 1, "answer": "a"}), "prompt"),
            (json!({"prompt": "q"}), "answer"),
            (json!({"prompt": "q", "answer": 1}), "answer"),
            (json!({"prompt": "q", "answers": "a"}), "answers"),
            (json!({"prompt": "q", "answers": []}), "answers"),
            (json!({"prompt": "q", "answers": ["a", 1]}), "answers[1]"),
            (json!({"prompt": "q", "answer": "a", "answers": ["a"]}), "answers"),
            (json!({"prompt": "q", "answers": vec!["a"; 2000]}), "answers"),
            (json!({"input": []}), "input"),
            (json!({"input": "q"}), "input"),
            (json!({"input": ["q"]}), "input[0]"),
            (json!({"input": [{"prompt": "q"}]}), "input[0].answer"),
            (json!({"input": [{"messages": [1]}]}), "input[0].messages[0]"),
            (json!({"input": [{"prompt": "q", "answer": "a"}], "prompt": "q"}), "input"),
            (json!({"input": [{"prompt": "q", "answer": "a"}], "answer": "b"}), "input"),
            (json!({"input": [{"prompt": "q", "answer": "a"}], "answers": ["b"]}), "input"),
        ] {
            let refusal = read(body.clone()).unwrap_err();
            assert_eq!(
                (refusal.param.as_deref(), refusal.status.as_u16()),
                (Some(param), 400),
                "{body}: {}",
                refusal.message
            );
        }
    }
}
