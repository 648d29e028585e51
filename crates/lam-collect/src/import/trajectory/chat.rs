//! Conversations: what a person asks, and an answer that lists steps. Every exchange counts; an answer belongs to the
//! question before it, whatever tools say between them.

use lam_agent::after_thought;
use serde_json::Value;

use super::label::failure;
use super::record::{Plan, Records, Refusal, list, optional, text, unquoted};
use crate::aside::Rejection;
use crate::import::block::{Block, single_spaced};
use crate::import::markdown;
use crate::import::numbering::{step_number, unnumbered};
use crate::import::procedure::{Procedure, procedures};

/// Fields that hold a conversation.
const CONVERSATIONS: &[&str] = &["messages", "conversations", "conversation", "chat", "dialogue", "turns", "items"];
/// Fields that hold an answer to a conversation or a `prompt`.
const ANSWERS: &[&str] = &["completion", "response", "chosen", "rejected"];
const ROLES: &[&str] = &["role", "from", "speaker", "author"];
const CONTENTS: &[&str] = &["content", "value", "text"];
const PEOPLE: &[&str] = &["user", "human", "prompter", "customer"];
const MODELS: &[&str] = &["assistant", "gpt", "chatgpt", "model", "bot", "bing", "bard", "ai"];
const OTHERS: &[&str] =
    &["system", "developer", "tool", "function", "function_call", "function_response", "observation", "ipython"];
/// Fields that say what an answer without content did instead.
const INSTEAD: &[&str] = &["tool_calls", "function_call", "refusal", "audio"];

/// OpenAI's `{"messages": [{"role", "content"}]}`.
pub(super) fn messages(record: &Value, found: &mut Records) -> Result<(), Refusal> {
    conversation(record, "messages", found)
}

/// ShareGPT's `{"conversations": [{"from", "value"}]}`.
pub(super) fn sharegpt(record: &Value, found: &mut Records) -> Result<(), Refusal> {
    conversation(record, "conversations", found)
}

/// Alpaca's `{"instruction", "input", "output"}`, and the exchanges before it in `history`.
pub(super) fn alpaca(record: &Value, found: &mut Records) -> Result<(), Refusal> {
    let failed = failure(record);
    for (index, exchange) in record["history"].as_array().into_iter().flatten().enumerate() {
        let said = |at: usize| exchange[at].as_str().unwrap_or_default();
        take(said(0), &spoken(said(1), false), &format!("history[{index}]"), None, found);
    }
    let first =
        |names: &[&'static str]| names.iter().copied().find(|name| !record[*name].is_null()).unwrap_or(names[0]);
    let instruction = text(record, first(&["instruction", "prompt", "question", "query"]))?;
    let input = optional(record, first(&["input", "context"]));
    let asked = format!("{instruction} {input}");
    let answer = first(&["output", "response", "completion", "answer", "chosen"]);
    let answers = match &record[answer] {
        // Of a list, the first is preferred to the others.
        Value::Array(answers) => answers.iter().map(|answer| answer.as_str().unwrap_or_default().to_owned()).collect(),
        _ => vec![text(record, answer)?],
    };
    let worse = record["rejected"].as_str().map(str::to_owned);
    for (index, answered) in answers.into_iter().chain(worse).enumerate() {
        let failed = failed.clone().or_else(|| (index > 0).then(|| "another answer is preferred to it".to_owned()));
        take(&asked, &spoken(&answered, false), answer, failed, found);
    }
    Ok(())
}

/// One turn of a conversation.
struct Turn {
    is_person: bool,
    text: String,
    place: String,
}

fn conversation(record: &Value, usual: &str, found: &mut Records) -> Result<(), Refusal> {
    let failed = failure(record);
    let has = |name: &&&str| !record[**name].is_null();
    let prompt = match CONVERSATIONS.iter().chain(&["prompt"]).find(has) {
        _ if record.is_array() => Some(""),
        named => named.copied(),
    };
    let answers: Vec<&str> = ANSWERS.iter().filter(has).copied().collect();
    if answers.is_empty() {
        if prompt == Some("prompt") {
            return Err((ANSWERS[0].to_owned(), "is missing".to_owned()));
        }
        exchanges(turns(record, prompt.unwrap_or(usual), true)?, failed.as_ref(), found);
        return Ok(());
    }
    let asked = || prompt.map_or(Ok(Vec::new()), |prompt| turns(record, prompt, true));
    for answer in answers {
        let after = turns(record, answer, false)?;
        // Some repeat the question before each of the two answers.
        let asked = if after.iter().any(|turn| turn.is_person) { Vec::new() } else { asked()? };
        let failed = match answer {
            "rejected" => Some("another answer is preferred to it".to_owned()),
            _ => failed.clone(),
        };
        exchanges(asked.into_iter().chain(after), failed.as_ref(), found);
    }
    Ok(())
}

/// The turns in a field: a list, one turn, a text, or any of them as JSON in a text.
fn turns(record: &Value, field: &str, is_person: bool) -> Result<Vec<Turn>, Refusal> {
    let value = if field.is_empty() { record } else { &record[field] };
    let mut parsed = Value::Null;
    let value = match value.as_str() {
        Some(text) if text.trim_start().starts_with("[{") => unquoted(value, &mut parsed).unwrap_or(value),
        Some(text) => return Ok(vec![Turn { is_person, text: spoken(text, is_person), place: field.to_owned() }]),
        None => value,
    };
    match value {
        Value::Array(turns) => {
            let read = turns.iter().enumerate().map(|(index, value)| turn(value, format!("{field}[{index}]")));
            read.filter_map(Result::transpose).collect()
        }
        Value::Object(_) => Ok(turn(value, field.to_owned())?.into_iter().collect()),
        _ => Err(list(record, field).err().unwrap_or_default()),
    }
}

/// A turn of a person or a model; those of tools and systems are none.
fn turn(value: &Value, place: String) -> Result<Option<Turn>, Refusal> {
    let named = |names: &[&'static str]| names.iter().copied().find(|name| !value[*name].is_null()).unwrap_or(names[0]);
    let at = |field: &str| format!("{place}.{field}").trim_start_matches('.').to_owned();
    let role = named(ROLES);
    let who = text(value, role).map_err(|(_, reason)| (at(role), reason))?.to_lowercase();
    let is_person = PEOPLE.contains(&who.as_str());
    if OTHERS.contains(&who.as_str()) {
        return Ok(None);
    }
    if !is_person && !MODELS.contains(&who.as_str()) {
        let known = [PEOPLE, MODELS, OTHERS].concat().join(", ");
        return Err((at(role), format!("`{who}` is none of {known}")));
    }
    let content = named(CONTENTS);
    if value[content].is_null() && INSTEAD.iter().any(|field| !value[*field].is_null()) {
        return Ok(None);
    }
    let text = said(&value[content]).map_err(|reason| (at(content), reason))?;
    let text = spoken(&text, is_person);
    Ok(Some(Turn { is_person, text, place: at(content) }))
}

/// A text without what a model thought aloud before it.
fn spoken(text: &str, is_person: bool) -> String {
    if is_person { text.to_owned() } else { after_thought(text).unwrap_or_default().to_owned() }
}

/// A content as text: parts that hold text one after the other, pictures and sounds left out.
fn said(content: &Value) -> Result<String, String> {
    match content {
        Value::String(text) => Ok(text.clone()),
        Value::Null => Err("is missing".to_owned()),
        Value::Array(parts) => {
            let part = |part: &Value| match (part, &part["text"]) {
                (Value::String(text), _) | (_, Value::String(text)) => Ok(Some(text.clone())),
                (_, Value::Object(text)) => Ok(text.get("value").and_then(Value::as_str).map(str::to_owned)),
                (Value::Object(fields), Value::Null) if fields.contains_key("type") => Ok(None),
                (other, _) => Err(format!("has a part that is no text: {other}")),
            };
            let texts = parts.iter().map(part).filter_map(Result::transpose).collect::<Result<Vec<_>, _>>()?;
            Ok(texts.join("\n"))
        }
        other => Err(format!("must be text or a list of parts, not {other}")),
    }
}

/// Takes each question with all that is answered before the next one.
fn exchanges(turns: impl IntoIterator<Item = Turn>, failed: Option<&String>, found: &mut Records) {
    let before = (found.plans.len(), found.refusals.len());
    let (mut asked, mut answered): (Option<String>, Option<(String, String)>) = (None, None);
    for turn in turns {
        if turn.is_person {
            finish(&mut asked, &mut answered, failed, found);
            let before = asked.take().map(|before| before + "\n").unwrap_or_default();
            asked = Some(before + &turn.text);
        } else if !turn.text.trim().is_empty() {
            let (before, _) = answered.take().unwrap_or_default();
            answered = Some((format!("{before}\n\n{}", turn.text), turn.place));
        }
    }
    finish(&mut asked, &mut answered, failed, found);
    if let Some(asked) = asked {
        let place = "nobody answers";
        found.refusals.push((String::new(), format!("{place} `{}`", single_spaced(&asked))));
    }
    if before == (found.plans.len(), found.refusals.len()) {
        found.refusals.push((String::new(), "holds no question with an answer".to_owned()));
    }
}

/// Takes an exchange that is over; a question that is not answered yet goes on.
fn finish(
    asked: &mut Option<String>,
    answered: &mut Option<(String, String)>,
    failed: Option<&String>,
    found: &mut Records,
) {
    let Some((answer, place)) = answered.take() else { return };
    match asked.take() {
        Some(asked) => take(&asked, &answer, &place, failed.cloned(), found),
        // A greeting is nothing; steps that nobody asked for are told.
        None if lists(&answer).is_ok_and(|lists| !lists.is_empty()) => {
            found.refusals.push((place, "an answer without a question before it".to_owned()));
        }
        None => {}
    }
}

/// The lists of steps in an answer: its numbered lists, else its lines that begin with `Step 1:` and so on.
fn lists(answered: &str) -> Result<Vec<Procedure>, String> {
    let blocks = markdown::blocks(answered).map_err(|fault| format!("line {}: {}", fault.line, fault.reason))?;
    let lists = procedures(&blocks);
    if !lists.is_empty() {
        return Ok(lists);
    }
    let mut plan: Vec<String> = Vec::new();
    for block in blocks {
        match block {
            Block::Heading(_, text) | Block::Text(text) if step_number(&text).is_some() => plan.push(text),
            Block::Text(text) if !plan.is_empty() => {
                if let Some(step) = plan.last_mut().filter(|step| step_number(step) != step_number(&text)) {
                    *step = format!("{step} {text}");
                }
            }
            _ => {}
        }
    }
    let first = plan.first().and_then(|step| step_number(step)).unwrap_or(1);
    let plan: Vec<String> = plan.iter().map(|step| unnumbered(step).to_owned()).collect();
    let steps = Procedure { task: None, heading: String::new(), family: String::new(), plan, first };
    Ok(if steps.plan.is_empty() { Vec::new() } else { vec![steps] })
}

fn take(asked: &str, answered: &str, place: &str, failed: Option<String>, found: &mut Records) {
    let mut refuse = |reason: &str| found.refusals.push((place.to_owned(), reason.to_owned()));
    let task = single_spaced(&asked.replace("<image>", " "));
    if task.is_empty() {
        return refuse("nothing is asked");
    }
    let lists = match lists(answered) {
        Ok(lists) if lists.is_empty() => return refuse("the answer holds no numbered list of steps"),
        Ok(lists) => lists,
        Err(reason) => return refuse(&reason),
    };
    for (index, list) in lists.into_iter().enumerate() {
        let failed = failed.clone().map(|reason| (Rejection::Failed, reason));
        let further = (index > 0).then(|| (Rejection::FurtherList, "the first list of the answer is used".to_owned()));
        let rejected = failed.or(further).or(list.unfinished().map(|reason| (Rejection::Unfinished, reason)));
        found.plans.push(Plan { application: String::new(), task: task.clone(), steps: list.plan, rejected });
    }
}
