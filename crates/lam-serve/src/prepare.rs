//! From what is asked to requests to the generator: prompts through the model's own template, forms, limits.
//! Slow enough to be kept off the threads that serve connections.

use std::sync::Arc;

use lam_inference::{GenerationRequest, Sampling};
use lam_prompt::{Message, Question, Renderer, Role, TokenConstraint, read_question};

use crate::ask::{Ask, Asked, OpenText};
use crate::model::ServedModel;
use crate::refusal::Refusal;

/// Longest answer of `/v1/completions` where the request says nothing, as OpenAI has it.
const COMPLETION_TOKENS: usize = 16;

/// Requests to the generator, and how their answers are to be read.
pub struct Prepared {
    /// One for each answer: those to the first prompt, then those to the next.
    pub requests: Vec<GenerationRequest>,
    /// Tokens of all prompts.
    pub prompt_tokens: usize,
    /// The question, where answers are to be turned into App. C's JSON.
    pub question: Option<Arc<Question>>,
}

/// One prompt as tokens, with the question that it asks if it is one of ours.
struct Prompt {
    tokens: Vec<u32>,
    question: Option<Question>,
}

/// Makes the requests. With `executable`, answers to App. C's question are kept to its controls and functions; `seed`
/// is used where the request names none.
///
/// # Errors
/// Messages that the template refuses, a prompt that is too long, a form that is not understood.
pub fn prepare(ask: &Ask, model: &ServedModel, executable: bool, seed: u64) -> Result<Prepared, Refusal> {
    let prompts = match &ask.asked {
        Asked::Chat(messages) => vec![chat(messages, model, executable)?],
        Asked::Texts(texts) => texts.iter().map(|text| open_text(text, model)).collect::<Result<_, _>>()?,
    };
    let format = ask.format.as_ref().map(|format| {
        let refused = |reason| Refusal::of_field("response_format", reason).code("unsupported_response_format");
        model.constraint(format).map_err(refused)
    });
    let format = format.transpose()?;
    let mut requests = Vec::new();
    for (place, prompt) in prompts.iter().enumerate() {
        let max_new_tokens = longest(ask, model, prompt.tokens.len())?;
        for choice in 0..ask.choices {
            let constraint: Option<Box<dyn TokenConstraint>> = match (&format, &prompt.question) {
                (Some(format), _) => Some(Box::new(format.clone())),
                (None, Some(Question::Action { state, functions })) if executable => {
                    Some(model.renderer.action_constraint(&state.observation, functions))
                }
                _ => None,
            };
            let stream = (place * ask.choices + choice) as u64;
            requests.push(GenerationRequest {
                prompt: prompt.tokens.clone(),
                constraint,
                sampling: Sampling { seed: stream_seed(ask.seed.unwrap_or(seed), stream), ..ask.sampling },
                max_new_tokens,
                stop_tokens: model.renderer.stop_tokens().to_vec(),
                logprobs: ask.logprobs.is_some(),
                logprob_temperature: 1.0,
                top_logprobs: ask.logprobs.unwrap_or(0),
                adapter: model.adapter,
            });
        }
    }
    let prompt_tokens = prompts.iter().map(|prompt| prompt.tokens.len()).sum();
    // A form that was asked for is the answer's own: nothing is to be turned into another.
    let question = prompts.into_iter().next().and_then(|prompt| prompt.question);
    let question = question.filter(|_| model.renderer.is_compact() && format.is_none()).map(Arc::new);
    Ok(Prepared { requests, prompt_tokens, question })
}

/// The seed of an answer's stream: the first has the request's own.
fn stream_seed(seed: u64, stream: u64) -> u64 {
    seed ^ stream.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

fn chat(messages: &[Message], model: &ServedModel, executable: bool) -> Result<Prompt, Refusal> {
    let refused = |error: &dyn std::fmt::Display| Refusal::of_field("messages", error);
    let renderer = &model.renderer;
    let question = if executable || renderer.is_compact() {
        read_question(messages).map_err(|reason| refused(&format!("App. C's slots cannot be read: {reason}")))?
    } else {
        None
    };
    let question = question.or_else(|| task(messages, renderer));
    // The compact template has a form of its own for each of our questions.
    let tokens = match (&question, renderer.is_compact()) {
        (Some(Question::Action { state, functions }), true) => renderer.action_prompt(state, functions),
        (Some(Question::Plan { task }), true) => renderer.plan_prompt(task),
        _ => renderer.chat_prompt(messages),
    };
    let tokens = tokens.map_err(|error| refused(&error))?;
    check_tokens(&tokens, model, "messages")?;
    Ok(Prompt { tokens, question })
}

/// A lone message to a model of the compact template, which knows two questions: without that template's own markup it is
/// a task to be planned.
fn task(messages: &[Message], renderer: &Renderer) -> Option<Question> {
    let [Message { role: Role::User, content, .. }] = messages else { return None };
    if !renderer.is_compact() {
        return None;
    }
    let tokens = renderer.open_text(content).ok()?;
    let has_markup = tokens.iter().skip(1).any(|token| renderer.tokenizer().is_special(*token));
    (!has_markup).then(|| Question::Plan { task: content.clone() })
}

fn open_text(text: &OpenText, model: &ServedModel) -> Result<Prompt, Refusal> {
    let tokens = match text {
        OpenText::Words(words) => {
            model.renderer.open_text(words).map_err(|error| Refusal::of_field("prompt", error))?
        }
        OpenText::Tokens(tokens) => tokens.clone(),
    };
    check_tokens(&tokens, model, "prompt")?;
    Ok(Prompt { tokens, question: None })
}

/// Refuses a prompt without a token, or with one that the embedding has no row for.
fn check_tokens(tokens: &[u32], model: &ServedModel, param: &str) -> Result<(), Refusal> {
    if tokens.is_empty() {
        return Err(Refusal::of_field(param, format!("`{param}` has no token")));
    }
    let unknown = tokens.iter().find(|&&token| token as usize >= model.vocabulary);
    unknown.map_or(Ok(()), |token| {
        let message = format!("`{param}` has token {token}; the model knows {} tokens", model.vocabulary);
        Err(Refusal::of_field(param, message))
    })
}

/// The longest answer to a prompt of this length.
fn longest(ask: &Ask, model: &ServedModel, prompt: usize) -> Result<usize, Refusal> {
    let context = model.context;
    let param = if matches!(ask.asked, Asked::Chat(_)) { "messages" } else { "prompt" };
    let left = context.checked_sub(prompt).filter(|left| *left > 0).ok_or_else(|| {
        let message = format!("the prompt has {prompt} tokens, and with an answer at most {context} fit");
        Refusal::of_field(param, message).code("context_length_exceeded")
    })?;
    let wanted = match (ask.max_tokens, &ask.asked) {
        (Some(wanted), _) => wanted,
        (None, Asked::Chat(_)) => left,
        (None, Asked::Texts(_)) => COMPLETION_TOKENS.min(left),
    };
    if wanted > left {
        let message = format!(
            "the prompt has {prompt} tokens, `{}` is {wanted}, and at most {context} fit in all",
            ask.max_tokens_field
        );
        return Err(Refusal::of_field(ask.max_tokens_field, message).code("context_length_exceeded"));
    }
    Ok(wanted)
}
