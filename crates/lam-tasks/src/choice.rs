//! The values that a task chooses from, by the names that a request, the application and the result have for them.

use lam_env::random::pick;
use rand_chacha::ChaCha8Rng;

/// A value to choose: how a request calls it, how the application does, how the result says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Choice {
    /// The word of the request.
    pub word: &'static str,
    /// The control or text that the application has for it.
    pub control: &'static str,
    /// What the result holds then.
    pub value: &'static str,
}

impl Choice {
    /// A value with three names.
    pub const fn new(word: &'static str, control: &'static str, value: &'static str) -> Self {
        Self { word, control, value }
    }

    /// A value that has one name everywhere.
    pub const fn same(word: &'static str) -> Self {
        Self { word, control: word, value: word }
    }
}

/// The values that a task chooses from.
#[derive(Clone, Copy, Debug)]
pub enum Choices {
    /// Values that have one name everywhere.
    Words(&'static [&'static str]),
    /// Values with their names.
    Named(&'static [Choice]),
}

impl Choices {
    /// Every value, in order.
    pub fn iter(self) -> impl Iterator<Item = Choice> {
        let (words, named): (&[&str], &[Choice]) = match self {
            Self::Words(words) => (words, &[]),
            Self::Named(named) => (&[], named),
        };
        words.iter().map(|word| Choice::same(word)).chain(named.iter().copied())
    }

    /// One of them; `None`, and nothing drawn, where there are none.
    pub fn draw(self, random: &mut ChaCha8Rng) -> Option<Choice> {
        match self {
            Self::Words([]) | Self::Named([]) => None,
            Self::Words(words) => Some(Choice::same(pick(random, words))),
            Self::Named(named) => Some(pick(random, named)),
        }
    }
}
