//! The innermost loop of a bf16 product by Arm's dot product of pairs (`bfdot`), which stable Rust has no name for.

use std::arch::asm;

use super::piece::{Piece, Put, store};

/// Rows and columns that are summed at once.
const ROWS: usize = 4;
const COLUMNS: usize = 16;

/// Four rows by 16 columns.
#[repr(align(64))]
struct Sums([[f32; COLUMNS]; ROWS]);

/// As `tile::rows`.
///
/// # Safety
/// As `tile::rows`; the processor has `bfdot`.
pub(super) unsafe fn sweep(vectors: usize, rows: usize, pieces: &[Piece], partial: Option<*const f32>, put: Put) {
    for first in (0..rows).step_by(ROWS) {
        let count = ROWS.min(rows - first);
        for vector in 0..vectors {
            let mut sums = Sums([[0.0; COLUMNS]; ROWS]);
            // SAFETY: the caller's; rows that do not exist are the last one once more.
            unsafe {
                if let Some(partial) = partial {
                    for (i, sums) in sums.0.iter_mut().enumerate().take(count) {
                        let at = ((first + i) * vectors + vector) * COLUMNS;
                        *sums = partial.add(at).cast::<[f32; COLUMNS]>().read_unaligned();
                    }
                }
                for piece in pieces.iter().filter(|piece| piece.pairs > 0) {
                    let row = |i: usize| piece.left.cast::<u8>().add((first + i.min(count - 1)) * piece.row);
                    add(&mut sums, piece, std::array::from_fn(row), vector, vectors);
                }
                let exist = put.columns.saturating_sub(COLUMNS * vector).min(COLUMNS);
                for (i, sums) in sums.0.iter().enumerate().take(count) {
                    store(&sums[..exist], (first + i) * put.stride + COLUMNS * vector, put);
                }
            }
        }
    }
}

/// Adds the products of a piece.
#[inline]
unsafe fn add(sums: &mut Sums, piece: &Piece, left: [*const u8; ROWS], vector: usize, vectors: usize) {
    let [a0, a1, a2, a3] = left;
    // SAFETY: the caller's; the registers are named.
    unsafe {
        asm!(
            ".arch_extension bf16",
            "ld1 {{v0.4s, v1.4s, v2.4s, v3.4s}}, [{c}], #64",
            "ld1 {{v4.4s, v5.4s, v6.4s, v7.4s}}, [{c}], #64",
            "ld1 {{v8.4s, v9.4s, v10.4s, v11.4s}}, [{c}], #64",
            "ld1 {{v12.4s, v13.4s, v14.4s, v15.4s}}, [{c}]",
            "sub {c}, {c}, #192",
            "2:",
            "ld1 {{v16.4s, v17.4s, v18.4s, v19.4s}}, [{b}], {row}",
            "ld1 {{v20.s}}[0], [{a0}], {step}",
            "ld1 {{v20.s}}[1], [{a1}], {step}",
            "ld1 {{v20.s}}[2], [{a2}], {step}",
            "ld1 {{v20.s}}[3], [{a3}], {step}",
            "bfdot v0.4s, v16.8h, v20.2h[0]", "bfdot v1.4s, v17.8h, v20.2h[0]",
            "bfdot v2.4s, v18.8h, v20.2h[0]", "bfdot v3.4s, v19.8h, v20.2h[0]",
            "bfdot v4.4s, v16.8h, v20.2h[1]", "bfdot v5.4s, v17.8h, v20.2h[1]",
            "bfdot v6.4s, v18.8h, v20.2h[1]", "bfdot v7.4s, v19.8h, v20.2h[1]",
            "bfdot v8.4s, v16.8h, v20.2h[2]", "bfdot v9.4s, v17.8h, v20.2h[2]",
            "bfdot v10.4s, v18.8h, v20.2h[2]", "bfdot v11.4s, v19.8h, v20.2h[2]",
            "bfdot v12.4s, v16.8h, v20.2h[3]", "bfdot v13.4s, v17.8h, v20.2h[3]",
            "bfdot v14.4s, v18.8h, v20.2h[3]", "bfdot v15.4s, v19.8h, v20.2h[3]",
            "subs {n}, {n}, #1",
            "b.ne 2b",
            "st1 {{v0.4s, v1.4s, v2.4s, v3.4s}}, [{c}], #64",
            "st1 {{v4.4s, v5.4s, v6.4s, v7.4s}}, [{c}], #64",
            "st1 {{v8.4s, v9.4s, v10.4s, v11.4s}}, [{c}], #64",
            "st1 {{v12.4s, v13.4s, v14.4s, v15.4s}}, [{c}]",
            c = inout(reg) sums.0.as_mut_ptr() => _,
            b = inout(reg) piece.panel.wrapping_add(vector * COLUMNS) => _,
            row = in(reg) 4 * COLUMNS * vectors,
            a0 = inout(reg) a0 => _,
            a1 = inout(reg) a1 => _,
            a2 = inout(reg) a2 => _,
            a3 = inout(reg) a3 => _,
            step = in(reg) piece.step,
            n = inout(reg) piece.pairs => _,
            out("v0") _, out("v1") _, out("v2") _, out("v3") _, out("v4") _, out("v5") _, out("v6") _, out("v7") _,
            out("v8") _, out("v9") _, out("v10") _, out("v11") _, out("v12") _, out("v13") _, out("v14") _,
            out("v15") _, out("v16") _, out("v17") _, out("v18") _, out("v19") _, out("v20") _,
            options(nostack)
        );
    }
}
