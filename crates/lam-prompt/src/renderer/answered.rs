//! Answers as tokens behind their prompts, as reward models read them.

use super::Renderer;
use crate::template::Template;
use crate::tokenizer::Cover;
use crate::{ParseError, PromptError, Question, parse_action_text, parse_plan_text};

impl Renderer {
    /// The tokens of an answer's text as they follow the prompt of a conversation, their end included. In the compact
    /// template, an answer to one of our questions is App. C's JSON and becomes the template's own form; any other is
    /// its own markup.
    ///
    /// # Errors
    /// An answer to one of our questions that cannot be read, or a text that cannot become tokens.
    pub fn chat_answer(&self, question: Option<&Question>, text: &str) -> Result<Vec<u32>, PromptError> {
        let unread = |error: ParseError| {
            PromptError::output("answer", &error, "write it as App. C asks: JSON with its seven keys, or with a plan")
        };
        match (&self.template, question) {
            (Template::Chat(chat), _) => {
                self.tokenizer.check_fits(0, [text], self.longest)?;
                chat.answer(&self.tokenizer, text)
            }
            (Template::Compact(_), Some(Question::Action { .. })) => {
                self.action_answer(&parse_action_text(text).map_err(unread)?)
            }
            (Template::Compact(_), Some(Question::Plan { .. })) => {
                self.plan_answer(&parse_plan_text(text).map_err(unread)?)
            }
            (Template::Compact(_), None) => self.open_answer("", text),
        }
    }

    /// The tokens that continue a text ([`Renderer::open_text`]), and the end of an answer behind them.
    ///
    /// # Errors
    /// A text that the tokenizer cannot split.
    pub fn open_answer(&self, before: &str, text: &str) -> Result<Vec<u32>, PromptError> {
        self.tokenizer.check_fits(0, [before, text], self.longest)?;
        let mut ids = self.tokenizer.encode_after(before, text, &Cover::none())?;
        let end = self.stop_tokens.first().copied().unwrap_or_else(|| self.tokenizer.eos());
        if ids.last().is_none_or(|last| !self.stop_tokens.contains(last)) {
            ids.push(end);
        }
        Ok(ids)
    }
}
