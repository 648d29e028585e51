//! UFO's prompts as requests: images that no text model reads are passed over, what is answered by rule needs no model,
//! and the question by which UFO finds out what a server can do gets a plain answer.

use lam_prompt::{Message, OutputFormat, UfoAction, UfoQuestion, ends_as_ufo, read_ufo};
use serde_json::{Value, json};

use crate::ask::is_any_object;
use crate::refusal::Refusal;

/// Name of the schema in UFO's question at its start.
const FIRST_SCHEMA: &str = "HostAgentResponse";

/// How a prompt of UFO's is answered.
pub enum UfoPrompt {
    /// By the model.
    Model(Box<UfoAction>),
    /// By rule: this is the answer.
    Rule(String),
}

/// The prompt that messages are, if they are one; `application` is a part of the title of the window that requests are
/// assigned to.
///
/// # Errors
/// One that cannot be read or is not answered, and a schema that is asked for beside it.
pub fn read(
    messages: &[Message],
    format: Option<&OutputFormat>,
    application: Option<&str>,
) -> Result<Option<UfoPrompt>, Refusal> {
    let refused = |reason| Refusal::of_field("messages", format!("UFO's prompt cannot be answered: {reason}"));
    let Some(question) = read_ufo(messages).map_err(refused)? else { return Ok(None) };
    // Every answer is an object, but not one of any schema.
    if format.is_some_and(|format| !is_any_object(format)) {
        return Err(no_schema());
    }
    Ok(Some(match question {
        UfoQuestion::Action(asked) => UfoPrompt::Model(asked),
        UfoQuestion::Host(asked) => UfoPrompt::Rule(asked.answer(application)),
        UfoQuestion::Evaluation(asked) => UfoPrompt::Rule(asked.answer()),
    }))
}

/// Whether images among these messages may be passed over: those of UFO's prompts stand beside all that a model of text
/// is asked.
pub fn passes_images(messages: &[Value]) -> bool {
    let last = messages.last().and_then(|message| message["content"].as_array()).and_then(|parts| parts.last());
    last.and_then(|part| part["text"].as_str()).is_some_and(ends_as_ufo)
}

/// Answers what the third version asks before anything else, whether answers of a schema can be had: refused in the
/// words that it knows, it goes on without. Any text of that schema would be worth nothing to it, and a small model
/// takes long to write one.
///
/// # Errors
/// That question.
pub fn refuse_first(body: &Value) -> Result<(), Refusal> {
    let is_first = body["response_format"]["json_schema"]["name"] == FIRST_SCHEMA
        && body["messages"] == json!([{"role": "user", "content": "Hello"}]);
    if is_first { Err(no_schema()) } else { Ok(()) }
}

fn no_schema() -> Refusal {
    let message = "'response_format' of type 'json_schema' is not supported for UFO: its prompts say which form the \
                   answer has";
    Refusal::of_field("response_format", message).code("unsupported_response_format")
}
