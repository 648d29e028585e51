//! Some rows of inputs by one panel of outputs, as a task. Knows no format's numbers.

use crate::WeightFormat;
use crate::backend::cpu::kernel::lanes::Lanes;

/// Outputs of a panel.
pub(crate) const WIDTH: usize = 32;
/// How far ahead of a panel's reading its lines are asked for, in words, where several rows hide the latency.
const AHEAD: usize = 512;

/// What becomes of the sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// They replace what the result holds.
    Replace,
    /// They are added to it.
    Add,
    /// silu(gate) up replaces it: a panel's first half are gates, its second half the ups beside them.
    SwiGlu,
}

/// Rows by one panel. Pointers and strides are in words; `y` starts at the panel's first output.
#[derive(Clone, Copy)]
pub(crate) struct Column {
    pub(crate) format: WeightFormat,
    pub(crate) x: *const u32,
    pub(crate) x_stride: usize,
    pub(crate) rows: usize,
    /// Inputs, filled up to whole pairs or blocks.
    pub(crate) k: usize,
    pub(crate) panel: *const u32,
    pub(crate) y: *mut f32,
    pub(crate) y_stride: usize,
    /// Results of a row: those that the last panel really has.
    pub(crate) width: usize,
    pub(crate) output: Output,
}

/// Asks for what comes next, while the tile's other work hides the latency; a few rows are faster without.
#[inline(always)]
pub(super) unsafe fn ask_ahead<L: Lanes, const M: usize>(panel: *const u32) {
    if M > 4 {
        // SAFETY: asking for a line is harmless anywhere.
        unsafe {
            L::prefetch(panel.wrapping_add(AHEAD));
            L::prefetch(panel.wrapping_add(AHEAD + 16));
        }
    }
}
