//! A model's chat template around our conversations: prompts, answers as they follow any prompt, and what stands
//! around an answer. The model's own template decides, so that training asks as servers do; Mistral's layout is built
//! in for tokenizers that know [INST] and bring none.
//!
//! The rendered text is tokenised at once with its special tokens recognised and none added. Contents that spell a
//! special token stay text. An assistant's may spell added tokens that are no special ones, such as the end of a
//! thought: a model writes those itself, and its template looks for them. A template that has no place for a system
//! message gets the system text at the head of the user message that follows; one that has none for tools, their calls
//! or results gets them in words.

use std::borrow::Cow;
use std::path::Path;
use std::sync::OnceLock;

use minijinja::Value;

use super::jinja::ChatTemplate;
use super::source::Source;
use super::{Message, Role, Tool, ToolCall, plan_messages, tools};
use crate::tokenizer::{CHAT_TEMPLATE, Cover, Reserved, SpecialNames};
use crate::{PromptError, Tokenizer};

/// Mistral's layout for tokenizers in which [INST] is a token, for directories without a template of their own.
const V3: &str = "{{- bos_token }}{%- for message in messages %}{%- if message['role'] == 'user' %}\
{{- '[INST] ' + message['content'] + '[/INST]' }}{%- elif message['role'] == 'assistant' %}\
{{- ' ' + message['content'] + eos_token }}{%- else %}{{- raise_exception('only user and assistant') }}{%- endif %}{%- endfor %}";

/// An answer of our form, with which a template is tried.
const PROBE: &str = "{\"thought\": \"a\", \"args\": {}}";
/// Bytes of a system text by which it is known again.
const SYSTEM_WORDS: usize = 20;

/// A chat template over one tokenizer.
#[derive(Clone)]
pub(crate) struct Chat {
    template: ChatTemplate,
    /// Where the template comes from.
    name: String,
    /// Whether the system text goes into the first user message.
    merges_system: bool,
    /// Texts that a message may hold without becoming the token.
    reserved: Reserved,
    /// A prompt as text, and what its answer begins and ends with.
    before: String,
    lead: String,
    tail: String,
    /// The token that ends an answer.
    end: u32,
    /// What it does with tools, once that was asked for.
    tools: OnceLock<OfTools>,
}

/// What a template has places for.
#[derive(Clone, Copy, Debug, Default)]
struct OfTools {
    /// The tools that may be called.
    offers: bool,
    /// Calls in a history and their results.
    tells: bool,
    /// Whether the ids of calls must be short.
    short_ids: bool,
}

impl Chat {
    /// Mistral's layout, for a tokenizer that knows [INST].
    pub(crate) fn built_in(tokenizer: &Tokenizer) -> Option<Source> {
        let (text, file) = (V3.to_owned(), CHAT_TEMPLATE.to_owned());
        tokenizer.token_id("[INST]").map(|_| Source { text, file, name: "built-in Mistral layout".into() })
    }

    /// The chat template of a tokenizer from `dir`, tried out.
    ///
    /// # Errors
    /// A template that cannot render our messages, or after which answers cannot be told from what was asked.
    pub(crate) fn new(source: Source, tokenizer: &Tokenizer, dir: &Path) -> Result<Self, PromptError> {
        let special = values(tokenizer.names());
        let template = ChatTemplate::new(&source.text, &dir.join(&source.file), special)?;
        let reserved = tokenizer.reserved(|text| template.spells(text));
        let mut chat = Self {
            template,
            name: source.name,
            merges_system: false,
            reserved,
            before: String::new(),
            lead: String::new(),
            tail: String::new(),
            end: tokenizer.eos(),
            tools: OnceLock::new(),
        };
        chat.learn_surroundings().or_else(|_| {
            chat.merges_system = true;
            chat.learn_surroundings()
        })?;
        chat.learn_end(tokenizer);
        chat.check_words(tokenizer)?;
        Ok(chat)
    }

    /// Where the template comes from.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// SHA-256 of the template, hex.
    pub(crate) fn hash(&self) -> &str {
        self.template.hash()
    }

    /// What people should know of its use.
    pub(crate) fn notes(&self) -> impl Iterator<Item = &'static str> {
        let merged = "the chat template has no place for a system message: it stands at the head of the next request";
        let dated = "the chat template writes the date: with SOURCE_DATE_EPOCH set, runs of other days write the same";
        let notes = [(self.merges_system, merged), (self.template.spells("strftime_now"), dated)];
        notes.into_iter().filter(|(holds, _)| *holds).map(|(_, note)| note)
    }

    /// The token that ends an answer.
    pub(crate) fn end(&self) -> u32 {
        self.end
    }

    /// What the template writes before an answer's text, such as a space.
    pub(crate) fn lead(&self) -> &str {
        &self.lead
    }

    /// A conversation that waits for an answer, as text. Contents that spell a special token are told from it no more.
    ///
    /// # Errors
    /// When the template refuses the messages.
    pub(crate) fn text(&self, messages: &[Message]) -> Result<String, PromptError> {
        self.render(messages, &[], true)
    }

    /// The ids of a conversation that waits for an answer, in which `tools` may be called.
    ///
    /// # Errors
    /// When the template refuses the messages, or the tokenizer the text; more than `most` tokens, as far as that shows
    /// before it is split.
    pub(crate) fn prompt(
        &self,
        tokenizer: &Tokenizer,
        (messages, tools): (&[Message], &[Tool]),
        most: usize,
    ) -> Result<Vec<u32>, PromptError> {
        let (messages, tools) = self.in_words(messages, tools);
        let texts = messages.iter().flat_map(tools::texts_of_message);
        let texts: Vec<&str> = texts.chain(tools.iter().flat_map(tools::texts_of_tool)).collect();
        let cover = Cover::over(&self.reserved, texts.iter().copied());
        let change = |text: &str| cover.cover(text);
        let covered = |message: &Message| {
            let mut covered = tools::changed_message(message, &change);
            if message.role == Role::Assistant {
                covered.content = cover.cover_answer(&message.content);
            }
            covered
        };
        let covered: Vec<Message> = messages.iter().map(covered).collect();
        let tools: Vec<Tool> = tools.iter().map(|tool| tools::changed_tool(tool, &change)).collect();
        let text = self.render(&covered, &tools, true)?;
        if most < usize::MAX {
            tokenizer.check_fits(0, [cover.uncover(&text).as_str()], most)?;
        }
        tokenizer.encode_rendered(&text, &cover)
    }

    /// The conversation as the template takes it, and the tools that it offers itself.
    fn in_words<'m>(&self, messages: &'m [Message], tools: &'m [Tool]) -> (Cow<'m, [Message]>, &'m [Tool]) {
        let mut messages = Cow::Borrowed(messages);
        let has_calls = messages.iter().any(Message::is_of_tools);
        if tools.is_empty() && !has_calls {
            return (messages, tools);
        }
        let known = *self.tools.get_or_init(|| self.learn_tools());
        if has_calls && !known.tells {
            messages = Cow::Owned(tools::told_in_words(&messages));
        } else if has_calls && known.short_ids {
            messages = Cow::Owned(tools::with_short_ids(&messages));
        }
        if tools.is_empty() || known.offers {
            return (messages, tools);
        }
        (Cow::Owned(tools::offered_in_words(&messages, tools)), &[])
    }

    /// Tries the template with a tool, and with a call of it and the result: it has a place for what it writes.
    fn learn_tools(&self) -> OfTools {
        let (name, value, result) = ("probed_function", "probed-value", "probed-result");
        let properties = serde_json::json!({"probed": {"type": "string", "description": "What is tried."}});
        let schema = serde_json::json!({"type": "object", "properties": properties, "required": ["probed"]});
        let probe = [Tool::new(name, Some("A function to try.".into()), schema)];
        let writes = |messages: &[Message], tools: &[Tool], words: &[&str]| {
            let text = self.render(messages, tools, true);
            text.is_ok_and(|text| words.iter().all(|word| text.contains(word)))
        };
        let offers = writes(&plan_messages("?"), &probe, &[name]);
        let offered = if offers { &probe[..] } else { &[] };
        let tells = |id: &str| {
            let arguments = serde_json::Map::from_iter([("probed".to_owned(), value.into())]);
            let call = Message {
                tool_calls: vec![ToolCall::new(id, name, arguments)],
                ..Message::new(Role::Assistant, String::new())
            };
            let told = Message {
                tool_call_id: Some(id.to_owned()),
                name: Some(name.to_owned()),
                ..Message::new(Role::Tool, result)
            };
            let asked = Message::new(Role::User, "?");
            writes(&[asked, call, told], offered, &[name, value, result])
        };
        let short_ids = !tells("call_0123456789abcdef") && tells("probed001");
        OfTools { offers, tells: short_ids || tells("call_0123456789abcdef"), short_ids }
    }

    /// The ids of an answer with its end, as they follow any prompt.
    ///
    /// # Errors
    /// When the tokenizer refuses the text.
    pub(crate) fn answer(&self, tokenizer: &Tokenizer, text: &str) -> Result<Vec<u32>, PromptError> {
        let cover = Cover::over(&self.reserved, std::iter::once(text));
        let answer = format!("{}{}{}", self.lead, cover.cover_answer(text), self.tail);
        let mut ids = tokenizer.encode_after(&self.before, &answer, &cover)?;
        ids.push(self.end);
        Ok(ids)
    }

    /// What an answer's tokens spell before and after its text, such as a space.
    pub(crate) fn surroundings(&self, tokenizer: &Tokenizer) -> (String, String) {
        let ids = self.answer(tokenizer, PROBE).unwrap_or_default();
        let text = tokenizer.decode(ids.strip_suffix(&[self.end]).unwrap_or(&ids));
        text.split_once(PROBE).map(|(lead, tail)| (lead.to_owned(), tail.to_owned())).unwrap_or_default()
    }

    /// The text of a decoded answer without what the template writes around it.
    pub(crate) fn without_surroundings<'t>(&self, text: &'t str) -> &'t str {
        let text = text.trim_start().strip_prefix(self.lead.trim()).unwrap_or(text);
        text.trim_end().strip_suffix(self.tail.trim()).unwrap_or(text)
    }

    fn render(&self, messages: &[Message], tools: &[Tool], add_generation_prompt: bool) -> Result<String, PromptError> {
        match self.merges_system {
            true => self.template.render(&merged(messages), tools, add_generation_prompt),
            false => self.template.render(messages, tools, add_generation_prompt),
        }
    }

    /// Learns what stands around an answer, from conversations that differ in nothing else. A template that moves a
    /// system text once there is an answer is asked with it in the request.
    fn learn_surroundings(&mut self) -> Result<(), PromptError> {
        let question = plan_messages("?");
        let answered = |text: &str| {
            let answer = std::iter::once(Message::new(Role::Assistant, text));
            self.render(&question.clone().into_iter().chain(answer).collect::<Vec<_>>(), &[], false)
        };
        let (asked, waiting) = (self.render(&question, &[], false)?, self.render(&question, &[], true)?);
        // The first words have nothing that a template would escape.
        if !waiting.contains(&question[0].content[..SYSTEM_WORDS]) {
            return Err(self.template.refused_because("leaves out what is asked"));
        }
        let (zero, one, whole) = (answered("0")?, answered("1")?, answered(PROBE)?);
        let place = zero.bytes().zip(one.bytes()).position(|(zero, one)| zero != one);
        let around = place.map(|place| (&zero[..place], &zero[place + 1..]));
        let Some((head, tail)) = around.filter(|(head, tail)| format!("{head}{PROBE}{tail}") == whole) else {
            return Err(self
                .template
                .refused_because(&format!("does not write an answer as it is: {}", shown(&whole))));
        };
        // A prompt may end in what no history keeps, such as the opening of a thought.
        let lead = match head.strip_prefix(waiting.as_str()) {
            Some(lead) => lead,
            None if head.starts_with(&asked) && waiting.starts_with(head) => "",
            None => {
                let place = head.bytes().zip(waiting.bytes()).take_while(|(head, waiting)| head == waiting).count();
                let [head, waiting] = [head, waiting.as_str()].map(|text| shown(text.get(place..).unwrap_or(text)));
                let reason = format!("writes a question differently once it is answered: {waiting} becomes {head}");
                return Err(self.template.refused_because(&reason));
            }
        };
        (self.lead, self.tail) = (lead.to_owned(), tail.to_owned());
        self.before = waiting;
        Ok(())
    }

    /// Finds the token that ends an answer: the first special one behind its text, or else the end of sequence.
    fn learn_end(&mut self, tokenizer: &Tokenizer) {
        match tokenizer.first_special(&self.tail) {
            Some((place, id)) => {
                self.end = id;
                self.tail.truncate(place);
            }
            None => self.tail.truncate(self.tail.trim_end().len()),
        }
    }

    /// Refuses a tokenizer that does not give an answer back.
    fn check_words(&self, tokenizer: &Tokenizer) -> Result<(), PromptError> {
        let spelled = tokenizer.decode(&self.answer(tokenizer, PROBE)?);
        if spelled.contains(PROBE) {
            return Ok(());
        }
        Err(self.template.refused_because(&format!("and the tokenizer give {PROBE} back as {}", shown(&spelled))))
    }
}

/// The special tokens' values, by the names that templates use.
fn values(names: &SpecialNames) -> Value {
    Value::from_iter(names.values().map(|(name, value)| (name.to_owned(), Value::from_serialize(value))))
}

/// The messages with each system text at the head of the next user message, so that nobody else is made to say it;
/// where no user speaks any more, the user says it.
fn merged(messages: &[Message]) -> Vec<Message> {
    let (mut merged, mut system) = (Vec::new(), Vec::new());
    for message in messages {
        match message.role {
            Role::System => system.push(message.content.as_str()),
            Role::User => {
                system.push(&message.content);
                merged.push(Message::new(Role::User, system.join("\n\n")));
                system.clear();
            }
            Role::Assistant | Role::Tool => merged.push(message.clone()),
        }
    }
    if !system.is_empty() {
        merged.push(Message::new(Role::User, system.join("\n\n")));
    }
    merged
}

/// The end of a text, for errors.
fn shown(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    format!("`{}`", characters[characters.len().saturating_sub(60)..].iter().collect::<String>())
}
