//! Answers with their prompts as tokens, as phase 4 scores them.

use super::prompt::{Asks, chat, check_tokens};
use crate::ask::{Answered, RewardPrompt};
use crate::refusal::Refusal;
use crate::reward::RewardModel;

/// The tokens of each prompt with its answer.
///
/// # Errors
/// A conversation that the template refuses, an answer to one of our questions that cannot be read, too many tokens.
pub fn prepare_rewards(answers: &[Answered], model: &RewardModel) -> Result<Vec<Vec<u32>>, Refusal> {
    answers.iter().map(|answered| tokens(answered, model)).collect()
}

fn tokens(answered: &Answered, model: &RewardModel) -> Result<Vec<u32>, Refusal> {
    let (renderer, [prompt_place, answer_place]) = (&model.renderer, &answered.places);
    let refused = |error: &dyn std::fmt::Display| Refusal::of_field(answer_place, error);
    let (prompt, answer) = match &answered.prompt {
        RewardPrompt::Text(text) => {
            let prompt = renderer.open_text(text).map_err(|error| Refusal::of_field(prompt_place, error))?;
            (prompt, renderer.open_answer(text, &answered.answer))
        }
        RewardPrompt::Chat(messages) => {
            let own = |refusal: Refusal| Refusal { param: Some(prompt_place.clone()), ..refusal };
            let prompt = chat(messages, None, renderer, false).map_err(own)?;
            let question = match &prompt.asks {
                Asks::Question(question) => Some(question),
                Asks::Words | Asks::Tools(_) | Asks::Ufo(_) => None,
            };
            (prompt.tokens, renderer.chat_answer(question, &answered.answer))
        }
    };
    check_tokens(&prompt, model.vocabulary, prompt_place)?;
    let tokens = [prompt, answer.map_err(|error| refused(&error))?].concat();
    check_tokens(&tokens, model.vocabulary, answer_place)?;
    if tokens.len() > model.context {
        let message = format!("prompt and answer have {} tokens, and at most {} fit", tokens.len(), model.context);
        return Err(Refusal::of_field(prompt_place, message).code("context_length_exceeded"));
    }
    Ok(tokens)
}
