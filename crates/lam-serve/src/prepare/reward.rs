//! Answers with their prompts as tokens, as phase 4 scores them.

use lam_prompt::Question;

use super::prompt::{Asks, chat, check_tokens};
use crate::ask::{Answered, RewardPrompt};
use crate::refusal::Refusal;
use crate::reward::RewardModel;

/// Most tokens of all texts of a request, as multiples of the longest text's: one request must not hold the model's
/// thread for as long as it likes.
const CONTEXTS: usize = 64;

/// One prompt as tokens, and what an answer to it is.
struct Prompt<'a> {
    tokens: Vec<u32>,
    asks: Asked<'a>,
}

/// What is answered.
enum Asked<'a> {
    /// A text: the answer continues it.
    Text(&'a str),
    /// A conversation, and the question that it asks if it is one of ours.
    Chat(Option<Question>),
}

/// The tokens of each prompt with its answer.
///
/// # Errors
/// A conversation that the template refuses, an answer to one of our questions that cannot be read, too many tokens.
pub fn prepare_rewards(answers: &[Answered], model: &RewardModel) -> Result<Vec<Vec<u32>>, Refusal> {
    let most = model.context.saturating_mul(CONTEXTS);
    let (mut texts, mut total) = (Vec::with_capacity(answers.len()), 0);
    // Answers to one prompt stand behind each other.
    for run in answers.chunk_by(|one, other| one.places[0] == other.places[0]) {
        let prompt = prompt(&run[0], model)?;
        for answered in run {
            let text = text(&prompt, answered, model)?;
            total += text.len();
            if total > most {
                let place = &answered.places[1];
                let message = format!(
                    "the texts up to `{place}` have {total} tokens, and at most {most} are scored in one request"
                );
                return Err(Refusal::of_field(place, message).code("too_many_tokens"));
            }
            texts.push(text);
        }
    }
    Ok(texts)
}

/// The prompt of an answer, read once for all answers to it.
fn prompt<'a>(answered: &'a Answered, model: &RewardModel) -> Result<Prompt<'a>, Refusal> {
    let (renderer, place) = (&model.renderer, &answered.places[0]);
    let prompt = match &answered.prompt {
        RewardPrompt::Text(text) => {
            let tokens = renderer.open_text(text).map_err(|error| Refusal::of_words(place, &error))?;
            Prompt { tokens, asks: Asked::Text(text) }
        }
        RewardPrompt::Chat(messages) => {
            let own = |refusal: Refusal| Refusal { param: Some(place.clone()), ..refusal };
            let chat = chat(messages, None, renderer, false).map_err(own)?;
            let question = if let Asks::Question(question) = chat.asks { Some(question) } else { None };
            Prompt { tokens: chat.tokens, asks: Asked::Chat(question) }
        }
    };
    check_tokens(&prompt.tokens, model.vocabulary, place)?;
    Ok(prompt)
}

/// The tokens of a prompt with its answer.
fn text(prompt: &Prompt<'_>, answered: &Answered, model: &RewardModel) -> Result<Vec<u32>, Refusal> {
    let (renderer, [prompt_place, answer_place]) = (&model.renderer, &answered.places);
    let answer = match &prompt.asks {
        Asked::Text(before) => renderer.open_answer(before, &answered.answer),
        Asked::Chat(question) => renderer.chat_answer(question.as_ref(), &answered.answer),
    };
    let answer = answer.map_err(|error| Refusal::of_words(answer_place, &error))?;
    let tokens = [prompt.tokens.as_slice(), &answer].concat();
    check_tokens(&tokens, model.vocabulary, answer_place)?;
    if tokens.len() > model.context {
        let message = format!("prompt and answer have {} tokens, and at most {} fit", tokens.len(), model.context);
        return Err(Refusal::of_field(prompt_place, message).code("context_length_exceeded"));
    }
    Ok(tokens)
}
