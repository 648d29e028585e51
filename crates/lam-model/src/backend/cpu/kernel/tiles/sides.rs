//! What a product is: its summands, its rows and columns, where it goes; and a right side in tiles.

use std::ops::Range;

use half::bf16;

use super::super::out::SharedOut;
use super::super::panel::Right as Source;
use super::block::{PAIR, SIDE, STEP};
use super::cut::Pass;
use super::pack::Rows;

/// The left side of a summand.
#[derive(Clone, Copy)]
pub(in super::super) enum Left<'a> {
    /// Rows run along the reduction, `stride` apart.
    Rows(&'a [bf16], usize),
    /// Rows run along the product's rows, `stride` apart: the product is aᵀ b.
    Columns(&'a [bf16], usize),
}

/// One summand of a product.
#[derive(Clone, Copy)]
pub(in super::super) struct Term<'a> {
    pub(in super::super) left: Left<'a>,
    /// Packed on the way.
    pub(in super::super) right: Source<'a>,
    /// Values summed over.
    pub(in super::super) reduction: usize,
}

/// A part of a product: some rows by some columns.
pub(in super::super) struct Work<'a> {
    pub(in super::super) terms: &'a [Term<'a>],
    pub(in super::super) rows: Range<usize>,
    /// Starts at a multiple of 64.
    pub(in super::super) columns: Range<usize>,
    /// Values from row to row of the result.
    pub(in super::super) stride: usize,
    /// Factor of the sums.
    pub(in super::super) alpha: f32,
    pub(in super::super) out: SharedOut<'a>,
}

/// Packs the right side of a pass over some columns: [panels of 32 columns][steps][2 tiles].
#[inline(always)]
pub(super) fn pack_right<const BITS: usize>(terms: &[Term<'_>], pass: &Pass, columns: Range<usize>, out: &mut [u32]) {
    let panel_words = (pass.steps * PAIR).max(1);
    let panels = columns.len().div_ceil(SIDE);
    let mut before = 0;
    for stretch in &pass.stretches {
        let end = stretch.first + stretch.values;
        let steps = stretch.values.div_ceil(STEP);
        let at = |panel: usize, step: usize| panel * panel_words + (before + step) * PAIR;
        match terms[stretch.term].right {
            // Along the rows of the source, where the processor's own look-ahead sees them.
            Source::Plain(source, stride) => {
                let rows = Rows { source, stride, rows: end, columns: columns.end };
                for step in 0..steps {
                    for panel in 0..panels {
                        let tiles = &mut out[at(panel, step)..][..PAIR];
                        rows.weave::<BITS>(stretch.first + step * STEP, columns.start + panel * SIDE, tiles);
                    }
                }
            }
            Source::Transposed(source, stride) => {
                let rows = Rows { source, stride, rows: columns.end, columns: end };
                for panel in 0..panels {
                    for step in 0..steps {
                        let tiles = &mut out[at(panel, step)..][..PAIR];
                        rows.turn::<BITS>(columns.start + panel * SIDE, stretch.first + step * STEP, tiles);
                    }
                }
            }
        }
        before += steps;
    }
}
