//! The words of documents and of quoted texts: one list for training, one held out.

use std::sync::LazyLock;

use lam_types::Split;

static TRAIN: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| include_str!("train.txt").lines().collect());
static HELD_OUT: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| include_str!("test.txt").lines().collect());

/// The words that tasks of a split draw from: validation and test share the held-out list.
pub fn of(split: Split) -> &'static [&'static str] {
    match split {
        Split::Train => &TRAIN,
        Split::Validation | Split::Test => &HELD_OUT,
    }
}

/// Whether a pair of numbers is kept for the validation and test sets.
pub fn is_held_out([first, second]: [i64; 2]) -> bool {
    (3 * first + 7 * second).rem_euclid(5) == 0
}
