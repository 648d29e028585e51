//! The sentences in which a family asks, by the set that may use them, and a request drawn from them.

use lam_env::random::pick;
use lam_types::{Phrasing, Split};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::template::{Slots, fill};

/// Sentences of requests. `{s}` is the family's subject, `{x}` text of the document, `{y}` new text, `{o}` the choice,
/// `{a}` and `{b}` numbers; a table whose environment reads requests back may name its slots otherwise.
#[derive(Clone, Copy, Debug)]
pub struct Wording {
    /// Sentences that training sets use. The first is an imperative: documentation uses it.
    pub train: &'static [&'static str],
    /// Sentences of the validation set.
    pub dev: &'static [&'static str],
    /// Sentences kept for the test set.
    pub test: &'static [&'static str],
}

impl Wording {
    /// The validation set asks in the training set's sentences, since every sentence belongs to one of the two others
    /// and none may change sides: what a family asks in training and in tests would change with it. Its tasks are its
    /// own all the same: they are drawn from held-out words and numbers, from streams that bear the set's name.
    pub const fn new(train: &'static [&'static str], test: &'static [&'static str]) -> Self {
        Self { train, dev: train, test }
    }

    /// The sentences in which tasks of a set are asked.
    pub fn of(&self, split: Split, phrasing: Phrasing) -> &'static [&'static str] {
        match (phrasing, split) {
            (Phrasing::Unseen, _) => self.test,
            (Phrasing::Seen, Split::Validation) => self.dev,
            (Phrasing::Seen, Split::Train | Split::Test) => self.train,
        }
    }

    /// Every sentence, each once.
    pub fn all(&self) -> impl Iterator<Item = &'static str> {
        let own_dev = self.dev.iter().filter(|sentence| !self.train.contains(sentence));
        self.train.iter().chain(own_dev).chain(self.test).copied()
    }
}

/// Wordings by name: the sentences of training, then those kept for the test set.
#[macro_export]
macro_rules! wordings {
    ($($(#[$doc:meta])* $id:ident: [$($train:literal),* $(,)?], [$($test:literal),* $(,)?];)*) => {
        $($(#[$doc])* pub static $id: $crate::Wording = $crate::Wording::new(&[$($train),*], &[$($test),*]);)*
    };
}

/// A request in one of `sentences`, its subject called by one of `subjects`. Half of the requests carry some of the
/// words of `asides`, which mean nothing to the task; with no such words, none do.
pub fn phrase(
    sentences: &[&'static str],
    subjects: &[&'static str],
    slots: &Slots,
    asides: &[&'static str],
    random: &mut ChaCha8Rng,
) -> String {
    let sentence = pick(random, sentences);
    let sentence = if !asides.is_empty() && random.random_bool(0.5) {
        with_asides(sentence, asides, random)
    } else {
        sentence.to_owned()
    };
    let mut slots = slots.clone();
    slots.insert("s".to_owned(), pick(random, subjects).to_owned());
    fill(&sentence, &slots)
}

/// A sentence with words put in between its own: people name whom they ask and what it is for, and a reader has to
/// learn which words to leave out.
fn with_asides(sentence: &str, asides: &[&'static str], random: &mut ChaCha8Rng) -> String {
    let mut words: Vec<&str> = sentence.split(' ').collect();
    for _ in 0..random.random_range(1..=2) {
        let place = match random.random_range(0..4) {
            0 => 0,
            1 => words.len(),
            _ => random.random_range(0..=words.len()),
        };
        let count = random.random_range(1..=2);
        let drawn: Vec<&str> = (0..count).map(|_| pick(random, asides)).collect();
        words.splice(place..place, drawn);
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_sentences_are_asked_in_the_test_set_alone() {
        let wording = Wording::new(&["a", "b"], &["c"]);
        for split in [Split::Train, Split::Validation, Split::Test] {
            assert!(!wording.of(split, Phrasing::Seen).contains(&"c"), "{}", split.as_str());
        }
        assert_eq!(wording.of(Split::Test, Phrasing::Unseen), ["c"]);
        assert_eq!(wording.all().collect::<Vec<_>>(), ["a", "b", "c"]);
    }

    #[test]
    fn a_set_of_its_own_sentences_uses_them() {
        let wording = Wording { train: &["a"], dev: &["b"], test: &["c"] };
        assert_eq!(wording.of(Split::Validation, Phrasing::Seen), ["b"]);
        assert_eq!(wording.all().collect::<Vec<_>>(), ["a", "b", "c"]);
    }
}
