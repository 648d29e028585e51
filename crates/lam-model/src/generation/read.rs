//! What is read into a cache, and what its adapters are called.

/// Tokens to be read into a slot.
#[derive(Clone, Copy, Debug)]
pub struct Read<'a> {
    /// The slot.
    pub slot: usize,
    /// What is read, at least one token.
    pub tokens: &'a [u32],
    /// Logits are wanted after each of so many last tokens; 0 for none.
    pub scored: usize,
}

/// Names an adapter within its cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AdapterId(pub(crate) usize);
