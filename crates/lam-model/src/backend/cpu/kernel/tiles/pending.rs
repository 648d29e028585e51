//! Sums that have left the tiles and are still to be scaled, added, rounded and written. The vector unit does that while
//! the tiles work at the next block. Every processor rounds alike.

use half::bf16;

use super::super::element::Element;
use super::super::tile::{Destination, Put};
use super::block::{SIDE, Tiles};

/// Rows of a block of sums that are still to be written.
pub(super) struct Pending {
    sums: *const f32,
    row: usize,
    high: usize,
    put: Put,
}

impl Pending {
    /// `high` rows from `sums` on, 32 values apart.
    pub(super) fn new(sums: *const f32, high: usize, put: Put) -> Self {
        Self { sums, row: 0, high, put }
    }

    /// Nothing.
    pub(super) fn none() -> Self {
        let put = Put { to: Destination::Replace(std::ptr::null_mut()), stride: 0, columns: 0, alpha: 1.0 };
        Self { sums: std::ptr::null(), row: 0, high: 0, put }
    }

    /// Writes the next rows of sums of `T`, in the instructions of AVX-512 where registers have 512 `BITS`.
    ///
    /// # Safety
    /// Sums and results are as large as was said, nobody else touches them, and who says 512 `BITS` has AVX-512.
    #[inline(always)]
    pub(super) unsafe fn finish<T: Tiles, const BITS: usize>(&mut self, rows: usize) {
        let range = self.row..self.high.min(self.row + rows);
        if range.is_empty() {
            return;
        }
        self.row = range.end;
        #[cfg(target_arch = "x86_64")]
        if BITS == 512 {
            // SAFETY: the caller's.
            return unsafe {
                if T::CONVERTS {
                    wide::convert(self.sums, range, self.put)
                } else {
                    wide::write(self.sums, range, self.put)
                }
            };
        }
        for i in range {
            // SAFETY: as above.
            unsafe { write(&*self.sums.add(i * SIDE).cast::<[f32; SIDE]>(), i * self.put.stride, self.put) };
        }
    }
}

/// Writes a row to the place `at`.
#[inline(always)]
unsafe fn write(sums: &[f32; SIDE], at: usize, put: Put) {
    let values = sums.iter().map(|sum| sum * put.alpha);
    // SAFETY: the caller's: `columns` results may be written.
    unsafe {
        match put.to {
            Destination::Replace(c) => {
                std::slice::from_raw_parts_mut(c.add(at), put.columns).iter_mut().zip(values).for_each(|(c, v)| *c = v);
            }
            Destination::Add(from, c) => {
                for (j, value) in values.enumerate().take(put.columns) {
                    *c.add(at + j) = *from.add(at + j) + value;
                }
            }
            Destination::Bf16(c) => {
                let c = std::slice::from_raw_parts_mut(c.add(at), put.columns);
                c.iter_mut().zip(values).for_each(|(c, v)| *c = <bf16 as Element>::narrow(v));
            }
        }
    }
}

/// The same in the instructions of AVX-512: what the compiler makes of the loops above takes longer than the tiles.
#[cfg(target_arch = "x86_64")]
pub(super) mod wide {
    use std::arch::x86_64::*;
    use std::ops::Range;

    use super::super::block::SIDE;
    use crate::backend::cpu::kernel::tile::{Destination, Put};

    const LANES: usize = 16;

    /// Writes some rows.
    ///
    /// # Safety
    /// As [`super::Pending::finish`].
    #[inline]
    #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2")]
    pub(super) unsafe fn write(sums: *const f32, rows: Range<usize>, put: Put) {
        let alpha = _mm512_set1_ps(put.alpha);
        let columns = (1_u64 << put.columns) - 1;
        let masks = [columns as u16, (columns >> LANES) as u16];
        for i in rows {
            for (half, mask) in masks.into_iter().enumerate() {
                // SAFETY: a room has whole rows, and only the columns that exist are read and written.
                unsafe {
                    let values = _mm512_mul_ps(_mm512_loadu_ps(sums.add(i * SIDE + half * LANES)), alpha);
                    let at = i * put.stride + half * LANES;
                    match put.to {
                        Destination::Replace(c) => _mm512_mask_storeu_ps(c.wrapping_add(at), mask, values),
                        Destination::Add(from, c) => {
                            let before = _mm512_maskz_loadu_ps(mask, from.wrapping_add(at));
                            _mm512_mask_storeu_ps(c.wrapping_add(at), mask, _mm512_add_ps(before, values));
                        }
                        Destination::Bf16(c) => {
                            _mm256_mask_storeu_epi16(c.wrapping_add(at).cast(), mask, narrow(values));
                        }
                    }
                }
            }
        }
    }

    /// The same where the processor rounds to bf16 by itself, which is as `narrow` does it, but for numbers too small to be
    /// normal: those a factor may make.
    ///
    /// # Safety
    /// As [`super::Pending::finish`], of sums that are all normal or zero.
    #[inline]
    #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx512bf16,avx2")]
    pub(super) unsafe fn convert(sums: *const f32, rows: Range<usize>, put: Put) {
        let Destination::Bf16(c) = put.to else {
            // SAFETY: the caller's, here and below.
            return unsafe { write(sums, rows, put) };
        };
        if put.alpha != 1.0 {
            return unsafe { write(sums, rows, put) };
        }
        let columns = ((1_u64 << put.columns) - 1) as u32;
        for i in rows {
            // SAFETY: a room has whole rows, and only the columns that exist are written; a register of bf16 is as long as
            // one of whole numbers.
            unsafe {
                let row = sums.add(i * SIDE);
                let rounded = _mm512_cvtne2ps_pbh(_mm512_loadu_ps(row.add(LANES)), _mm512_loadu_ps(row));
                let rounded = std::mem::transmute::<__m512bh, __m512i>(rounded);
                _mm512_mask_storeu_epi16(c.wrapping_add(i * put.stride).cast(), columns, rounded);
            }
        }
    }

    /// The nearest bf16, as `Element::narrow` has it.
    #[inline]
    #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2")]
    pub(in super::super) fn narrow(values: __m512) -> __m256i {
        let bits = _mm512_castps_si512(values);
        let upper = _mm512_srli_epi32::<16>(bits);
        let odd = _mm512_and_si512(upper, _mm512_set1_epi32(1));
        let raised = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
        let rounded = _mm512_srli_epi32::<16>(raised);
        let nan = _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(values, values);
        _mm512_cvtepi32_epi16(_mm512_mask_or_epi32(rounded, nan, upper, _mm512_set1_epi32(0x40)))
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::super::hardware::Hardware;
    use super::super::model::Model;
    use super::*;
    use crate::backend::cpu::kernel::features::Features;

    /// All rows of a room to a result of `columns`, in one of the forms.
    fn written<T: Tiles, const BITS: usize>(
        sums: &[f32],
        columns: usize,
        alpha: f32,
    ) -> (Vec<f32>, Vec<f32>, Vec<u16>) {
        let stride = columns + 3;
        let (mut replaced, mut added, mut narrow) =
            (vec![7.0; SIDE * stride], vec![0.5; SIDE * stride], vec![bf16::ONE; SIDE * stride]);
        for to in [
            Destination::Replace(replaced.as_mut_ptr()),
            Destination::Add(added.as_ptr(), added.as_mut_ptr()),
            Destination::Bf16(narrow.as_mut_ptr()),
        ] {
            let mut pending = Pending::new(sums.as_ptr(), SIDE, Put { to, stride, columns, alpha });
            for rows in [1, 3, 0, SIDE] {
                // SAFETY: as large as that, and 512 is said where it may be.
                unsafe { pending.finish::<T, BITS>(rows) };
            }
        }
        (replaced, added, narrow.into_iter().map(bf16::to_bits).collect())
    }

    #[test]
    fn both_forms_write_the_same_bits() {
        use crate::backend::cpu::kernel::dispatch::{Level, level};
        if level() != Level::Avx512 {
            return;
        }
        let special = [f32::NAN, f32::from_bits(0xffc0_0001), f32::INFINITY, f32::MAX, -0.0, 1e-40, 1.003_906_3];
        let mut sums: Vec<f32> = (0..1024_u32).map(|i| f32::from_bits(i.wrapping_mul(0x9e37_79b9))).collect();
        sums[..special.len()].copy_from_slice(&special);
        for (columns, alpha) in [(32, 1.0), (16, 0.5), (17, 1.0), (1, 3.0), (31, 0.75)] {
            let plain = written::<Model, 0>(&sums, columns, alpha);
            let wide = written::<Model, 512>(&sums, columns, alpha);
            let bits = |x: &[f32]| x.iter().map(|x| if x.is_nan() { 0 } else { x.to_bits() }).collect::<Vec<_>>();
            assert_eq!((bits(&plain.0), bits(&plain.1)), (bits(&wide.0), bits(&wide.1)), "{columns}");
            assert_eq!(plain.2, wide.2, "{columns}");
            if Features::here().bf16 {
                let normal: Vec<f32> = sums.iter().map(|x| if x.is_subnormal() { 0.0 } else { *x }).collect();
                let plain = written::<Model, 0>(&normal, columns, alpha).2;
                assert_eq!(plain, written::<Hardware, 512>(&normal, columns, alpha).2, "{columns}");
            }
        }
    }
}
