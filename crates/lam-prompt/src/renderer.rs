//! The one renderer: states, actions, plans and texts as tokens, and answers back.

mod answered;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use lam_types::{Action, FunctionSpec, Observation, State};
use serde_json::{Map, Value};

use crate::answer::{action_json, plan_json};
use crate::callable::Callable;
use crate::chat::call_forms::MARKS;
use crate::chat::form::Chat;
use crate::compact::{Compact, Markers};
use crate::constraint::{AnswerLimits, Grammar, TokenConstraint};
use crate::template::Template;
use crate::tokenizer::{Cover, model_config, read_object};
use crate::{
    Message, ParseError, Piece, PromptError, Question, Role, Tokenizer, Tool, ToolQuestion, UfoAction, messages,
    parse_action_text, parse_action_text_tolerant, parse_plan_text, plan_messages,
};

/// Words to tokens and back, in the form that one model was trained in.
#[derive(Clone)]
pub struct Renderer {
    tokenizer: Arc<Tokenizer>,
    template: Template,
    limits: AnswerLimits,
    /// Tokens of a prompt above which it is not made, as far as that shows.
    longest: usize,
    grammar: Arc<Grammar>,
    stop_tokens: Vec<u32>,
}

impl Renderer {
    /// Reads the tokenizer of a model directory, its chat template and the tokens with which its configuration ends a
    /// text.
    ///
    /// # Errors
    /// Files that cannot be read, or a template that cannot be used.
    pub fn load(dir: &Path) -> Result<Self, PromptError> {
        Ok(Self::with_tokenizer(Tokenizer::load(dir)?, dir)?.with_stop_tokens(read_stop_tokens(dir)?))
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
        let stop_tokens = vec![template.end(&tokenizer), tokenizer.eos()];
        let (limits, longest) = (AnswerLimits::default(), usize::MAX);
        let renderer = Self { tokenizer, template, limits, longest, grammar, stop_tokens };
        Ok(renderer.with_stop_tokens([]))
    }

    /// The same renderer with further tokens that end an answer.
    fn with_stop_tokens(mut self, more: impl IntoIterator<Item = u32>) -> Self {
        self.stop_tokens.extend(more);
        let mut seen = BTreeSet::new();
        self.stop_tokens.retain(|id| seen.insert(*id));
        self
    }

    /// The same renderer with other limits on constrained answers.
    #[must_use]
    pub fn with_limits(mut self, limits: AnswerLimits) -> Self {
        self.limits = limits;
        self
    }

    /// The same renderer for prompts of at most so many tokens. One that certainly has more is refused before its words
    /// are split, which of a long text takes seconds; of others, nobody knows before that.
    #[must_use]
    pub fn with_longest_prompt(mut self, tokens: usize) -> Self {
        self.longest = tokens;
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

    /// Where the template comes from, for people.
    pub fn template_name(&self) -> &str {
        match &self.template {
            Template::Compact(_) => "compact",
            Template::Chat(chat) => chat.name(),
        }
    }

    /// SHA-256 of the chat template, hex; none of the compact one.
    pub fn template_hash(&self) -> Option<&str> {
        match &self.template {
            Template::Compact(_) => None,
            Template::Chat(chat) => Some(chat.hash()),
        }
    }

    /// What of the model's files is used otherwise than they say, for people.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = self.tokenizer.notes().to_vec();
        if let Template::Chat(chat) = &self.template {
            notes.extend(chat.notes().map(str::to_owned));
        }
        notes
    }

    /// The tokens that end an answer; the first is the one that answers are written with.
    pub fn stop_tokens(&self) -> &[u32] {
        &self.stop_tokens
    }

    /// The prompt that asks for the next action: exactly one begin of sequence.
    ///
    /// # Errors
    /// A chat template that refuses the messages, or more tokens than [`Renderer::with_longest_prompt`] allows.
    pub fn action_prompt(&self, state: &State, functions: &[FunctionSpec]) -> Result<Vec<u32>, PromptError> {
        match &self.template {
            Template::Compact(markers) => self.compact(*markers).action_prompt(state, self.longest),
            Template::Chat(chat) => chat.prompt(&self.tokenizer, (&messages(state, functions), &[]), self.longest),
        }
    }

    /// The answer to that prompt, its end included.
    ///
    /// # Errors
    /// A text that cannot become tokens.
    pub fn action_answer(&self, action: &Action) -> Result<Vec<u32>, PromptError> {
        match &self.template {
            Template::Compact(markers) => Ok(self.compact(*markers).action_answer(action)),
            Template::Chat(chat) => chat.answer(&self.tokenizer, &action_json(action)),
        }
    }

    /// The prompt that asks for a plan.
    ///
    /// # Errors
    /// As for [`Renderer::action_prompt`].
    pub fn plan_prompt(&self, task: &str) -> Result<Vec<u32>, PromptError> {
        match &self.template {
            Template::Compact(markers) => self.compact(*markers).plan_prompt(task, self.longest),
            Template::Chat(chat) => chat.prompt(&self.tokenizer, (&plan_messages(task), &[]), self.longest),
        }
    }

    /// The plan as the answer to that prompt.
    ///
    /// # Errors
    /// As for [`Renderer::action_answer`].
    pub fn plan_answer(&self, plan: &[String]) -> Result<Vec<u32>, PromptError> {
        match &self.template {
            Template::Compact(markers) => Ok(self.compact(*markers).plan_answer(plan)),
            Template::Chat(chat) => chat.answer(&self.tokenizer, &plan_json(plan)),
        }
    }

    /// The prompt of a conversation that waits for an answer. In the compact template, contents are its own markup, one
    /// after the other.
    ///
    /// # Errors
    /// As for [`Renderer::action_prompt`].
    pub fn chat_prompt(&self, conversation: &[Message]) -> Result<Vec<u32>, PromptError> {
        self.chat_prompt_with_tools(conversation, &[])
    }

    /// The same where tools may be called. A chat template without a place for them, for calls or for results gets
    /// these in words; the compact template has none.
    ///
    /// # Errors
    /// As for [`Renderer::action_prompt`], or tools, calls or results for the compact template.
    pub fn chat_prompt_with_tools(&self, conversation: &[Message], tools: &[Tool]) -> Result<Vec<u32>, PromptError> {
        match &self.template {
            Template::Chat(chat) => chat.prompt(&self.tokenizer, (conversation, tools), self.longest),
            Template::Compact(_) if !tools.is_empty() || conversation.iter().any(Message::is_of_tools) => {
                let reason = "the compact template has no words for tools";
                Err(PromptError::output("conversation", &reason, "ask with App. C's slots, in which calls have a form"))
            }
            Template::Compact(_) => self.open_text(&self.markup(conversation)),
        }
    }

    /// The same prompt as text, its special tokens written out, for programs that tokenise it themselves.
    ///
    /// # Errors
    /// As for [`Renderer::action_prompt`].
    pub fn chat_text(&self, conversation: &[Message]) -> Result<String, PromptError> {
        match &self.template {
            Template::Chat(chat) => chat.text(conversation),
            Template::Compact(_) => {
                let begin = self.tokenizer.bos().map(|bos| self.tokenizer.decode(&[bos])).unwrap_or_default();
                Ok(begin + &self.markup(conversation))
            }
        }
    }

    /// The contents of messages in the compact template's markup, an end behind each answer.
    fn markup(&self, conversation: &[Message]) -> String {
        let end = self.tokenizer.decode(&[self.tokenizer.eos()]);
        let said = |message: &Message| match message.role {
            Role::Assistant => format!("{}{end}", message.content),
            Role::System | Role::User | Role::Tool => message.content.clone(),
        };
        conversation.iter().map(said).collect()
    }

    /// The prompt of a text that is to be continued: its special tokens are tokens, after one begin of sequence.
    ///
    /// # Errors
    /// A text that the tokenizer cannot split, or more tokens than [`Renderer::with_longest_prompt`] allows.
    pub fn open_text(&self, text: &str) -> Result<Vec<u32>, PromptError> {
        self.tokenizer.check_fits(0, [text], self.longest)?;
        let ids = self.tokenizer.encode_rendered(text, &Cover::none())?;
        let begin = self.tokenizer.bos().filter(|bos| ids.first() != Some(bos));
        Ok(begin.into_iter().chain(ids).collect())
    }

    /// Whether special tokens stand in a text, but for a begin of sequence at its head.
    pub fn has_markup(&self, text: &str) -> bool {
        self.tokenizer.has_special(text)
    }

    /// What an answer's tokens may spell before its text, such as a space.
    pub fn answer_lead(&self) -> &str {
        match &self.template {
            Template::Compact(_) => "",
            Template::Chat(chat) => chat.lead(),
        }
    }

    /// The tokens by which some models mark calls of tools: they belong to an answer's text although they may be special.
    pub fn call_marks(&self) -> Vec<u32> {
        MARKS.iter().filter_map(|mark| self.tokenizer.token_id(mark)).collect()
    }

    /// An answer to one of our questions as the JSON that App. C asks for, in whatever form the model gives it.
    ///
    /// # Errors
    /// An answer that cannot be read.
    pub fn answer_json(&self, question: &Question, ids: &[u32]) -> Result<String, ParseError> {
        match question {
            Question::Action { .. } => Ok(action_json(&self.parse_action(ids)?)),
            Question::Plan { .. } => Ok(plan_json(&self.parse_plan(ids)?)),
        }
    }

    /// An answer to UFO's AppAgent as the JSON that it reads, in whatever form the model gives it. An answer that cannot
    /// be read, or of which only a part came, is told as a failure.
    pub fn ufo_answer(&self, question: &UfoAction, ids: &[u32]) -> String {
        // Of an answer that is broken off, the tolerant reading may leave nothing but an end.
        let tolerant = || self.parse_action_tolerant(ids).ok().filter(|action| !action.function.is_empty());
        match self.parse_action(ids).or_else(|error| tolerant().ok_or(error)) {
            Ok(action) => question.answer(&action),
            Err(error) => question.failure(&error.to_string()),
        }
    }

    /// Running text between begin and end of sequence.
    pub fn text(&self, text: &str) -> Vec<u32> {
        let mut ids = Vec::from_iter(self.tokenizer.bos());
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
            Template::Compact(markers) => self.compact(*markers).parse_action(self.ended(ids)),
            Template::Chat(chat) => parse_action_text(&self.answer_text(ids, chat)),
        }
    }

    /// Reads an answer tolerantly.
    ///
    /// # Errors
    /// When not even a part of the answer can be read as an action.
    pub fn parse_action_tolerant(&self, ids: &[u32]) -> Result<Action, ParseError> {
        match &self.template {
            Template::Compact(markers) => self.compact(*markers).parse_action_tolerant(self.ended(ids)),
            Template::Chat(chat) => parse_action_text_tolerant(&self.answer_text(ids, chat)),
        }
    }

    /// Reads a plan.
    ///
    /// # Errors
    /// No plan in the answer.
    pub fn parse_plan(&self, ids: &[u32]) -> Result<Vec<String>, ParseError> {
        match &self.template {
            Template::Compact(markers) => self.compact(*markers).parse_plan(self.ended(ids)),
            Template::Chat(chat) => parse_plan_text(&self.answer_text(ids, chat)),
        }
    }

    /// Keeps an answer executable on this screen with these functions.
    pub fn action_constraint(&self, observation: &Observation, functions: &[FunctionSpec]) -> Box<dyn TokenConstraint> {
        self.constraint(observation, Callable { functions, labels: None, must_call: false })
    }

    /// The same for an answer that must call one of the functions, of which at least one is callable on the screen
    /// ([`FunctionSpec::is_callable`]).
    pub fn call_constraint(&self, observation: &Observation, functions: &[FunctionSpec]) -> Box<dyn TokenConstraint> {
        self.constraint(observation, Callable { functions, labels: None, must_call: true })
    }

    /// Keeps an answer to a question with tools to what they may be called with; one that must call calls one of them,
    /// of which at least one can be ([`ToolQuestion::can_call`]).
    pub fn question_constraint(&self, question: &ToolQuestion, must_call: bool) -> Box<dyn TokenConstraint> {
        self.constraint(&question.state.observation, question.callable(must_call))
    }

    fn constraint(&self, observation: &Observation, callable: Callable<'_>) -> Box<dyn TokenConstraint> {
        self.grammar.constraint(&self.tokenizer, observation, callable, self.limits)
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

    /// The text of an answer without its end and what the template writes around it.
    fn answer_text(&self, ids: &[u32], chat: &Chat) -> String {
        let end = ids.iter().position(|id| self.stop_tokens.contains(id)).unwrap_or(ids.len());
        let text = self.tokenizer.decode(&ids[..end]);
        chat.without_surroundings(&text).to_owned()
    }

    /// An answer of the compact template that another stop token may have ended.
    fn ended<'i>(&self, ids: &'i [u32]) -> &'i [u32] {
        match ids.split_last() {
            Some((last, rest)) if self.stop_tokens[1..].contains(last) => rest,
            _ => ids,
        }
    }
}

/// The `eos_token_id` of a model's configuration and of its generation configuration: one or several.
fn read_stop_tokens(dir: &Path) -> Result<Vec<u32>, PromptError> {
    if let Some(config) = model_config(dir)? {
        return stop_tokens_of(&config, dir);
    }
    let mut ids = Vec::new();
    for file in ["config.json", "generation_config.json"] {
        let path = dir.join(file);
        ids.extend(stop_tokens_of(&read_object(&path)?.unwrap_or_default(), &path)?);
    }
    Ok(ids)
}

/// The `eos_token_id` of a configuration, which lies in `path`.
fn stop_tokens_of(config: &Map<String, Value>, path: &Path) -> Result<Vec<u32>, PromptError> {
    let found = config.get("eos_token_id").cloned().unwrap_or_default();
    let mut several = if found.is_null() || found.is_array() { found } else { Value::Array(vec![found]) };
    // Some configurations say -1 where there is no such token.
    if let Some(several) = several.as_array_mut() {
        several.retain(|id| id.as_i64().is_none_or(|id| id >= 0));
    }
    let several = serde_json::from_value::<Option<Vec<u32>>>(several).map_err(|error| {
        PromptError::format(path, format!("`eos_token_id`: {error}"), "it must be an id or a list of ids")
    })?;
    Ok(several.unwrap_or_default())
}
