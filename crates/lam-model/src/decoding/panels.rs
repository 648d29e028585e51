//! A weight laid out for generation: y = x wᵀ with each element summed in the order of its inputs, always.

use rayon::prelude::*;

/// Outputs of a panel.
const WIDTH: usize = 32;
/// Products below this many operations stay on one thread.
const PARALLEL: usize = 1 << 20;

/// A weight [N, K] as panels of `WIDTH` outputs: [N / WIDTH, K, WIDTH], the last one filled up with zeros.
#[derive(Clone, Debug)]
pub(crate) struct Panels {
    n: usize,
    k: usize,
    data: Vec<f32>,
}

/// A tile of `M` rows by one panel. `FUSED` multiplies and adds in one rounding.
#[inline(always)]
fn tile<const M: usize, const FUSED: bool>(x: &[f32], k: usize, panel: &[f32]) -> [[f32; WIDTH]; M] {
    let mut sums = [[0.0_f32; WIDTH]; M];
    let rows: [&[f32]; M] = std::array::from_fn(|row| &x[row * k..(row + 1) * k]);
    for (p, weights) in panel.chunks_exact(WIDTH).enumerate().take(k) {
        for row in 0..M {
            let value = rows[row][p];
            for j in 0..WIDTH {
                let sum = &mut sums[row][j];
                *sum = if FUSED { value.mul_add(weights[j], *sum) } else { *sum + value * weights[j] };
            }
        }
    }
    sums
}

/// All rows of x by one panel, `M` rows at a time; `put` takes the row and its sums.
#[inline(always)]
fn column<const M: usize, const FUSED: bool>(x: &[f32], k: usize, panel: &[f32], put: &mut dyn FnMut(usize, &[f32])) {
    let rows = x.len() / k;
    let mut row = 0;
    while row + M <= rows {
        let sums = tile::<M, FUSED>(&x[row * k..], k, panel);
        sums.iter().enumerate().for_each(|(i, sums)| put(row + i, sums));
        row += M;
    }
    while row < rows {
        put(row, &tile::<1, FUSED>(&x[row * k..], k, panel)[0]);
        row += 1;
    }
}

fn dispatched_column(x: &[f32], k: usize, panel: &[f32], put: &mut dyn FnMut(usize, &[f32])) {
    use crate::kernel::dispatch::{Level, level};
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]
    fn avx512(x: &[f32], k: usize, panel: &[f32], put: &mut dyn FnMut(usize, &[f32])) {
        column::<8, true>(x, k, panel, put);
    }
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma")]
    fn avx2(x: &[f32], k: usize, panel: &[f32], put: &mut dyn FnMut(usize, &[f32])) {
        column::<3, true>(x, k, panel, put);
    }
    match level() {
        // SAFETY: the level says that the processor has these instructions.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => unsafe { avx512(x, k, panel, put) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { avx2(x, k, panel, put) },
        Level::Baseline => column::<2, false>(x, k, panel, put),
    }
}

impl Panels {
    /// Lays out weights of the same input width `k`, one below the other.
    pub(crate) fn new(weights: &[&[f32]], k: usize) -> Self {
        let n = weights.iter().map(|w| w.len() / k).sum::<usize>();
        let mut data = vec![0.0; n.div_ceil(WIDTH) * WIDTH * k];
        for (row, weights) in weights.iter().flat_map(|w| w.chunks(k)).enumerate() {
            let panel = &mut data[row / WIDTH * WIDTH * k..];
            for (p, weight) in weights.iter().enumerate() {
                panel[p * WIDTH + row % WIDTH] = *weight;
            }
        }
        Self { n, k, data }
    }

    /// Outputs.
    pub(crate) fn outputs(&self) -> usize {
        self.n
    }

    /// x wᵀ. Shapes: x [M, K]; the result [M, N].
    pub(crate) fn apply(&self, x: &[f32]) -> Vec<f32> {
        let mut y = vec![0.0; x.len() / self.k * self.n];
        let shared = crate::kernel::shared::Shared::new(&mut y);
        let panel = |(number, panel): (usize, &[f32])| {
            let width = WIDTH.min(self.n - number * WIDTH);
            dispatched_column(x, self.k, panel, &mut |row, sums| {
                // SAFETY: only this panel writes to these columns.
                let out = unsafe { shared.from(row * self.n + number * WIDTH) };
                out[..width].copy_from_slice(&sums[..width]);
            });
        };
        let size = WIDTH * self.k;
        if x.len() * self.n < PARALLEL {
            self.data.chunks(size).enumerate().for_each(panel);
        } else {
            self.data.par_chunks(size).enumerate().for_each(panel);
        }
        y
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::finite_difference::values;

    #[test]
    fn a_row_is_the_same_bits_in_any_batch_and_equals_the_plain_product() {
        let (n, k) = (70, 37);
        let (x, w) = (values(41 * k, 1), values(n * k, 2));
        let panels = Panels::new(&[&w[..33 * k], &w[33 * k..]], k);
        let all = panels.apply(&x);
        for (row, x) in x.chunks(k).enumerate() {
            let alone = panels.apply(x);
            assert_eq!(alone, all[row * n..(row + 1) * n]);
            for (y, w) in alone.iter().zip(w.chunks(k)) {
                assert!((y - x.iter().zip(w).map(|(a, b)| a * b).sum::<f32>()).abs() < 1e-4);
            }
        }
    }
}
