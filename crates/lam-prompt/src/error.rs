//! What can go wrong between words and tokens. Messages name the file or the offending text and give a hint.

use std::path::{Path, PathBuf};

use lam_signal::{Details, Fault, FaultKind, hint_of_io};

/// A tokenizer or template that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PromptError {
    /// A file cannot be read or written.
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file is there but not understood.
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
        /// What to do.
        hint: String,
    },
    /// A `tokenizer.json` of which no tokenizer can be made.
    Tokenizer {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
        /// What to do.
        hint: &'static str,
    },
    /// Something that was asked of an answer cannot be understood.
    Output {
        /// What it was, such as a JSON schema.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
        /// What to do.
        hint: &'static str,
    },
    /// A text that is not split into tokens because they would be too many.
    TooLong {
        /// Tokens that it has at least.
        least: usize,
        /// Tokens that it may have.
        most: usize,
    },
    /// The tokenizer cannot be trained as asked.
    Train {
        /// Why.
        reason: String,
        /// What to do.
        hint: String,
    },
}

impl PromptError {
    pub(crate) fn file(path: &Path, source: std::io::Error) -> Self {
        PromptError::File { path: path.to_owned(), source }
    }

    pub(crate) fn format(path: &Path, reason: impl ToString, hint: &str) -> Self {
        PromptError::Format { path: path.to_owned(), reason: reason.to_string(), hint: hint.to_owned() }
    }

    pub(crate) fn output(what: &'static str, reason: &impl ToString, hint: &'static str) -> Self {
        PromptError::Output { what, reason: reason.to_string(), hint }
    }

    /// What it says to those who ask a server: without the place of the server's files, and without what their owner
    /// could do about them.
    pub fn for_others(&self) -> String {
        let details = self.details();
        let hint = if matches!(self, PromptError::Output { .. }) { details.hint } else { String::new() };
        Details { place: String::new(), hint, ..details }.to_string()
    }

    pub(crate) fn train(reason: impl ToString, hint: &str) -> Self {
        PromptError::Train { reason: reason.to_string(), hint: hint.to_owned() }
    }
}

/// An answer that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason} in answer `{}`", shorten(.text))]
pub struct ParseError {
    /// What is wrong, with the field and the value.
    pub reason: String,
    /// The answer.
    pub text: String,
}

impl ParseError {
    pub(crate) fn new(reason: impl ToString, text: &str) -> Self {
        Self { reason: reason.to_string(), text: text.to_owned() }
    }
}

/// At most 200 characters of `text`.
fn shorten(text: &str) -> String {
    match text.char_indices().nth(200) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

impl Fault for PromptError {
    fn kind(&self) -> FaultKind {
        match self {
            PromptError::File { source, .. } => FaultKind::of_io(source),
            // It says how to work, as settings do.
            PromptError::Tokenizer { .. } => FaultKind::Config,
            _ => FaultKind::Data,
        }
    }

    fn details(&self) -> Details {
        match self {
            PromptError::File { path, source } => {
                Details::default().at(path.display()).because(source).hint(hint_of_io(source))
            }
            PromptError::Format { path, reason, hint } => {
                Details::default().at(path.display()).because(reason).hint(hint)
            }
            PromptError::Tokenizer { path, reason, hint } => {
                Details::default().at(path.display()).because(reason).hint(hint)
            }
            PromptError::Output { what, reason, hint } => Details::new(what).because(reason).hint(hint),
            PromptError::TooLong { least, most } => {
                Details::new(format!("the text has at least {least} tokens, and at most {most} fit")).hint("shorten it")
            }
            PromptError::Train { reason, hint } => Details::new("tokenizer").because(reason).hint(hint),
        }
    }
}

lam_signal::display_details!(PromptError);
