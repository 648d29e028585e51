//! A family of tasks as data: what is asked, in which words, with which parameters, and how it is done.
//!
//! What the environment alone understands, how a task is found and how it is judged, stands in two fields of its own
//! types.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::choice::{Choice, Choices};
use crate::parameters::Parameters;
use crate::template::fill;
use crate::wording::Wording;

/// What the text is that a task quotes from its document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quote {
    /// There is none.
    None,
    /// Some neighbouring words.
    Words,
    /// One word.
    Word,
    /// A whole paragraph.
    Paragraph,
}

/// The numbers that a task names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbers {
    /// None.
    None,
    /// One, in this closed range.
    One(i64, i64),
    /// Two, both in this closed range.
    Two(i64, i64),
    /// The first and the last of some paragraphs.
    Paragraphs,
    /// The number of a thing of this kind that is there.
    Present(&'static str),
}

impl Numbers {
    /// Numbers drawn: `count` says how many things of a kind there are, `Paragraph` among them, and numbers that are
    /// not of the document are drawn until `fits`.
    pub fn draw(
        self,
        count: &dyn Fn(&str) -> usize,
        fits: &dyn Fn([i64; 2]) -> bool,
        random: &mut ChaCha8Rng,
    ) -> [i64; 2] {
        let count = |kind: &str| i64::try_from(count(kind)).unwrap_or(i64::MAX);
        loop {
            let numbers = match self {
                Self::None => return [0, 0],
                Self::One(low, high) => [random.random_range(low..=high), 0],
                Self::Two(low, high) => [random.random_range(low..=high), random.random_range(low..=high)],
                Self::Paragraphs => {
                    let last = count("Paragraph");
                    let first = random.random_range(1..last);
                    return [first, random.random_range(first + 1..=last)];
                }
                Self::Present(kind) => return [random.random_range(1..=count(kind)), 0],
            };
            if fits(numbers) {
                return numbers;
            }
        }
    }
}

/// A family of tasks. `Setup` says how one is found; `Own` is what else the environment has to know.
#[derive(Clone, Copy, Debug)]
pub struct Family<Setup: 'static, Own: 'static> {
    /// Its name.
    pub name: &'static str,
    /// What its subject is called in requests.
    pub words: &'static [&'static str],
    /// The sentences of its requests.
    pub wording: &'static Wording,
    /// How it is done: steps with slots.
    pub steps: &'static [&'static str],
    /// The text of the document that it names.
    pub quote: Quote,
    /// How many new words it names, at least and at most.
    pub new_words: (usize, usize),
    /// The values it chooses from.
    pub choices: Choices,
    /// The numbers it names.
    pub numbers: Numbers,
    /// How its tasks are found.
    pub setup: Setup,
    /// What else the environment has to know.
    pub own: Own,
}

impl<Setup: Copy, Own: Copy> Family<Setup, Own> {
    /// A family without parameters.
    pub const fn new(
        name: &'static str,
        words: &'static [&'static str],
        wording: &'static Wording,
        steps: &'static [&'static str],
        setup: Setup,
        own: Own,
    ) -> Self {
        let (quote, numbers, choices) = (Quote::None, Numbers::None, Choices::Words(&[]));
        Self { name, words, wording, steps, quote, new_words: (0, 0), choices, numbers, setup, own }
    }

    /// The same, naming text of the document.
    pub const fn quote(self, quote: Quote) -> Self {
        Self { quote, ..self }
    }

    /// The same, naming so many new words.
    pub const fn new_words(self, least: usize, most: usize) -> Self {
        Self { new_words: (least, most), ..self }
    }

    /// The same, choosing among values that have one name everywhere.
    pub const fn options(self, words: &'static [&'static str]) -> Self {
        Self { choices: Choices::Words(words), ..self }
    }

    /// The same, choosing among values with several names.
    pub const fn choices(self, named: &'static [Choice]) -> Self {
        Self { choices: Choices::Named(named), ..self }
    }

    /// The same, naming numbers.
    pub const fn numbers(self, numbers: Numbers) -> Self {
        Self { numbers, ..self }
    }

    /// The same, found otherwise.
    pub const fn setup(self, setup: Setup) -> Self {
        Self { setup, ..self }
    }

    /// What is asked for as documentation words it.
    pub fn imperative(&self, parameters: &Parameters) -> String {
        fill(self.wording.train[0], &parameters.slots(self.words[0]))
    }
}
