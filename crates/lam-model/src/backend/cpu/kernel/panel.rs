//! The right side of a bf16 product, cut into panels: columns side by side, the reduction in pairs.
//!
//! A panel of W columns over R values of the reduction is [R / 2, W] of u32: the lower half of each holds the value
//! at 2p, the upper half the one at 2p + 1, as the processor's dot product of bf16 pairs wants them. An odd R is
//! filled up with a zero; columns that do not exist are zero.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut, Range};

use half::bf16;

use super::dispatch::dispatched;
use super::numbers::Numbers;

/// Columns of a full panel.
pub(crate) const WIDTH: usize = 64;

/// How the right side b [reduction, columns] of a product lies in its source.
#[derive(Clone, Copy)]
pub(crate) enum Right<'a> {
    /// A column of b is a row of the source: b = wᵀ. Rows are `stride` apart.
    Transposed(Numbers<'a>, usize),
    /// A row of b is a row of the source: b = w. Rows are `stride` apart.
    Plain(Numbers<'a>, usize),
}

dispatched! {
    /// Two rows side by side: out[j] = low[j] | high[j] << 16.
    fn interleave(low: &[bf16], high: &[bf16], out: &mut [u32]) {
        let (low, high) = (&low[..out.len()], &high[..out.len()]);
        for j in 0..out.len() {
            out[j] = u32::from(low[j].to_bits()) | u32::from(high[j].to_bits()) << 16;
        }
    }
}

/// A cache line of words.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line(#[expect(dead_code, reason = "lines are read as words")] [u32; LINE]);

/// Words of a line.
const LINE: usize = 16;

/// Memory for panels that a thread takes and gives back, so that it is neither mapped nor cleared again each time.
/// Starts at a cache line: what is read in whole lines costs several times as much off them.
pub(crate) struct Words {
    lines: Vec<Line>,
    len: usize,
}

thread_local! {
    static SPARE: RefCell<Vec<Vec<Line>>> = const { RefCell::new(Vec::new()) };
}

/// Buffers that a thread keeps.
const SPARES: usize = 8;

/// The smallest spare of at least so many lines, else the largest.
fn spare(lines: usize) -> Vec<Line> {
    SPARE.with_borrow_mut(|spare| {
        let fits = |(_, own): &(usize, &Vec<Line>)| own.len() >= lines;
        let smallest = spare.iter().enumerate().filter(fits).min_by_key(|(_, own)| own.len());
        let chosen = smallest.or_else(|| spare.iter().enumerate().max_by_key(|(_, own)| own.len()));
        chosen.map(|(at, _)| at).map(|at| spare.swap_remove(at)).unwrap_or_default()
    })
}

impl Words {
    /// `len` words without a meaning.
    pub(crate) fn take(len: usize) -> Self {
        let mut words = Self { lines: Vec::new(), len: 0 };
        words.grow(len);
        words
    }

    /// As many words at least; what they were is lost.
    pub(crate) fn grow(&mut self, len: usize) {
        if self.lines.is_empty() && len > 0 {
            self.lines = spare(len.div_ceil(LINE));
        }
        if self.lines.len() * LINE < len {
            self.lines.resize(len.div_ceil(LINE), Line([0; LINE]));
        }
        self.len = self.len.max(len);
    }
}

impl Drop for Words {
    fn drop(&mut self) {
        let lines = std::mem::take(&mut self.lines);
        SPARE.with_borrow_mut(|spare| {
            if spare.len() < SPARES && !lines.is_empty() {
                spare.push(lines);
            }
        });
    }
}

impl Deref for Words {
    type Target = [u32];

    fn deref(&self) -> &[u32] {
        // SAFETY: a line is 16 words, and there are lines for `len`.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }
}

impl DerefMut for Words {
    fn deref_mut(&mut self) -> &mut [u32] {
        // SAFETY: as above.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}

/// Reduction that is transposed at once, so that the source's cache lines are read once.
const TRANSPOSED_AT_ONCE: usize = 32;

/// Writes `columns` (at most `width`) over `reduction` as a panel of `width` columns.
pub(crate) fn pack(right: Right<'_>, columns: Range<usize>, reduction: Range<usize>, width: usize, out: &mut [u32]) {
    match right {
        Right::Transposed(source, stride) => pack_transposed(source, stride, columns, reduction, width, out),
        Right::Plain(source, stride) => pack_plain(source, stride, columns, reduction, width, out),
    }
}

fn pack_transposed(
    source: Numbers<'_>,
    stride: usize,
    columns: Range<usize>,
    reduction: Range<usize>,
    width: usize,
    out: &mut [u32],
) {
    let (whole, odd) = (reduction.len() / 2, reduction.len() % 2);
    if columns.len() < width {
        out.fill(0);
    }
    let mut buffers = vec![bf16::ZERO; if matches!(source, Numbers::Bf16(_)) { 0 } else { 16 * reduction.len() }];
    for first in (0..columns.len()).step_by(16) {
        let count = 16.min(columns.len() - first);
        let start = |j: usize| (columns.start + first + j) * stride + reduction.start;
        let mut rows: [&[bf16]; 16] = [&[]; 16];
        match source {
            Numbers::Bf16(values) => {
                (0..count).for_each(|j| rows[j] = &values[start(j)..start(j) + reduction.len()]);
            }
            _ => {
                for (j, buffer) in buffers.chunks_mut(reduction.len()).enumerate().take(count) {
                    source.row(start(j), buffer);
                }
                (0..count).for_each(|j| rows[j] = &buffers[j * reduction.len()..(j + 1) * reduction.len()]);
            }
        }
        if count == 16 {
            transpose::sixteen(&rows, whole, width, &mut out[first..]);
        } else {
            for (j, row) in rows[..count].iter().enumerate() {
                for p in 0..whole {
                    out[p * width + first + j] = pair(row[2 * p], row[2 * p + 1]);
                }
            }
        }
        if odd == 1 {
            for (j, row) in rows[..count].iter().enumerate() {
                out[whole * width + first + j] = pair(row[2 * whole], bf16::ZERO);
            }
        }
    }
}

#[inline(always)]
fn pair(low: bf16, high: bf16) -> u32 {
    u32::from(low.to_bits()) | u32::from(high.to_bits()) << 16
}

fn pack_plain(
    source: Numbers<'_>,
    stride: usize,
    columns: Range<usize>,
    reduction: Range<usize>,
    width: usize,
    out: &mut [u32],
) {
    let zeros = [bf16::ZERO; WIDTH];
    let mut buffers = [[bf16::ZERO; WIDTH]; 2];
    let n = columns.len();
    for (p, out) in out.chunks_mut(width).enumerate().take(reduction.len().div_ceil(2)) {
        let row = reduction.start + 2 * p;
        let [a, b] = &mut buffers;
        let low = source.row(row * stride + columns.start, &mut a[..n]);
        let high =
            if row + 1 < reduction.end { source.row((row + 1) * stride + columns.start, &mut b[..n]) } else { &zeros };
        interleave(low, &high[..n], &mut out[..n]);
        out[n..].fill(0);
    }
}

/// Sixteen rows of pairs become sixteen columns.
mod transpose {
    use super::*;

    pub(super) fn sixteen(rows: &[&[bf16]; 16], pairs: usize, width: usize, out: &mut [u32]) {
        #[cfg(target_arch = "x86_64")]
        if crate::backend::cpu::kernel::dispatch::level() == crate::backend::cpu::kernel::dispatch::Level::Avx512 {
            assert!(rows.iter().all(|row| row.len() >= 2 * pairs) && out.len() + width >= pairs * width + 16);
            // SAFETY: the level says that the processor has these instructions; the sizes were just checked.
            unsafe { wide(rows, pairs, width, out) };
            return;
        }
        plain(rows, 0, pairs, width, out);
    }

    fn plain(rows: &[&[bf16]; 16], from: usize, pairs: usize, width: usize, out: &mut [u32]) {
        for start in (from..pairs).step_by(TRANSPOSED_AT_ONCE) {
            for (j, row) in rows.iter().enumerate() {
                for p in start..pairs.min(start + TRANSPOSED_AT_ONCE) {
                    out[p * width + j] = pair(row[2 * p], row[2 * p + 1]);
                }
            }
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw")]
    unsafe fn wide(rows: &[&[bf16]; 16], pairs: usize, width: usize, out: &mut [u32]) {
        use std::arch::x86_64::*;

        use crate::backend::cpu::kernel::turn::turned;
        let whole = pairs / 16 * 16;
        for p in (0..whole).step_by(16) {
            // SAFETY: sixteen pairs from p on are inside every row, and their columns inside `out`.
            unsafe {
                let r: [__m512i; 16] = std::array::from_fn(|j| _mm512_loadu_si512(rows[j].as_ptr().add(2 * p).cast()));
                for (column, values) in turned(r).into_iter().enumerate() {
                    _mm512_storeu_si512(out.as_mut_ptr().add((p + column) * width).cast(), values);
                }
            }
        }
        plain(rows, whole, pairs, width, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::cpu::kernel::element::Element;
    use crate::finite_difference::values;

    #[test]
    fn both_forms_hold_every_value_in_its_place() {
        let (rows, stride) = (90, 77);
        let w = values(rows * stride, 1);
        let rounded: Vec<bf16> = w.iter().map(|v| bf16::narrow(*v)).collect();
        for (columns, reduction) in [(0..64, 0..76), (3..67, 5..70), (16..48, 0..33), (60..77, 2..9), (5..6, 0..1)] {
            let width = columns.len().next_multiple_of(16);
            let (n, r) = (columns.len(), reduction.len());
            for source in [Numbers::F32(&w), Numbers::Bf16(&rounded)] {
                let mut panel = vec![7; r.div_ceil(2) * width];
                for plain in [false, true] {
                    let right = if plain { Right::Plain(source, stride) } else { Right::Transposed(source, stride) };
                    pack(right, columns.clone(), reduction.clone(), width, &mut panel);
                    for p in 0..r {
                        for j in 0..width {
                            let word = panel[p / 2 * width + j];
                            let found = bf16::from_bits(if p % 2 == 0 { word as u16 } else { (word >> 16) as u16 });
                            let (row, column) = if plain {
                                (reduction.start + p, columns.start + j)
                            } else {
                                (columns.start + j, reduction.start + p)
                            };
                            let right = if j < n { rounded[row * stride + column] } else { bf16::ZERO };
                            assert_eq!(found.to_bits(), right.to_bits(), "{plain} {columns:?} {p} {j}");
                        }
                    }
                }
            }
        }
    }
}
