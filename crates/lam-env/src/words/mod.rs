//! The words of documents and of quoted texts that tasks are made of: one list for training, one held out. Knows no
//! application.

use std::sync::LazyLock;

use lam_types::Split;

static TRAIN: LazyLock<Vec<&'static str>> = LazyLock::new(|| include_str!("train.txt").lines().collect());
static HELD_OUT: LazyLock<Vec<&'static str>> = LazyLock::new(|| include_str!("test.txt").lines().collect());

/// The words that tasks of a split draw from: validation and test share the held-out list.
pub fn of(split: Split) -> &'static [&'static str] {
    match split {
        Split::Train => &TRAIN,
        Split::Validation | Split::Test => &HELD_OUT,
    }
}
