//! Random streams and seeds by name: the same name gives the same numbers, whatever else was drawn.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

/// A random stream that depends on the seed and these names alone.
pub fn stream(seed: u64, names: &[&str]) -> ChaCha8Rng {
    ChaCha8Rng::from_seed(digest(seed, names))
}

/// 48 bits, which JSON numbers hold without loss.
pub fn hash(seed: u64, names: &[&str]) -> u64 {
    let bytes = digest(seed, names);
    bytes[..6].iter().fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

fn digest(seed: u64, names: &[&str]) -> [u8; 32] {
    Sha256::digest(format!("{seed}/{}", names.join("/")).as_bytes()).into()
}
