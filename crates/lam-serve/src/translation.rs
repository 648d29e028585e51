//! Questions of known forms: a model is asked each in its own form, and its answer is written in the form that was
//! asked for. Knows no HTTP.

use lam_prompt::{Question, Renderer, UfoAction};

/// A question whose answer is written in another form than the model's.
#[derive(Clone, Debug, PartialEq)]
pub enum Translation {
    /// One of ours: answered in App. C's JSON.
    Own(Question),
    /// UFO's AppAgent's: answered in the schema that its prompt asks for.
    Ufo(Box<UfoAction>),
}

impl Translation {
    /// The answer of these tokens in the form that was asked for; nothing for tokens that cannot be read and that this
    /// form has no words for.
    pub fn text(&self, renderer: &Renderer, tokens: &[u32]) -> Option<String> {
        match self {
            Translation::Own(question) => renderer.answer_json(question, tokens).ok(),
            Translation::Ufo(asked) => Some(renderer.ufo_answer(asked, tokens)),
        }
    }
}
