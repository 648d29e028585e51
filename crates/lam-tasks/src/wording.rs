//! The sentences in which a family asks, by the set that may use them, and a request drawn from them.

use std::collections::BTreeMap;

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
    /// Sentences kept for the validation set, on which choices are made.
    pub dev: &'static [&'static str],
    /// Sentences kept for the test set.
    pub test: &'static [&'static str],
}

impl Wording {
    /// The sentences of the three sets. None stands in two of them.
    pub const fn new(
        train: &'static [&'static str],
        dev: &'static [&'static str],
        test: &'static [&'static str],
    ) -> Self {
        Self { train, dev, test }
    }

    /// The sentences in which tasks of a set are asked. The training set has none of its own kept apart: asked for
    /// unseen ones, it names the test set's.
    pub fn of(&self, split: Split, phrasing: Phrasing) -> &'static [&'static str] {
        match (phrasing, split) {
            (Phrasing::Seen, _) => self.train,
            (Phrasing::Unseen, Split::Validation) => self.dev,
            (Phrasing::Unseen, Split::Train | Split::Test) => self.test,
        }
    }

    /// The sentences that no training set uses.
    pub fn held_out(&self) -> impl Iterator<Item = &'static str> {
        self.dev.iter().chain(self.test).copied()
    }

    /// Every sentence.
    pub fn all(&self) -> impl Iterator<Item = &'static str> {
        self.train.iter().copied().chain(self.held_out())
    }
}

/// Wordings by name: the sentences of training, those of the validation set, those of the test set.
#[macro_export]
macro_rules! wordings {
    ($($(#[$doc:meta])* $id:ident:
        [$($train:literal),* $(,)?], [$($dev:literal),* $(,)?], [$($test:literal),* $(,)?];)*) => {
        $($(#[$doc])* pub static $id: $crate::Wording =
            $crate::Wording::new(&[$($train),*], &[$($dev),*], &[$($test),*]);)*
    };
}

/// Whether these wordings keep their sets apart: each has sentences of every set, and none stands in two sets, be it of
/// two wordings. The tests of an environment's tables ask this.
///
/// # Errors
/// The sentence that stands in two sets, or what is missing.
pub fn check_sets<'w>(wordings: impl IntoIterator<Item = &'w Wording>) -> Result<(), String> {
    let mut set_of: BTreeMap<String, &str> = BTreeMap::new();
    for Wording { train, dev, test } in wordings {
        for (set, sentences) in [("train", train), ("dev", dev), ("test", test)] {
            if sentences.is_empty() {
                return Err(format!("no sentence of {set} beside {train:?}"));
            }
            for sentence in *sentences {
                let other = *set_of.entry(sentence.to_lowercase()).or_insert(set);
                if other != set {
                    return Err(format!("`{sentence}` stands in {other} and in {set}"));
                }
            }
        }
    }
    Ok(())
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
    fn each_set_asks_in_its_own_sentences() {
        let wording = Wording::new(&["a", "b"], &["c"], &["d"]);
        for split in [Split::Train, Split::Validation, Split::Test] {
            assert_eq!(wording.of(split, Phrasing::Seen), ["a", "b"], "{}", split.as_str());
        }
        assert_eq!(wording.of(Split::Validation, Phrasing::Unseen), ["c"]);
        assert_eq!(wording.of(Split::Test, Phrasing::Unseen), ["d"]);
        assert_eq!(wording.all().collect::<Vec<_>>(), ["a", "b", "c", "d"]);
    }

    #[test]
    fn a_sentence_of_two_sets_is_named() {
        let apart = Wording::new(&["a"], &["b"], &["c"]);
        assert_eq!(check_sets([&apart, &apart]), Ok(()));
        let said = |wording: &Wording| check_sets([&apart, wording]).unwrap_err();
        assert_eq!(said(&Wording::new(&["d"], &["A"], &["c"])), "`A` stands in train and in dev");
        assert_eq!(said(&Wording::new(&["d"], &[], &["c"])), "no sentence of dev beside [\"d\"]");
    }
}
