//! The words of documents and of quoted texts, and which pairs of numbers are held out with them.

pub use lam_env::words::of;

/// Whether a pair of numbers is kept for the validation and test sets.
pub fn is_held_out([first, second]: [i64; 2]) -> bool {
    (3 * first + 7 * second).rem_euclid(5) == 0
}
