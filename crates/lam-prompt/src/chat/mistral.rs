//! Mistral's chat template: the model's own where its directory has one, so that training asks as servers do.
//!
//! The rendered text is tokenised at once with its special tokens recognised and none added: exactly one begin of
//! sequence. Contents that spell a special token are broken up first. A template that refuses a system message gets
//! the system text at the head of the first user message.

use minijinja::{Environment, Error, ErrorKind, context};

use super::{Message, Role};
use crate::Tokenizer;

/// Mistral's layout for tokenizers in which [INST] is a token, for directories without a template of their own.
const V3: &str = "{{- bos_token }}{%- for message in messages %}{%- if message['role'] == 'user' %}\
{{- '[INST] ' + message['content'] + '[/INST]' }}{%- elif message['role'] == 'assistant' %}\
{{- ' ' + message['content'] + eos_token }}{%- else %}{{- raise_exception('only user and assistant') }}{%- endif %}{%- endfor %}";

/// A chat template over one tokenizer.
#[derive(Clone)]
pub(crate) struct Mistral {
    template: String,
    bos: String,
    eos: String,
    /// Texts that a message may not contain: the special tokens.
    reserved: Vec<String>,
}

impl Mistral {
    /// The template of a Mistral instruct tokenizer; `None` for other tokenizers.
    pub(crate) fn find(tokenizer: &Tokenizer) -> Option<Self> {
        let template = tokenizer.chat_template().filter(|template| template.contains("[INST]"));
        let template = template.or_else(|| tokenizer.token_id("[INST]").map(|_| V3.to_owned()))?;
        let (bos, eos) = tokenizer.bos_eos_names();
        let mut reserved = tokenizer.special_texts();
        reserved.extend(["[INST]".to_owned(), "[/INST]".to_owned()]);
        reserved.sort();
        reserved.dedup();
        Some(Self { template, bos: bos.to_owned(), eos: eos.to_owned(), reserved })
    }

    /// The ids of a conversation that waits for an answer.
    pub(crate) fn prompt(&self, tokenizer: &Tokenizer, messages: &[Message]) -> Result<Vec<u32>, String> {
        Ok(tokenizer.encode_marked(&self.text(messages, true)?))
    }

    /// The ids of an answer with its end of sequence, as they follow any prompt.
    pub(crate) fn answer(&self, tokenizer: &Tokenizer, text: &str) -> Result<Vec<u32>, String> {
        let question = Message::new(Role::User, "?");
        let prompt = tokenizer.encode_marked(&self.text(std::slice::from_ref(&question), true)?);
        let whole = self.text(&[question, Message::new(Role::Assistant, text)], false)?;
        let whole = tokenizer.encode_marked(&whole);
        match whole.strip_prefix(prompt.as_slice()) {
            Some(answer) if answer.last() == Some(&tokenizer.eos()) => Ok(answer.to_vec()),
            Some(answer) => {
                let end = answer.iter().rposition(|id| *id == tokenizer.eos());
                end.map(|end| answer[..=end].to_vec()).ok_or_else(|| "the chat template ends no answer".to_owned())
            }
            None => Err("the chat template renders a prompt differently once it is answered".to_owned()),
        }
    }

    /// What stands between a prompt's last token and the answer's text, such as a space.
    pub(crate) fn lead(&self, tokenizer: &Tokenizer) -> String {
        let answer = self.answer(tokenizer, "{}").unwrap_or_default();
        let text = tokenizer.decode(&answer);
        text.split_once('{').map_or_else(String::new, |(lead, _)| lead.to_owned())
    }

    /// The conversation as text.
    fn text(&self, messages: &[Message], add_generation_prompt: bool) -> Result<String, String> {
        let messages: Vec<Message> = messages.iter().map(|message| self.without_reserved(message)).collect();
        let rendered = self.render(&messages, add_generation_prompt);
        rendered.or_else(|_| self.render(&merged(&messages), add_generation_prompt)).map_err(|error| error.to_string())
    }

    fn render(&self, messages: &[Message], add_generation_prompt: bool) -> Result<String, Error> {
        let mut environment = Environment::new();
        environment.set_trim_blocks(true);
        environment.set_lstrip_blocks(true);
        environment.add_function("raise_exception", |reason: String| -> Result<String, Error> {
            Err(Error::new(ErrorKind::InvalidOperation, reason))
        });
        environment.render_str(
            &self.template,
            context! {
                messages, add_generation_prompt, bos_token => self.bos, eos_token => self.eos,
            },
        )
    }

    /// A message in which no special token is spelled: a space follows the first character of each that was.
    fn without_reserved(&self, message: &Message) -> Message {
        let mut content = message.content.clone();
        for text in self.reserved.iter().filter(|text| text.chars().count() > 1) {
            if content.contains(text.as_str()) {
                let first = text.chars().next().expect("longer than one character").len_utf8();
                content = content.replace(text.as_str(), &format!("{} {}", &text[..first], &text[first..]));
            }
        }
        Message { role: message.role, content }
    }
}

/// The system text at the head of the user message that follows it.
fn merged(messages: &[Message]) -> Vec<Message> {
    match messages {
        [system, user, rest @ ..] if system.role == Role::System => {
            let head = Message::new(Role::User, format!("{}\n\n{}", system.content, user.content));
            std::iter::once(head).chain(rest.iter().cloned()).collect()
        }
        _ => messages.to_vec(),
    }
}
