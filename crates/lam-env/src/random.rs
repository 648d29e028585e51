//! Named random streams: the same name gives the same numbers, whatever else was drawn.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A stream for these names and a seed.
pub fn stream(names: &[&str], seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(hash(names, seed))
}

/// FNV-1a over the names and the seed, mixed so that near seeds lie far apart.
pub fn hash(names: &[&str], seed: u64) -> u64 {
    let mut state = 0xcbf2_9ce4_8422_2325_u64;
    for byte in names.iter().flat_map(|name| name.bytes().chain([0])).chain(seed.to_le_bytes()) {
        state = (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    state ^= state >> 32;
    state.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// One of some values.
pub fn pick<T: Copy>(random: &mut ChaCha8Rng, values: &[T]) -> T {
    values[random.random_range(0..values.len())]
}
