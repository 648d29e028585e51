//! The one renderer: states, actions, plans and texts as tokens, and answers back.

use std::path::Path;
use std::sync::Arc;

use lam_types::{Action, FunctionSpec, Observation, State};

use crate::answer::{action_json, plan_json};
use crate::chat::mistral::Mistral;
use crate::compact::{Compact, Markers};
use crate::constraint::{AnswerLimits, Grammar, TokenConstraint};
use crate::template::Template;
use crate::{
    ParseError, Piece, PromptError, Tokenizer, messages, parse_action_text, parse_action_text_tolerant,
    parse_plan_text, plan_messages,
};

/// Words to tokens and back, in the form that one model was trained in.
#[derive(Clone)]
pub struct Renderer {
    tokenizer: Arc<Tokenizer>,
    template: Template,
    limits: AnswerLimits,
    grammar: Arc<Grammar>,
}

impl Renderer {
    /// Reads the tokenizer of a model directory and chooses the template by it.
    ///
    /// # Errors
    /// A tokenizer that cannot be read, or one of no known template.
    pub fn load(dir: &Path) -> Result<Self, PromptError> {
        Self::with_tokenizer(Tokenizer::load(dir)?, dir)
    }

    /// The renderer for a tokenizer just made.
    ///
    /// # Errors
    /// A tokenizer of no known template.
    pub fn new(tokenizer: Tokenizer) -> Result<Self, PromptError> {
        Self::with_tokenizer(tokenizer, Path::new("tokenizer"))
    }

    fn with_tokenizer(tokenizer: Tokenizer, dir: &Path) -> Result<Self, PromptError> {
        let template = Template::find(&tokenizer, dir)?;
        let tokenizer = Arc::new(tokenizer);
        let grammar = Arc::new(Grammar::new(&tokenizer, &template)?);
        Ok(Self { tokenizer, template, limits: AnswerLimits::default(), grammar })
    }

    /// The same renderer with other limits on constrained answers.
    #[must_use]
    pub fn with_limits(mut self, limits: AnswerLimits) -> Self {
        self.limits = limits;
        self
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// Whether this is the compact template of small models.
    pub fn is_compact(&self) -> bool {
        matches!(self.template, Template::Compact(_))
    }

    /// The prompt that asks for the next action: exactly one begin of sequence.
    pub fn action_prompt(&self, state: &State, functions: &[FunctionSpec]) -> Vec<u32> {
        match &self.template {
            Template::Compact(markers) => self.compact(*markers).action_prompt(state),
            Template::Chat(chat) => self.chat_prompt(chat, &messages(state, functions)),
        }
    }

    /// The answer to that prompt, end of sequence included.
    pub fn action_answer(&self, action: &Action) -> Vec<u32> {
        match &self.template {
            Template::Compact(markers) => self.compact(*markers).action_answer(action),
            Template::Chat(chat) => self.chat_answer(chat, &action_json(action)),
        }
    }

    /// The prompt that asks for a plan.
    pub fn plan_prompt(&self, task: &str) -> Vec<u32> {
        match &self.template {
            Template::Compact(markers) => self.compact(*markers).plan_prompt(task),
            Template::Chat(chat) => self.chat_prompt(chat, &plan_messages(task)),
        }
    }

    /// The plan as the answer to that prompt.
    pub fn plan_answer(&self, plan: &[String]) -> Vec<u32> {
        match &self.template {
            Template::Compact(markers) => self.compact(*markers).plan_answer(plan),
            Template::Chat(chat) => self.chat_answer(chat, &plan_json(plan)),
        }
    }

    /// Running text between begin and end of sequence.
    pub fn text(&self, text: &str) -> Vec<u32> {
        let mut ids = vec![self.tokenizer.bos()];
        match &self.template {
            Template::Compact(markers) => ids.extend(self.compact(*markers).segment(text)),
            Template::Chat(_) => ids.extend(self.tokenizer.encode(text)),
        }
        ids.push(self.tokenizer.eos());
        ids
    }

    /// Reads an answer strictly: whatever the renderer would not write is an error.
    ///
    /// # Errors
    /// What is wrong, with the field and the value.
    pub fn parse_action(&self, ids: &[u32]) -> Result<Action, ParseError> {
        match &self.template {
            Template::Compact(markers) => self.compact(*markers).parse_action(ids),
            Template::Chat(_) => parse_action_text(&self.answer_text(ids)),
        }
    }

    /// Reads an answer tolerantly.
    ///
    /// # Errors
    /// When not even a part of the answer can be read as an action.
    pub fn parse_action_tolerant(&self, ids: &[u32]) -> Result<Action, ParseError> {
        match &self.template {
            Template::Compact(markers) => self.compact(*markers).parse_action_tolerant(ids),
            Template::Chat(_) => parse_action_text_tolerant(&self.answer_text(ids)),
        }
    }

    /// Reads a plan.
    ///
    /// # Errors
    /// No plan in the answer.
    pub fn parse_plan(&self, ids: &[u32]) -> Result<Vec<String>, ParseError> {
        match &self.template {
            Template::Compact(markers) => self.compact(*markers).parse_plan(ids),
            Template::Chat(_) => parse_plan_text(&self.answer_text(ids)),
        }
    }

    /// Keeps an answer executable on this screen with these functions.
    pub fn action_constraint(&self, observation: &Observation, functions: &[FunctionSpec]) -> Box<dyn TokenConstraint> {
        self.grammar.constraint(&self.tokenizer, observation, functions, self.limits)
    }

    /// Tokens as people see them, with those marked that the loss counts. Tokens that are only parts of a character
    /// are drawn together.
    pub fn preview(&self, ids: &[u32], loss_mask: &[bool]) -> Vec<Piece> {
        let mut pieces: Vec<Piece> = Vec::new();
        let mut open: Vec<u32> = Vec::new();
        for (position, id) in ids.iter().enumerate() {
            open.push(*id);
            let bytes: Vec<u8> = open.iter().flat_map(|id| self.tokenizer.token_bytes(*id)).copied().collect();
            let is_cut = std::str::from_utf8(&bytes).is_err_and(|error| error.error_len().is_none());
            if is_cut && position + 1 < ids.len() {
                continue;
            }
            pieces.push(Piece {
                text: String::from_utf8_lossy(&bytes).into_owned(),
                tokens: open.len(),
                trained: loss_mask.get(position).copied().unwrap_or(false),
                special: self.tokenizer.is_special(*id),
            });
            open.clear();
        }
        pieces
    }

    fn compact(&self, markers: Markers) -> Compact<'_> {
        Compact { tokenizer: &self.tokenizer, markers }
    }

    fn chat_prompt(&self, chat: &Mistral, messages: &[crate::Message]) -> Vec<u32> {
        chat.prompt(&self.tokenizer, messages).expect("the template was tried when the renderer was made")
    }

    fn chat_answer(&self, chat: &Mistral, text: &str) -> Vec<u32> {
        chat.answer(&self.tokenizer, text).expect("the template was tried when the renderer was made")
    }

    /// The text of an answer without its end of sequence.
    fn answer_text(&self, ids: &[u32]) -> String {
        let end = ids.iter().position(|id| *id == self.tokenizer.eos()).unwrap_or(ids.len());
        self.tokenizer.decode(&ids[..end])
    }
}
