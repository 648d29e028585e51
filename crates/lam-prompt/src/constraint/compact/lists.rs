//! Sorted lists of tokens for the free parts of a compact answer, made once.

use crate::Tokenizer;
use crate::compact::Markers;

/// What may follow in a free text: at its beginning, inside it, and once it has reached its limit.
pub(super) struct FreeList {
    pub(super) first: Vec<u32>,
    pub(super) inside: Vec<u32>,
    pub(super) closed: Vec<u32>,
}

/// The lists of one tokenizer.
pub(crate) struct CompactLists {
    /// The thought, up to `<|plan|>`.
    pub(super) thought: FreeList,
    /// A step that others may follow.
    pub(super) step: FreeList,
    /// The last step that is allowed.
    pub(super) last_step: FreeList,
    /// What a step after a separator begins with.
    pub(super) step_starts: Vec<u32>,
    /// A text argument, by [`End::index`] of what may follow it.
    pub(super) value: [FreeList; 3],
    /// Tokens of digits, with or without space and sign before them.
    pub(super) numbers: Vec<u32>,
    /// For each token, whether its text begins like a word.
    pub(super) begins_word: Vec<bool>,
}

/// What may follow an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Another argument must follow.
    Comma,
    /// Nothing more can follow.
    Status,
    /// Either.
    Both,
}

impl End {
    pub(super) fn index(self) -> usize {
        match self {
            End::Comma => 0,
            End::Status => 1,
            End::Both => 2,
        }
    }
}

impl CompactLists {
    /// The lists of `tokenizer`.
    pub(crate) fn new(tokenizer: &Tokenizer, marks: Markers) -> Self {
        let inside = tokenizer.text_ids();
        let starts: Vec<u32> =
            inside.iter().copied().filter(|id| tokenizer.token_bytes(*id).first() == Some(&b' ')).collect();
        let list = |ends: &[u32]| FreeList {
            first: merged(ends, &starts),
            inside: merged(ends, &inside),
            closed: merged(ends, &[]),
        };
        let begins_word = |id: u32| tokenizer.token_bytes(id).first().is_some_and(|byte| is_word_byte(*byte));
        let size = u32::try_from(tokenizer.vocab_size()).expect("vocabularies are far smaller than 4 billion");
        Self {
            thought: list(&[marks.plan]),
            step: FreeList { first: merged(&[marks.act], &starts), ..list(&[marks.semicolon, marks.act]) },
            last_step: list(&[marks.act]),
            value: [list(&[marks.comma]), list(&[marks.status]), list(&[marks.comma, marks.status])],
            numbers: inside.iter().copied().filter(|id| is_digits(tokenizer.token_bytes(*id))).collect(),
            begins_word: (0..size).map(begins_word).collect(),
            step_starts: starts,
        }
    }
}

fn merged(ends: &[u32], text: &[u32]) -> Vec<u32> {
    let mut ids = [ends, text].concat();
    ids.sort_unstable();
    ids
}

/// Letters, digits, underscore, and every byte of a character beyond ASCII.
fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// Digits with or without sign and space before them, or the space alone.
fn is_digits(bytes: &[u8]) -> bool {
    let signed = bytes.strip_prefix(b" ").unwrap_or(bytes);
    let digits = signed.strip_prefix(b"-").unwrap_or(signed);
    !bytes.is_empty() && digits.iter().all(u8::is_ascii_digit)
}
