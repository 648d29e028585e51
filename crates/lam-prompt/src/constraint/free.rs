//! Any text, then the end of sequence.

use std::sync::Arc;

use super::TokenConstraint;

pub(super) struct FreeConstraint {
    text: Arc<[u32]>,
    eos: u32,
    is_done: bool,
}

impl FreeConstraint {
    pub(super) fn new(text: Arc<[u32]>, eos: u32) -> Self {
        Self { text, eos, is_done: false }
    }
}

impl TokenConstraint for FreeConstraint {
    fn allowed(&mut self) -> &[u32] {
        if self.is_done { &[] } else { &self.text }
    }

    fn advance(&mut self, token: u32) {
        self.is_done |= token == self.eos;
    }

    fn is_done(&self) -> bool {
        self.is_done
    }
}
