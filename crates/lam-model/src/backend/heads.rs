//! The heads of an attention layer, as numbers. Knows no device.

/// Heads of an attention layer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heads {
    pub(crate) query: usize,
    pub(crate) key_value: usize,
    pub(crate) dim: usize,
    pub(crate) window: Option<usize>,
}
