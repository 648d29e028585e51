//! Loops over one row: sums in fixed lanes, so that they vectorise and always add in the same order.

use super::dispatch::dispatched;
use super::element::Element;

const LANES: usize = 32;

/// Exponential, to about 2e-7 relative, in a form that vectorises.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    // Adding it rounds to a whole number, which then stands in the lowest bits of the sum.
    const ROUND: f32 = 12_582_912.0;
    let x = x.clamp(-87.0, 88.0);
    let rounded = x * std::f32::consts::LOG2_E + ROUND;
    let whole = rounded - ROUND;
    // ln 2 in two parts, so that the remainder keeps its last bits.
    let rest = x - whole * 0.693_359_4 + whole * 2.121_944_4e-4;
    let mut series = 1.987_569_1e-4_f32;
    for coefficient in [1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5] {
        series = series * rest + coefficient;
    }
    let power = f32::from_bits((rounded.to_bits() << 23).wrapping_add(1.0_f32.to_bits()));
    (series * rest * rest + rest + 1.0) * power
}

/// The bits of the nearest bf16.
#[inline(always)]
pub(crate) fn bf16(value: f32) -> u32 {
    u32::from(half::bf16::narrow(value).to_bits())
}

/// Folds `term(i)` for i in 0..n over fixed lanes.
#[inline(always)]
fn folded(n: usize, start: f32, term: impl Fn(usize) -> f32, join: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = [start; LANES];
    let whole = n / LANES * LANES;
    let mut i = 0;
    while i < whole {
        for (j, lane) in lanes.iter_mut().enumerate() {
            *lane = join(*lane, term(i + j));
        }
        i += LANES;
    }
    let mut total = start;
    for lane in lanes {
        total = join(total, lane);
    }
    for j in whole..n {
        total = join(total, term(j));
    }
    total
}

dispatched! {
    /// Sum of x y.
    fn dot(x: &[f32], y: &[f32]) -> f32 {
        let y = &y[..x.len()];
        folded(x.len(), 0.0, |i| x[i] * y[i], |a, b| a + b)
    }
}
dispatched! {
    /// Sum of x y z.
    fn dot3(x: &[f32], y: &[f32], z: &[f32]) -> f32 {
        let (y, z) = (&y[..x.len()], &z[..x.len()]);
        folded(x.len(), 0.0, |i| x[i] * y[i] * z[i], |a, b| a + b)
    }
}
dispatched! {
    /// Largest value.
    fn max(x: &[f32]) -> f32 {
        folded(x.len(), f32::NEG_INFINITY, |i| x[i], |a, b| if b > a { b } else { a })
    }
}
dispatched! {
    /// x := exp(x - shift); returns the sum.
    fn exp_sum(x: &mut [f32], shift: f32) -> f32 {
        for value in x.iter_mut() {
            *value = exp(*value - shift);
        }
        folded(x.len(), 0.0, |i| x[i], |a, b| a + b)
    }
}
dispatched! {
    /// As [`exp_sum`], in the same bits; and the sum of exp(x - shift) (x - shift), on the way.
    fn exp_sum_and_mean(x: &mut [f32], shift: f32) -> (f32, f32) {
        let (mut weighted, whole) = ([0.0; LANES], x.len() / LANES * LANES);
        let (lanes, rest) = x.split_at_mut(whole);
        for part in lanes.chunks_exact_mut(LANES) {
            for (value, weighted) in part.iter_mut().zip(&mut weighted) {
                let apart = *value - shift;
                *value = exp(apart);
                *weighted += *value * apart;
            }
        }
        let mut mean = weighted.iter().sum::<f32>();
        for value in rest {
            let apart = *value - shift;
            *value = exp(apart);
            mean += *value * apart;
        }
        (folded(x.len(), 0.0, |i| x[i], |a, b| a + b), mean)
    }
}
dispatched! {
    /// Sum of exp(x - shift).
    fn exp_total(x: &[f32], shift: f32) -> f32 {
        folded(x.len(), 0.0, |i| exp(x[i] - shift), |a, b| a + b)
    }
}
dispatched! {
    /// The upper halves of numbers, two in a word, rounded to the nearest bf16; an odd last one stands with a zero.
    fn bf16_pairs(x: &[f32], words: &mut [u32]) {
        let mut pairs = x.chunks_exact(2);
        for (word, pair) in words.iter_mut().zip(&mut pairs) {
            *word = bf16(pair[0]) | bf16(pair[1]) << 16;
        }
        if let (Some(word), [last]) = (words.last_mut(), pairs.remainder()) {
            *word = bf16(*last);
        }
    }
}
dispatched! {
    /// y := x w factor.
    fn scaled_product(y: &mut [f32], x: &[f32], w: &[f32], factor: f32) {
        let (x, w) = (&x[..y.len()], &w[..y.len()]);
        for i in 0..y.len() {
            y[i] = x[i] * w[i] * factor;
        }
    }
}
dispatched! {
    /// x := exp(scale x - shift).
    fn exp_scaled(x: &mut [f32], scale: f32, shift: f32) {
        for value in x.iter_mut() {
            *value = exp(*value * scale - shift);
        }
    }
}
dispatched! {
    /// x := factor x.
    fn scale(x: &mut [f32], factor: f32) {
        for value in x.iter_mut() {
            *value *= factor;
        }
    }
}
dispatched! {
    /// y += factor x.
    fn add_scaled(y: &mut [f32], x: &[f32], factor: f32) {
        for (y, x) in y.iter_mut().zip(x) {
            *y += factor * x;
        }
    }
}
dispatched! {
    /// y += x.
    fn add(y: &mut [f32], x: &[f32]) {
        for (y, x) in y.iter_mut().zip(x) {
            *y += x;
        }
    }
}
dispatched! {
    /// gradient := probability (gradient - mean) factor.
    fn softmax_backward(gradient: &mut [f32], probability: &[f32], mean: f32, factor: f32) {
        for (g, p) in gradient.iter_mut().zip(probability) {
            *g = p * (*g - mean) * factor;
        }
    }
}
dispatched! {
    /// y += x w factor.
    fn add_scaled_product(y: &mut [f32], x: &[f32], w: &[f32], factor: f32) {
        let (x, w) = (&x[..y.len()], &w[..y.len()]);
        for i in 0..y.len() {
            y[i] += x[i] * w[i] * factor;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_is_good_to_the_last_bits() {
        for i in -8700..8800 {
            let x = i as f32 / 100.0;
            let right = f64::from(x).exp();
            assert!((f64::from(exp(x)) / right - 1.0).abs() < 3e-7, "{x}");
        }
    }

    #[test]
    fn sums_cover_lengths_that_are_no_multiple_of_the_lanes() {
        for n in [0, 1, 31, 32, 33, 100] {
            let x: Vec<f32> = (0..n).map(|i| i as f32).collect();
            let right: f32 = x.iter().map(|v| v * v).sum();
            assert_eq!(dot(&x, &x), right);
        }
    }
}
