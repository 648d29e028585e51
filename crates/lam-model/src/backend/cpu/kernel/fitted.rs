//! Scales and minima of groups in 4 bits that are fitted to the values, for files: dearer than `quantise.rs`' own, which
//! training quantises by, and nearer to the values.
//!
//! A group's 32 values x are to be scale × level - taken_off with levels 0 … 15. For each of 21 ranges about as wide as
//! the values', x is cut into levels, and scale and taken_off follow from them in closed form: they minimise the sum of
//! w (scale × level - taken_off - x)², which decides between the ranges. w is the group's root mean square plus |x|, as
//! large weights matter more to a product.

use super::dispatch::dispatched;

/// Groups of a Q4_K block, each of 32 values, which are looked at side by side.
pub(super) const GROUPS: usize = 8;
/// Largest number of 4 bits.
pub(super) const MOST: f32 = 15.0;
/// Ranges that are tried: the smallest and largest value are 15 levels apart, or up to one level more or less.
const RANGES: usize = 21;
/// Share of its two terms' size below which their difference is but their rounding.
const SINGULAR: f32 = 1e-5;

/// Values of eight groups, the groups' first values first.
pub(super) type Lanes = [[f32; GROUPS]; 32];

dispatched! {
    /// Scale of each group, and what is taken off it, neither below zero.
    fn fitted(x: &Lanes, scale: &mut [f32; GROUPS], taken_off: &mut [f32; GROUPS]) {
        let (mut least, mut most, mut squares) = ([0.0_f32; GROUPS], x[0], [0.0_f32; GROUPS]);
        for row in x {
            for j in 0..GROUPS {
                least[j] = least[j].min(row[j]);
                most[j] = most[j].max(row[j]);
                squares[j] += row[j] * row[j];
            }
        }
        let (mut weights, mut sum_w, mut sum_x) = ([[0.0_f32; GROUPS]; 32], [0.0_f32; GROUPS], [0.0_f32; GROUPS]);
        for (row, weights) in x.iter().zip(&mut weights) {
            for j in 0..GROUPS {
                weights[j] = (squares[j] / 32.0).sqrt() + row[j].abs();
                sum_w[j] += weights[j];
                sum_x[j] += weights[j] * row[j];
            }
        }
        let mut best = [f32::INFINITY; GROUPS];
        for j in 0..GROUPS {
            // Of a group without a range, all is taken off.
            (scale[j], taken_off[j]) = (0.0, -least[j]);
        }
        let mut levels = [[0.0_f32; GROUPS]; 32];
        for range in 0..RANGES {
            let levels_apart = MOST - 1.0 + range as f32 * 0.1;
            let (mut sum_l, mut sum_ll, mut sum_xl) = ([0.0_f32; GROUPS], [0.0_f32; GROUPS], [0.0_f32; GROUPS]);
            for ((row, weights), levels) in x.iter().zip(&weights).zip(&mut levels) {
                for j in 0..GROUPS {
                    let nearest = ((row[j] - least[j]) * (levels_apart / (most[j] - least[j]))).round();
                    // What is no number, where there is no range, is level 0.
                    let level = if nearest > 0.0 { nearest.min(MOST) } else { 0.0 };
                    levels[j] = level;
                    sum_l[j] += weights[j] * level;
                    sum_ll[j] += weights[j] * level * level;
                    sum_xl[j] += weights[j] * level * row[j];
                }
            }
            let (mut tried, mut off, mut errors) = ([0.0_f32; GROUPS], [0.0_f32; GROUPS], [0.0_f32; GROUPS]);
            for j in 0..GROUPS {
                let determinant = sum_w[j] * sum_ll[j] - sum_l[j] * sum_l[j];
                let both = (sum_w[j] * sum_xl[j] - sum_x[j] * sum_l[j]) / determinant;
                let minimum = (sum_ll[j] * sum_x[j] - sum_l[j] * sum_xl[j]) / determinant;
                // A minimum above zero cannot be said, and none follows where all levels are one: then the scale alone is
                // fitted.
                let is_below = minimum <= 0.0 && determinant > SINGULAR * sum_w[j] * sum_ll[j];
                tried[j] = if is_below { both } else { sum_xl[j] / sum_ll[j] };
                off[j] = if is_below { -minimum } else { 0.0 };
            }
            for ((row, weights), levels) in x.iter().zip(&weights).zip(&levels) {
                for j in 0..GROUPS {
                    let apart = tried[j] * levels[j] - off[j] - row[j];
                    errors[j] += weights[j] * apart * apart;
                }
            }
            for j in 0..GROUPS {
                // An error that is no number is not below any.
                let is_better = errors[j] < best[j] && tried[j] > 0.0;
                best[j] = if is_better { errors[j] } else { best[j] };
                scale[j] = if is_better { tried[j] } else { scale[j] };
                taken_off[j] = if is_better { off[j] } else { taken_off[j] };
            }
        }
    }
}
