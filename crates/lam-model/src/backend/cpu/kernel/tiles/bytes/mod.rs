//! Rows of bytes by panels of bytes, in blocks of 32 that each have a factor: by instructions that multiply matrices of
//! bytes. Whole numbers are summed exactly, so that the results are those of products of bytes by vectors, bit for bit.

#[cfg(target_arch = "x86_64")]
mod amx;
#[cfg(target_arch = "aarch64")]
mod neon;

#[cfg(target_arch = "x86_64")]
pub(super) use amx::multiply;
#[cfg(target_arch = "aarch64")]
pub(super) use neon::multiply;

use super::block::SIDE;

/// Inputs of a block.
const BLOCK: usize = 32;
/// Words of a block of a row, and of a block of a panel behind its factors.
const ROW_WORDS: usize = BLOCK / 4;
/// Words of a panel's block: 32 factors in f16, then [8, 32] quadruples of bytes.
const PANEL_WORDS: usize = SIDE / 2 + ROW_WORDS * SIDE;

/// Rows by panels of 32 outputs. A row has, in words, its blocks' bytes (signed), their factors (f32), and what is to be
/// added to each block's sum (i32); a panel's bytes are unsigned.
#[derive(Clone, Copy)]
pub(crate) struct ByteRows {
    /// Whole tiles of 16 rows can be read from there.
    pub(crate) left: *const u32,
    /// Words from row to row.
    pub(crate) left_stride: usize,
    pub(crate) rows: usize,
    pub(crate) panels: *const u32,
    /// How many panels, one after the other.
    pub(crate) count: usize,
    /// Blocks of a row.
    pub(crate) blocks: usize,
}

impl ByteRows {
    /// A block of a panel.
    fn panel(&self, panel: usize, block: usize) -> *const u32 {
        self.panels.wrapping_add((panel * self.blocks + block) * PANEL_WORDS)
    }

    /// A block's bytes in a row.
    fn bytes(&self, row: usize, block: usize) -> *const u32 {
        self.left.wrapping_add(row * self.left_stride + block * ROW_WORDS)
    }

    /// A block's factor in a row; what is to be added stands as many words on as there are blocks.
    fn factor(&self, row: usize, block: usize) -> *const u32 {
        self.left.wrapping_add(row * self.left_stride + self.blocks * ROW_WORDS + block)
    }
}
