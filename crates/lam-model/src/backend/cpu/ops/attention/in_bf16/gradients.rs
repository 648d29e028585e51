//! What the vectors do in the backward between the products: for a block of keys by queries, a key a row.

use half::bf16;

use super::pack::{halves, loaded, scaled};
use crate::backend::cpu::kernel::tiles::{SIDE, Sums};
use crate::backend::cpu::kernel::vector::{LANES, Vector};

/// Products of a block, and what belongs to its queries.
pub(super) struct Products<'a> {
    pub(super) scores: &'a [[f32; SIDE]; SIDE],
    /// The gradient by the probabilities.
    pub(super) dp: &'a [[f32; SIDE]; SIDE],
    /// The factor of scores whose power of two is wanted.
    pub(super) factor: f32,
    /// As a power of two.
    pub(super) logsumexp: &'a [f32; SIDE],
    /// The product of output and gradient.
    pub(super) means: &'a [f32; SIDE],
}

/// What becomes of them, rounded, but for the factor of the scores.
pub(super) struct Rounded<'a> {
    /// Probabilities, and the gradient by the scores, as left sides over queries.
    pub(super) p: &'a mut [[bf16; SIDE]; SIDE],
    pub(super) ds: &'a mut [[bf16; SIDE]; SIDE],
    /// The latter as a right side over keys.
    pub(super) ds_down: &'a mut [[bf16; SIDE]; SIDE],
}

impl Products<'_> {
    /// p := exp(s - logsumexp); ds := p (dp - mean).
    #[inline(always)]
    pub(super) unsafe fn seen_whole<V: Vector>(&self, to: Rounded<'_>) {
        // SAFETY: the caller's: the processor has these vectors.
        unsafe {
            let (factor, zero) = (V::splat(self.factor), V::splat(0.0));
            let (logsumexp, means) = (loaded::<V>(self.logsumexp), loaded::<V>(self.means));
            let shifts = [V::sub(zero, logsumexp[0]), V::sub(zero, logsumexp[1])];
            for pair in 0..LANES {
                let mut both = [V::narrow(zero, zero); 2];
                for (row, both) in [2 * pair, 2 * pair + 1].into_iter().zip(&mut both) {
                    let (s, dp) = (loaded::<V>(&self.scores[row]), loaded::<V>(&self.dp[row]));
                    let first = V::exp2(V::fma(s[0], factor, shifts[0]));
                    let second = V::exp2(V::fma(s[1], factor, shifts[1]));
                    V::store_narrow(&mut to.p[row], V::narrow(first, second));
                    let first = V::mul(first, V::sub(dp[0], means[0]));
                    let second = V::mul(second, V::sub(dp[1], means[1]));
                    *both = V::narrow(first, second);
                    V::store_narrow(&mut to.ds[row], *both);
                }
                let [first, second] = V::weave(both[0], both[1]);
                V::store_narrow(&mut to.ds_down[pair], first);
                V::store_narrow(&mut to.ds_down[LANES + pair], second);
            }
        }
    }

    /// The same where a query has a bit for a key; zero elsewhere.
    #[inline(always)]
    pub(super) unsafe fn seen_where<V: Vector>(&self, bits: &[u32; SIDE], to: Rounded<'_>) {
        // SAFETY: as above.
        unsafe {
            let (factor, zero) = (V::splat(self.factor), V::splat(0.0));
            for pair in 0..LANES {
                let mut both = [V::narrow(zero, zero); 2];
                for (row, both) in [2 * pair, 2 * pair + 1].into_iter().zip(&mut both) {
                    let (mut ps, mut by_score) = ([zero; 2], [zero; 2]);
                    for half in 0..2 {
                        let bits = (bits[row] >> (LANES * half)) as u16;
                        if bits == 0 {
                            continue;
                        }
                        let shift = V::sub(zero, V::load(halves(self.logsumexp)[half]));
                        let p = V::exp2(V::fma(V::load(halves(&self.scores[row])[half]), factor, shift));
                        let by_p = V::sub(V::load(halves(&self.dp[row])[half]), V::load(halves(self.means)[half]));
                        ps[half] = V::select(bits, p, zero);
                        by_score[half] = V::select(bits, V::mul(p, by_p), zero);
                    }
                    V::store_narrow(&mut to.p[row], V::narrow(ps[0], ps[1]));
                    *both = V::narrow(by_score[0], by_score[1]);
                    V::store_narrow(&mut to.ds[row], *both);
                }
                let [first, second] = V::weave(both[0], both[1]);
                V::store_narrow(&mut to.ds_down[pair], first);
                V::store_narrow(&mut to.ds_down[LANES + pair], second);
            }
        }
    }
}

/// Sixteen sums of x y.
#[inline(always)]
pub(super) unsafe fn products_of<V: Vector>(x: &[bf16], y: &[bf16], sums: &mut [f32; LANES]) {
    let ((x, x_rest), (y, y_rest)) = (x.as_chunks::<LANES>(), y.as_chunks::<LANES>());
    // SAFETY: the caller's.
    unsafe {
        let mut sum = V::splat(0.0);
        for (x, y) in x.iter().zip(y) {
            sum = V::fma(V::widened(x), V::widened(y), sum);
        }
        if !x_rest.is_empty() {
            let filled = |rest: &[bf16]| std::array::from_fn(|lane| rest.get(lane).copied().unwrap_or(bf16::ZERO));
            sum = V::fma(V::widened(&filled(x_rest)), V::widened(&filled(y_rest)), sum);
        }
        V::store(sums, sum);
    }
}

/// Columns of a block as rows, scaled and rounded.
#[inline(always)]
pub(super) unsafe fn turned<V: Vector>(sums: &Sums, factor: f32) -> [[V::H; LANES]; 2] {
    // SAFETY: the caller's.
    unsafe {
        let (factor, zero) = (V::splat(factor), V::splat(0.0));
        let mut turned = [[V::narrow(zero, zero); LANES]; 2];
        for (pair, rows) in sums.0.as_chunks::<2>().0.iter().enumerate() {
            let woven = V::weave(scaled::<V>(&rows[0], factor), scaled::<V>(&rows[1], factor));
            (turned[0][pair], turned[1][pair]) = (woven[0], woven[1]);
        }
        for square in &mut turned {
            V::turn(square);
        }
        turned
    }
}
