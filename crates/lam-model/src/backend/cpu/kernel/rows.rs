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

/// Folds the terms of some numbers over fixed lanes, which `all` joins. Whole arrays of lanes at a time: where an index
/// could leave its slice, the compiler keeps the lanes in memory.
#[inline(always)]
fn folded(
    x: &[f32],
    start: f32,
    term: impl Fn(f32) -> f32,
    join: impl Fn(f32, f32) -> f32,
    all: fn(&[f32; LANES]) -> f32,
) -> f32 {
    let (whole, rest) = x.as_chunks::<LANES>();
    let mut lanes = [start; LANES];
    for x in whole {
        for (lane, x) in lanes.iter_mut().zip(x) {
            *lane = join(*lane, term(*x));
        }
    }
    rest.iter().fold(all(&lanes), |total, x| join(total, term(*x)))
}

/// Joins the lanes' upper half to the lower one until one is left: as many steps after each other as halves, not as lanes.
#[inline(always)]
fn halved(lanes: &[f32; LANES], join: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = *lanes;
    for width in [16, 8, 4, 2, 1] {
        for j in 0..width {
            lanes[j] = join(lanes[j], lanes[j + width]);
        }
    }
    lanes[0]
}

/// Sum of the lanes. A function of its own: the compiler would choose the loop's vectors by its last step's.
#[inline(never)]
fn total(lanes: &[f32; LANES]) -> f32 {
    halved(lanes, |a, b| a + b)
}

#[inline(always)]
fn higher(a: f32, b: f32) -> f32 {
    if b > a { b } else { a }
}

/// Highest of the lanes; as [`total`].
#[inline(never)]
fn highest(lanes: &[f32; LANES]) -> f32 {
    halved(lanes, higher)
}

dispatched! {
    /// Sum of x y.
    fn dot(x: &[f32], y: &[f32]) -> f32 {
        let ((xs, x), (ys, y)) = (x.as_chunks::<LANES>(), y[..x.len()].as_chunks::<LANES>());
        let mut sums = [0.0; LANES];
        for (x, y) in xs.iter().zip(ys) {
            for j in 0..LANES {
                sums[j] += x[j] * y[j];
            }
        }
        x.iter().zip(y).fold(total(&sums), |sum, (x, y)| sum + x * y)
    }
}
dispatched! {
    /// Sum of x x.
    fn squares(x: &[f32]) -> f32 {
        folded(x, 0.0, |x| x * x, |a, b| a + b, total)
    }
}
dispatched! {
    /// Sums of x x, and of x y z.
    fn squares_and_dot3(x: &[f32], y: &[f32], z: &[f32]) -> (f32, f32) {
        let (xs, x) = x.as_chunks::<LANES>();
        let (ys, y) = y.as_chunks::<LANES>();
        let (zs, z) = z.as_chunks::<LANES>();
        let (mut squares, mut products) = ([0.0; LANES], [0.0; LANES]);
        for ((x, y), z) in xs.iter().zip(ys).zip(zs) {
            for j in 0..LANES {
                squares[j] += x[j] * x[j];
                products[j] += x[j] * y[j] * z[j];
            }
        }
        let (mut square, mut product) = (total(&squares), total(&products));
        for ((x, y), z) in x.iter().zip(y).zip(z) {
            square += x * x;
            product += x * y * z;
        }
        (square, product)
    }
}
dispatched! {
    /// Largest value.
    fn max(x: &[f32]) -> f32 {
        folded(x, f32::NEG_INFINITY, |x| x, higher, highest)
    }
}
dispatched! {
    /// x := exp(x - shift); returns the sum.
    fn exp_sum(x: &mut [f32], shift: f32) -> f32 {
        for value in x.iter_mut() {
            *value = exp(*value - shift);
        }
        folded(x, 0.0, |x| x, |a, b| a + b, total)
    }
}
dispatched! {
    /// y := exp(x - shift); returns the sum, and that of y (x - shift).
    fn exp_sum_and_mean(x: &[f32], shift: f32, y: &mut [f32]) -> (f32, f32) {
        let ((ys, y), (xs, x)) = (y[..x.len()].as_chunks_mut::<LANES>(), x.as_chunks::<LANES>());
        let (mut sums, mut weighted) = ([0.0; LANES], [0.0; LANES]);
        for (x, y) in xs.iter().zip(ys) {
            for j in 0..LANES {
                let apart = x[j] - shift;
                y[j] = exp(apart);
                sums[j] += y[j];
                weighted[j] += y[j] * apart;
            }
        }
        let (mut sum, mut mean) = (total(&sums), total(&weighted));
        for (x, y) in x.iter().zip(y) {
            let apart = x - shift;
            *y = exp(apart);
            sum += *y;
            mean += *y * apart;
        }
        (sum, mean)
    }
}
dispatched! {
    /// y := factor x.
    fn scaled<E: Element>(x: &[f32], factor: f32, y: &mut [E]) {
        for (y, x) in y.iter_mut().zip(x) {
            *y = E::narrow(x * factor);
        }
    }
}
dispatched! {
    /// Sum of exp(x - shift).
    fn exp_total(x: &[f32], shift: f32) -> f32 {
        folded(x, 0.0, |x| exp(x - shift), |a, b| a + b, total)
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
