//! Named random streams: the same seed and name give the same numbers, whatever else is drawn.

/// The key of the stream called `name` under `seed`, for a ChaCha generator.
pub fn stream_seed(seed: u64, name: &str) -> [u8; 32] {
    let hash = lam_store::hash_bytes(format!("{seed}/{name}").as_bytes());
    let mut key = [0; 32];
    for (byte, digits) in key.iter_mut().zip(hash.as_bytes().chunks(2)) {
        let digits = std::str::from_utf8(digits).expect("a hash is ASCII");
        *byte = u8::from_str_radix(digits, 16).expect("a hash is hex");
    }
    key
}

/// A number of the stream called `name` under `seed`, for what takes a seed of its own.
pub fn stream_number(seed: u64, name: &str) -> u64 {
    let key = stream_seed(seed, name);
    u64::from_le_bytes(key[..8].try_into().expect("a key has 32 bytes"))
}
