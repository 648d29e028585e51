//! Rotary positions: the pair (i, i + E/2) of each head is rotated by position × its frequency. Shapes: x [T, H E].
//!
//! The rotation is orthogonal (up to the scale that some models have), so the backward rotates the other way.

use rayon::prelude::*;

use crate::backend::cpu::kernel::ROWS_PER_TASK;
use crate::backend::cpu::kernel::dispatch::dispatched;
use crate::backend::cpu::kernel::element::Element;
use crate::backend::cpu::storage::activation::Activation;
use crate::rotary::Rotary;

/// Cosines and sines of every position up to a length.
#[derive(Clone, Debug)]
pub(crate) struct Rope {
    rotary: Rotary,
    cos: Vec<f32>,
    sin: Vec<f32>,
}

dispatched! {
    fn rotate<E: Element>(low: &mut [E], high: &mut [E], cos: &[f32], sin: &[f32], sign: f32) {
        let n = low.len();
        let (high, cos, sin) = (&mut high[..n], &cos[..n], &sin[..n]);
        for i in 0..n {
            let (a, b, s) = (low[i].wide(), high[i].wide(), sin[i] * sign);
            low[i] = E::narrow(a * cos[i] - b * s);
            high[i] = E::narrow(b * cos[i] + a * s);
        }
    }
}

impl Rope {
    /// For these frequencies and the positions 0..`length`.
    pub(crate) fn new(rotary: Rotary, length: usize) -> Self {
        let mut rope = Self { rotary, cos: Vec::new(), sin: Vec::new() };
        rope.extend(length);
        rope
    }

    /// Pairs of a head.
    fn half(&self) -> usize {
        self.rotary.frequencies.len()
    }

    /// Positions that are there.
    pub(crate) fn length(&self) -> usize {
        self.cos.len() / self.half()
    }

    /// Cosine and sine of every position and pair, one after the other. Shape: [positions, E/2, 2].
    pub(crate) fn pairs(&self) -> Vec<f32> {
        self.cos.iter().zip(&self.sin).flat_map(|(cos, sin)| [*cos, *sin]).collect()
    }

    /// Makes sure that the positions 0..`length` are there.
    pub(crate) fn extend(&mut self, length: usize) {
        for position in self.length()..length {
            for frequency in &self.rotary.frequencies {
                // Frequencies and angles as f32, as the reference computes them.
                let angle = position as f32 * frequency;
                self.cos.push(angle.cos() * self.rotary.scale);
                self.sin.push(angle.sin() * self.rotary.scale);
            }
        }
    }

    /// Rotates every head of one row to its position; `sign` -1 rotates it back.
    pub(crate) fn rotate_row<E: Element>(&self, row: &mut [E], position: usize, sign: f32) {
        let half = self.half();
        let place = position * half..(position + 1) * half;
        for head in row.chunks_mut(2 * half) {
            let (low, high) = head.split_at_mut(half);
            rotate(low, high, &self.cos[place.clone()], &self.sin[place.clone()], sign);
        }
    }

    /// Rotates all rows of `width` values, in place.
    pub(crate) fn rotate(&self, x: &mut Activation, width: usize, positions: &[usize], sign: f32) {
        match x {
            Activation::F32(x) => self.rotate_rows(x, width, positions, sign),
            Activation::Bf16(x) => self.rotate_rows(x, width, positions, sign),
        }
    }

    fn rotate_rows<E: Element>(&self, x: &mut [E], width: usize, positions: &[usize], sign: f32) {
        x.par_chunks_mut(width * ROWS_PER_TASK).zip(positions.par_chunks(ROWS_PER_TASK)).for_each(|(x, positions)| {
            for (row, &position) in x.chunks_mut(width).zip(positions) {
                self.rotate_row(row, position, sign);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finite_difference::{check, values, weighted};

    #[test]
    fn rotating_back_is_the_gradient() {
        for (head_dim, heads) in [(2, 1), (6, 3), (80, 2)] {
            let width = head_dim * heads;
            let rope = Rope::new(Rotary { scale: 1.2, ..Rotary::plain(head_dim, 1e4) }, 50);
            let positions = [0, 7, 49];
            let (x, g) = (values(3 * width, 1), values(3 * width, 2));
            let mut gx = g.clone();
            rope.rotate_rows(&mut gx, width, &positions, -1.0);
            check("x", &x, &gx, |x| {
                let mut y = x.to_vec();
                rope.rotate_rows(&mut y, width, &positions, 1.0);
                weighted(&y, &g)
            });
        }
    }
}
