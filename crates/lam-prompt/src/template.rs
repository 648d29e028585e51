//! The form in which a model is asked and answers. The tokenizer's own vocabulary decides which one it is.

use std::path::Path;

use crate::chat::mistral::Mistral;
use crate::compact::{Markers, no_template};
use crate::{PromptError, Tokenizer, plan_messages};

/// How a model is asked and how it answers.
#[derive(Clone)]
pub(crate) enum Template {
    /// Marker tokens.
    Compact(Markers),
    /// Mistral's chat template around JSON.
    Chat(Box<Mistral>),
}

impl Template {
    /// The template of a tokenizer that comes from `dir`. A chat template is tried out, so that rendering cannot fail
    /// later.
    ///
    /// # Errors
    /// A tokenizer of no known template, or a chat template that cannot render our messages.
    pub(crate) fn find(tokenizer: &Tokenizer, dir: &Path) -> Result<Self, PromptError> {
        match (Markers::find(tokenizer), Mistral::find(tokenizer)) {
            (Some(markers), _) => Ok(Template::Compact(markers)),
            (None, Some(chat)) => {
                let hint = "use the chat_template.jinja of a Mistral instruct model";
                let failed = |reason| PromptError::format(dir, reason, hint);
                chat.answer(tokenizer, "{}").map_err(failed)?;
                chat.prompt(tokenizer, &plan_messages("?")).map_err(failed)?;
                Ok(Template::Chat(Box::new(chat)))
            }
            (None, None) => Err(no_template(dir)),
        }
    }
}
