//! From what is asked to requests to the generator: prompts through the model's own template, forms, limits.
//! Slow enough to be kept off the threads that serve connections.

mod form;
mod prompt;
mod reward;

use std::sync::Arc;

use lam_inference::{GenerationRequest, Sampling};

use self::prompt::{Asks, Prompt, chat, check_tokens, of_ufo, open_text};
use crate::ask::{Ask, Asked, unread_image};
use crate::calls::Calls;
use crate::model::ServedModel;
use crate::refusal::Refusal;
use crate::translation::Translation;
use crate::ufo::{self, UfoPrompt};

pub use reward::prepare_rewards;

/// Longest answer of `/v1/completions` where the request says nothing, as OpenAI has it.
const COMPLETION_TOKENS: usize = 16;

/// Requests to the generator, and how their answers are to be read.
pub struct Prepared {
    /// One for each answer: those to the first prompt, then those to the next.
    pub requests: Vec<GenerationRequest>,
    /// Tokens of all prompts.
    pub prompt_tokens: usize,
    /// The question, where answers are to be turned into another form than the model's.
    pub question: Option<Arc<Translation>>,
    /// Answers that need no model: instead of requests.
    pub ready: Vec<String>,
    /// How calls are found in the answers.
    pub calls: Calls,
    /// Special tokens that belong to the answers' text.
    pub shown: Arc<[u32]>,
    /// The field that asks for their form, where one does.
    pub form_field: Option<&'static str>,
    /// What of the conversation has no place in the model's form, if anything.
    pub left_out: Option<&'static str>,
}

impl Prepared {
    /// Answers that need no model.
    fn ready(ready: Vec<String>) -> Self {
        let (requests, shown, calls) = (Vec::new(), Vec::new().into(), Calls::None);
        Self { requests, prompt_tokens: 0, question: None, ready, calls, shown, form_field: None, left_out: None }
    }
}

/// How questions of known forms are answered.
#[derive(Clone, Copy, Debug)]
pub struct KnownForms<'s> {
    /// Whether answers are kept to the controls and functions of their question.
    pub executable: bool,
    /// A part of the title of the window that UFO's requests are assigned to.
    pub application: Option<&'s str>,
}

/// Makes the requests; `seed` is used where a request names none.
///
/// # Errors
/// Messages that the template refuses, a prompt that is too long, a form that is not understood.
pub fn prepare(ask: &Ask, model: &ServedModel, forms: KnownForms<'_>, seed: u64) -> Result<Prepared, Refusal> {
    let renderer = &model.renderer;
    let of_another = match &ask.asked {
        Asked::Chat(messages) if ask.tools.is_none() => ufo::read(messages, ask.format.as_ref(), forms.application)?,
        _ => None,
    };
    // UFO's texts say all that its screenshots are about; of another question nobody knows.
    if let (None, Some(path)) = (&of_another, &ask.image) {
        return Err(unread_image(path));
    }
    let (mut prompts, param): (Vec<Prompt>, _) = match (&ask.asked, of_another) {
        (_, Some(UfoPrompt::Rule(answer))) => return Ok(Prepared::ready(vec![answer; ask.choices])),
        (_, Some(UfoPrompt::Model(question))) => (vec![of_ufo(question, renderer)?], "messages"),
        (Asked::Chat(messages), None) => {
            (vec![chat(messages, ask.tools.as_ref(), renderer, forms.executable)?], "messages")
        }
        (Asked::Texts(texts), None) => {
            (texts.iter().map(|text| open_text(text, renderer)).collect::<Result<_, _>>()?, "prompt")
        }
    };
    prompts.iter().try_for_each(|prompt| check_tokens(&prompt.tokens, model.vocabulary, param))?;
    // A conversation is one prompt, and no text that is continued asks one of our questions.
    let mut asks = prompts.first_mut().map_or(Asks::Words, |first| std::mem::replace(&mut first.asks, Asks::Words));
    let (form, calls) = form::form(ask, &mut asks, model, forms.executable)?;
    let is_ufo = matches!(asks, Asks::Ufo(_));
    let mut requests = Vec::new();
    for (place, prompt) in prompts.iter().enumerate() {
        let max_new_tokens = longest(ask, model, prompt.tokens.len(), is_ufo)?;
        for choice in 0..ask.choices {
            let stream = (place * ask.choices + choice) as u64;
            requests.push(GenerationRequest {
                prompt: prompt.tokens.clone(),
                constraint: form.constraint(renderer),
                sampling: Sampling { seed: stream_seed(ask.seed.unwrap_or(seed), stream), ..ask.sampling },
                max_new_tokens,
                stop_tokens: renderer.stop_tokens().to_vec(),
                logprobs: ask.logprobs.is_some(),
                logprob_temperature: 1.0,
                top_logprobs: ask.logprobs.unwrap_or(0),
                adapter: model.adapter,
            });
        }
    }
    let prompt_tokens = prompts.iter().map(|prompt| prompt.tokens.len()).sum();
    // A form that was asked for is the answer's own: nothing is to be turned into another, but an action into the object
    // that it is.
    let is_own = form.field().is_none();
    let own = |question| (renderer.is_compact() && is_own).then_some(Translation::Own(question));
    let question = match asks {
        Asks::Words => None,
        Asks::Question(question) => own(question),
        Asks::Tools(question) => own(question.without_tools()),
        Asks::Ufo(question) => Some(Translation::Ufo(question)),
    };
    let shown = if matches!(calls, Calls::Written(_)) { renderer.call_marks() } else { Vec::new() };
    let (question, form_field, shown) = (question.map(Arc::new), form.field(), shown.into());
    let left_out = prompts.iter().find_map(|prompt| prompt.left_out);
    Ok(Prepared { requests, prompt_tokens, question, ready: Vec::new(), calls, shown, form_field, left_out })
}

/// The seed of an answer's stream: the first has the request's own.
fn stream_seed(seed: u64, stream: u64) -> u64 {
    seed ^ stream.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// The longest answer to a prompt of this length. UFO's limit is meant for another prompt and another answer than the
/// model's own, and is cut to what fits.
fn longest(ask: &Ask, model: &ServedModel, prompt: usize, is_ufo: bool) -> Result<usize, Refusal> {
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
    if is_ufo {
        return Ok(wanted.min(left));
    }
    if wanted > left {
        let message = format!(
            "the prompt has {prompt} tokens, `{}` is {wanted}, and at most {context} fit in all",
            ask.max_tokens_field
        );
        return Err(Refusal::of_field(ask.max_tokens_field, message).code("context_length_exceeded"));
    }
    Ok(wanted)
}
