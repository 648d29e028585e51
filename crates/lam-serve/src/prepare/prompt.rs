//! Prompts as tokens, through the model's own template, and the question that one asks if it is one of ours.

use lam_prompt::{
    Message, Question, Renderer, Role, Tool, ToolQuestion, ToolQuestionError, UfoAction, read_question, shows_screen,
};

use crate::ask::{OpenText, ToolChoice, Tools};
use crate::refusal::Refusal;

/// What a compact model's form has no place for.
const SYSTEM: &str = "the messages of role `system`";

/// One prompt as tokens.
pub struct Prompt {
    /// The tokens.
    pub tokens: Vec<u32>,
    /// What it asks.
    pub asks: Asks,
    /// What of the conversation has no place in the model's form, if anything.
    pub left_out: Option<&'static str>,
}

/// What a prompt asks.
pub enum Asks {
    /// Anything.
    Words,
    /// One of our questions.
    Question(Question),
    /// App. C's question with its functions as tools.
    Tools(Box<ToolQuestion>),
    /// UFO's AppAgent's question.
    Ufo(Box<UfoAction>),
}

/// The prompt of a conversation. App. C's slots are read where `reads_slots` says so, or the template is compact, or
/// tools may be called or were.
///
/// # Errors
/// Messages that the template refuses, slots that cannot be read.
pub fn chat(
    messages: &[Message],
    tools: Option<&Tools>,
    renderer: &Renderer,
    reads_slots: bool,
) -> Result<Prompt, Refusal> {
    let callable = tools.filter(|tools| tools.choice != ToolChoice::None);
    if tools.is_some() || messages.iter().any(Message::is_of_tools) {
        let offered = tools.map_or(&[][..], |tools| &tools.offered);
        if let (Some(question), left_out) = tool_question(messages, offered, renderer)? {
            let tokens = match renderer.is_compact() {
                true => renderer.action_prompt(&question.state, &question.functions),
                false => renderer.chat_prompt(&question.messages),
            };
            let tokens = tokens.map_err(|error| Refusal::of_words("messages", &error))?;
            let asks = match callable {
                Some(_) => Asks::Tools(Box::new(question)),
                None => Asks::Question(question.without_tools()),
            };
            return Ok(Prompt { tokens, asks, left_out });
        }
    }
    let question = if reads_slots || renderer.is_compact() {
        let refused = |reason| Refusal::of_field("messages", format!("App. C's slots cannot be read: {reason}"));
        read_question(messages).map_err(refused)?
    } else {
        None
    };
    let (question, left_out) = match question {
        None if renderer.is_compact() => task(messages, renderer)?,
        question => (question, None),
    };
    // The compact template has a form of its own for each of our questions, and no words for tools.
    let tokens = match (&question, renderer.is_compact()) {
        (Some(Question::Action { state, functions }), true) => renderer.action_prompt(state, functions),
        (Some(Question::Plan { task }), true) => renderer.plan_prompt(task),
        (None, true) => renderer.chat_prompt(messages),
        (_, false) => renderer.chat_prompt_with_tools(messages, callable.map_or(&[][..], |callable| &callable.offered)),
    };
    let tokens = tokens.map_err(|error| Refusal::of_words("messages", &error))?;
    Ok(Prompt { tokens, asks: question.map_or(Asks::Words, Asks::Question), left_out })
}

/// App. C's question with tools, if a conversation asks it, and what is left out of it. A compact model's form has no place
/// for another system text than App. C's: there the tools are the functions, as where there is none.
fn tool_question(
    messages: &[Message],
    offered: &[Tool],
    renderer: &Renderer,
) -> Result<(Option<ToolQuestion>, Option<&'static str>), Refusal> {
    let read = |messages: &[Message]| ToolQuestion::read(messages, offered).map_err(refused_question);
    let found = read(messages)?;
    if found.is_some() || !renderer.is_compact() {
        return Ok((found, None));
    }
    let others = messages.iter().filter(|message| message.role != Role::System);
    let found = read(&others.cloned().collect::<Vec<_>>())?;
    let left_out = found.as_ref().map(|_| SYSTEM);
    Ok((found, left_out))
}

/// The prompt of UFO's AppAgent, in the form in which the model knows such a question.
///
/// # Errors
/// A question that the model's template refuses.
pub fn of_ufo(asked: Box<UfoAction>, renderer: &Renderer) -> Result<Prompt, Refusal> {
    let tokens = renderer.action_prompt(asked.state(), asked.functions());
    let tokens = tokens.map_err(|error| Refusal::of_words("messages", &error))?;
    Ok(Prompt { tokens, asks: Asks::Ufo(asked), left_out: None })
}

fn refused_question(error: ToolQuestionError) -> Refusal {
    match error {
        ToolQuestionError::Messages(reason) => {
            Refusal::of_field("messages", format!("App. C's slots cannot be read: {reason}"))
        }
        ToolQuestionError::Tools(reason) => Refusal::of_field("tools", reason),
        ToolQuestionError::Tool(place, reason) => {
            Refusal::of_field(format!("tools[{place}].function.parameters"), reason)
        }
    }
}

/// A lone message to a model of the compact template, which knows two questions: without that template's own markup it
/// is a task to be planned, whatever system text stands before it.
///
/// # Errors
/// A screen in App. C's slots without functions, of which no action can be chosen.
fn task(messages: &[Message], renderer: &Renderer) -> Result<(Option<Question>, Option<&'static str>), Refusal> {
    let mut others = messages.iter().filter(|message| message.role != Role::System);
    let (Some(Message { role: Role::User, content, .. }), None) = (others.next(), others.next()) else {
        return Ok((None, None));
    };
    if shows_screen(content) {
        let reason = "App. C's slots have no functions: give them as `tools`, or in App. C's system text";
        return Err(Refusal::of_field("messages", reason.to_owned()));
    }
    if messages.iter().any(|message| renderer.has_markup(&message.content)) {
        return Ok((None, None));
    }
    let left_out = (messages.len() > 1).then_some(SYSTEM);
    Ok((Some(Question::Plan { task: content.clone() }), left_out))
}

/// The prompt of a text that is to be continued.
///
/// # Errors
/// A text that the tokenizer cannot split.
pub fn open_text(text: &OpenText, renderer: &Renderer) -> Result<Prompt, Refusal> {
    let tokens = match text {
        OpenText::Words(words) => renderer.open_text(words).map_err(|error| Refusal::of_words("prompt", &error))?,
        OpenText::Tokens(tokens) => tokens.clone(),
    };
    Ok(Prompt { tokens, asks: Asks::Words, left_out: None })
}

/// Refuses tokens that are none, or of which the embedding has no row for one.
///
/// # Errors
/// With the field that holds them.
pub fn check_tokens(tokens: &[u32], vocabulary: usize, param: &str) -> Result<(), Refusal> {
    if tokens.is_empty() {
        return Err(Refusal::of_field(param, format!("`{param}` has no token")));
    }
    let unknown = tokens.iter().find(|&&token| token as usize >= vocabulary);
    unknown.map_or(Ok(()), |token| {
        let message = format!("`{param}` has token {token}; the model knows {vocabulary} tokens");
        Err(Refusal::of_field(param, message))
    })
}
