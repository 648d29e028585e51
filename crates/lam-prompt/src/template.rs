//! The form in which a model is asked and answers: its own chat template, or the compact one that tokenizers made here
//! are made for.

use std::path::Path;

use crate::chat::form::Chat;
use crate::chat::source;
use crate::compact::{Markers, no_template};
use crate::tokenizer::COMPACT_TEMPLATE;
use crate::{PromptError, Tokenizer};

/// How a model is asked and how it answers.
#[derive(Clone)]
pub(crate) enum Template {
    /// Marker tokens.
    Compact(Markers),
    /// A chat template around JSON.
    Chat(Box<Chat>),
}

impl Template {
    /// The template of a tokenizer that comes from `dir`. A chat template is tried out first.
    ///
    /// # Errors
    /// A tokenizer of no known template, or a chat template that cannot render our messages.
    pub(crate) fn find(tokenizer: &Tokenizer, dir: &Path) -> Result<Self, PromptError> {
        let own = source::find(tokenizer, dir)?;
        let is_compact = own.as_ref().is_none_or(|own| own.text == COMPACT_TEMPLATE);
        if let Some(markers) = Markers::find(tokenizer).filter(|_| is_compact) {
            return Ok(Template::Compact(markers));
        }
        let source = own.or_else(|| Chat::built_in(tokenizer)).ok_or_else(|| no_template(dir))?;
        let chat = Chat::new(source, tokenizer, dir)?;
        Ok(Template::Chat(Box::new(chat)))
    }

    /// The token that ends an answer.
    pub(crate) fn end(&self, tokenizer: &Tokenizer) -> u32 {
        match self {
            Template::Compact(_) => tokenizer.eos(),
            Template::Chat(chat) => chat.end(),
        }
    }
}
