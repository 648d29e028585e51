//! The innermost loop of a bf16 product: some rows of the left side by one panel, summed in f32 in registers.
//!
//! Each element is summed over the pairs of the reduction in their order, by the processor's dot product of bf16
//! pairs where it has one. So a result depends neither on the number of threads nor on which rows share a tile.

#[cfg(target_arch = "x86_64")]
use super::dispatch::multiplies_bf16;
use super::piece::store;
pub(crate) use super::piece::{Destination, Piece, Put};

/// Rows `0..rows` by a panel of `vectors` × 16 columns. `partial` holds the sums so far, [rows, 16 V], if there are any.
///
/// # Safety
/// Every piece's rows, panel and the places of `put` lie in memory that the caller may read and write, and nobody
/// else writes to.
pub(crate) unsafe fn rows(vectors: usize, rows: usize, pieces: &[Piece], partial: Option<*const f32>, put: Put) {
    // SAFETY: as promised by the caller; the processor has been asked.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        if multiplies_bf16() {
            return match vectors {
                4 => paired::sweep::<6, 4>(rows, pieces, partial, put),
                3 => paired::sweep::<8, 3>(rows, pieces, partial, put),
                2 => paired::sweep::<12, 2>(rows, pieces, partial, put),
                _ => paired::sweep::<12, 1>(rows, pieces, partial, put),
            };
        }
        match vectors {
            4 => widened::sweep::<64>(rows, pieces, partial, put),
            3 => widened::sweep::<48>(rows, pieces, partial, put),
            2 => widened::sweep::<32>(rows, pieces, partial, put),
            _ => widened::sweep::<16>(rows, pieces, partial, put),
        }
    }
}

/// With the processor's dot product of bf16 pairs.
#[cfg(target_arch = "x86_64")]
mod paired {
    use std::arch::x86_64::*;

    use super::*;

    #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx512bf16")]
    pub(super) unsafe fn sweep<const M: usize, const V: usize>(
        rows: usize,
        pieces: &[Piece],
        partial: Option<*const f32>,
        put: Put,
    ) {
        let mut row = 0;
        // SAFETY: as promised by the caller; no row from `rows` on is touched.
        unsafe {
            while row + M <= rows {
                tile::<M, V>(row, pieces, partial, put);
                row += M;
            }
            if row + 4 <= rows {
                tile::<4, V>(row, pieces, partial, put);
                row += 4;
            }
            if row + 4 <= rows {
                tile::<4, V>(row, pieces, partial, put);
                row += 4;
            }
            if row + 2 <= rows {
                tile::<2, V>(row, pieces, partial, put);
                row += 2;
            }
            if row < rows {
                tile::<1, V>(row, pieces, partial, put);
            }
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx512bf16")]
    unsafe fn tile<const M: usize, const V: usize>(
        row: usize,
        pieces: &[Piece],
        partial: Option<*const f32>,
        put: Put,
    ) {
        let mut sums = [[_mm512_setzero_ps(); V]; M];
        // SAFETY: as promised by the caller of `rows`.
        unsafe {
            if let Some(partial) = partial {
                for (i, sums) in sums.iter_mut().enumerate() {
                    for (v, sum) in sums.iter_mut().enumerate() {
                        *sum = _mm512_loadu_ps(partial.add(((row + i) * V + v) * 16));
                    }
                }
            }
            for piece in pieces {
                let left: [*const u8; M] = std::array::from_fn(|i| piece.left.cast::<u8>().add((row + i) * piece.row));
                let mut panel = piece.panel;
                let mut at = 0;
                for _ in 0..piece.pairs {
                    let weights: [__m512bh; V] =
                        std::array::from_fn(|v| std::mem::transmute(_mm512_loadu_si512(panel.add(16 * v).cast())));
                    for i in 0..M {
                        let pair: __m512bh =
                            std::mem::transmute(_mm512_set1_epi32(left[i].add(at).cast::<i32>().read_unaligned()));
                        for v in 0..V {
                            sums[i][v] = _mm512_dpbf16_ps(sums[i][v], pair, weights[v]);
                        }
                    }
                    panel = panel.add(16 * V);
                    at += piece.step;
                }
            }
            let alpha = _mm512_set1_ps(put.alpha);
            for (i, sums) in sums.iter().enumerate() {
                let at = (row + i) * put.stride;
                for (v, sum) in sums.iter().enumerate() {
                    let exist = put.columns.saturating_sub(16 * v).min(16);
                    let mask = ((1_u32 << exist) - 1) as u16;
                    let value = _mm512_mul_ps(*sum, alpha);
                    match put.to {
                        Destination::Replace(c) => _mm512_mask_storeu_ps(c.add(at + 16 * v), mask, value),
                        Destination::Add(from, c) => {
                            let before = _mm512_maskz_loadu_ps(mask, from.add(at + 16 * v));
                            _mm512_mask_storeu_ps(c.add(at + 16 * v), mask, _mm512_add_ps(before, value));
                        }
                        Destination::Bf16(c) => {
                            let narrow: __m256i = std::mem::transmute(_mm512_cvtneps_pbh(value));
                            _mm256_mask_storeu_epi16(c.add(at + 16 * v).cast(), mask, narrow);
                        }
                    }
                }
            }
        }
    }
}

/// In f32, for processors that have neither this nor fused multiply-adds (see [`super::tiles`]).
mod widened {
    use super::*;

    /// Rows that share the widening of a panel.
    const ROWS: usize = 4;

    pub(super) unsafe fn sweep<const W: usize>(rows: usize, pieces: &[Piece], partial: Option<*const f32>, put: Put) {
        for first in (0..rows).step_by(ROWS) {
            let count = ROWS.min(rows - first);
            let mut sums = [[0.0_f32; W]; ROWS];
            // SAFETY: as promised by the caller of `rows`.
            unsafe {
                if let Some(partial) = partial {
                    for (i, sums) in sums.iter_mut().enumerate().take(count) {
                        sums.copy_from_slice(std::slice::from_raw_parts(partial.add((first + i) * W), W));
                    }
                }
                for piece in pieces {
                    let start = piece.left.cast::<u8>();
                    let pair = |i: usize, p: usize| {
                        let at = (first + i.min(count - 1)) * piece.row + p * piece.step;
                        start.add(at).cast::<u32>().read_unaligned()
                    };
                    let left: Vec<[u32; ROWS]> =
                        (0..piece.pairs).map(|p| std::array::from_fn(|i| pair(i, p))).collect();
                    add(&mut sums, &left, std::slice::from_raw_parts(piece.panel, piece.pairs * W));
                }
                for (i, sums) in sums.iter().enumerate().take(count) {
                    store(&sums[..put.columns], (first + i) * put.stride, put);
                }
            }
        }
    }

    fn add<const W: usize>(sums: &mut [[f32; W]; ROWS], left: &[[u32; ROWS]], panel: &[u32]) {
        let wide = |pair: u32| (f32::from_bits(pair << 16), f32::from_bits(pair & 0xffff_0000));
        for (left, pairs) in left.iter().zip(panel.chunks_exact(W)) {
            for (sums, left) in sums.iter_mut().zip(left) {
                let (first, second) = wide(*left);
                for (sum, pair) in sums.iter_mut().zip(pairs) {
                    let (low, high) = wide(*pair);
                    *sum += first * low + second * high;
                }
            }
        }
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;
    use crate::backend::cpu::storage::activation::rounded;
    use crate::finite_difference::values;

    #[test]
    fn both_forms_of_the_loop_agree() {
        if !multiplies_bf16() {
            return;
        }
        let (rows, pairs, columns) = (23, 40, 61);
        let left = rounded(&values(rows * 2 * pairs, 1));
        let pairs_of = |seed| rounded(&values(pairs * 64, seed));
        let panel: Vec<u32> = pairs_of(2)
            .iter()
            .zip(pairs_of(3))
            .map(|(a, b)| u32::from(a.to_bits()) | u32::from(b.to_bits()) << 16)
            .collect();
        let piece = Piece { left: left.as_ptr(), row: 4 * pairs, step: 4, pairs, panel: panel.as_ptr() };
        let (mut a, mut b) = (vec![1.0; rows * columns], vec![1.0; rows * columns]);
        let to = |c: &mut Vec<f32>| Destination::Add(c.as_ptr(), c.as_mut_ptr());
        let put = |c: &mut Vec<f32>| Put { to: to(c), stride: columns, columns, alpha: 0.5 };
        // SAFETY: rows, panel and places lie in the vectors above.
        unsafe {
            paired::sweep::<6, 4>(rows, &[piece], None, put(&mut a));
            widened::sweep::<64>(rows, &[piece], None, put(&mut b));
        }
        assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-4));
    }
}
