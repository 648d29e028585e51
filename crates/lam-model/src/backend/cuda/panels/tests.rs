//! Groups of quantised layers: their products panel by panel, against products with the whole.

use std::sync::{Arc, Mutex};

use half::bf16;

use super::*;
use crate::Precision;
use crate::backend::cpu::kernel::blocks::BlockForm;
use crate::backend::cpu::ops::rope::Rope;
use crate::backend::cpu::storage::activation::rounded;
use crate::backend::cuda::ops::PANEL_BYTES;
use crate::backend::cuda::ops::tests::norms::product;
use crate::backend::cuda::ops::tests::values::quantised;
use crate::backend::cuda::ops::tests::{Matrix, exact, narrowed, near, test_ops};
use crate::backend::cuda::{Part, Rows, Sums, stride_of};
use crate::backend::run::{Heads, Run};
use crate::rotary::Rotary;

/// Rows with room behind them.
fn rows(ops: &Ops, values: &[f32], columns: usize, room: usize) -> Rows {
    let mut rows = Rows::new(ops.device(), values.len() / columns, columns, room).unwrap();
    let own = Matrix::of(ops, values, columns, rows.stride);
    ops.device().copy(rows.values_mut(), own.values.all()).unwrap();
    rows
}

/// The columns of rows in f32.
fn read(ops: &Ops, rows: &Rows) -> Vec<f32> {
    let all = ops.device().read(rows.values()).unwrap();
    all.chunks(rows.stride).flat_map(|row| row[..rows.columns].iter().map(|value| value.to_f32())).collect()
}

fn transposed(values: &[f32], columns: usize) -> Vec<f32> {
    (0..columns).flat_map(|column| values.iter().skip(column).step_by(columns).copied()).collect()
}

fn run() -> Run {
    Run {
        tokens: Vec::new(),
        spans: Vec::new(),
        positions: Vec::new(),
        rope: Arc::new(Rope::new(Rotary::plain(64, 1e4), 0)),
        heads: Heads { query: 1, key_value: 1, dim: 64, window: None },
        eps: 1e-5,
        precision: Precision::Bf16,
        dropout_seed: None,
    }
}

/// A group of one layer, with the values of W, A and s B.
fn group(ops: &Ops, form: BlockForm, (n, k, r): (usize, usize, usize)) -> (Group, [Vec<f32>; 3]) {
    let (own, w, _) = quantised(ops, form, (n, k));
    let (a, b) = (exact(r * k, 5), exact(n * r, 6));
    let placed = |values: &[f32], columns: usize, stride: usize| {
        let mut all = vec![bf16::ZERO; values.len() / columns.max(1) * stride];
        for (to, from) in all.chunks_mut(stride).zip(values.chunks(columns.max(1))) {
            to[..columns].copy_from_slice(&rounded(from));
        }
        ops.device().upload(&all).unwrap()
    };
    let part = Part { rows: (0, n), ranks: (0, r), scale: 1.0, dropout: 0.0, module: 0 };
    let group = Group {
        parts: vec![part],
        size: (n, k, r),
        matrix: placed(&a, k, stride_of(k, r)),
        apart: (r > 0).then(|| placed(&b, r, stride_of(0, r))),
        bias: None,
        quantised: Some(own),
        sums: Mutex::new(Sums { a: None, b: None, w: None, bias: None }),
    };
    (group, [w, a, b])
}

#[test]
fn panels_give_what_the_whole_matrix_gives() {
    let Some(ops) = test_ops() else { return };
    let run = run();
    for (form, n, k, r) in
        [(BlockForm::Q8_0, 600, 608, 5), (BlockForm::Q4_0, 530, 288, 0), (BlockForm::Q4K, 300, 768, 12)]
    {
        // More than a few.
        let t = 11;
        let (own, [w, a, b]) = group(&ops, form, (n, k, r));
        let (x, g) = (exact(t * k, 2), exact(t * n, 3));
        let inner = |x: &[f32], factor: &[f32], k: usize| match r {
            0 => Vec::new(),
            _ => narrowed(&product(x, factor, k)),
        };
        let sum = |x: &[f32], w: &[f32], k: usize, inner: &[f32], outer: &[f32]| {
            let mut y = product(x, w, k);
            if r > 0 {
                y.iter_mut().zip(product(inner, outer, r)).for_each(|(y, more)| *y += more);
            }
            y
        };
        let y = sum(&x, &w, k, &inner(&x, &a, k), &b);
        let by_x = sum(&g, &transposed(&w, k), n, &inner(&g, &transposed(&b, r.max(1)), n), &transposed(&a, k));
        // One panel; then steps of 256 rows or columns.
        for ops in [ops.clone(), ops.clone().with_panels(1)] {
            let x = rows(&ops, &x, k, r);
            let found = own.forward(&ops, (&run, 0), &x).unwrap();
            near(&format!("{form:?} forward"), &read(&ops, &found), &y, 3e-3);
            let g = rows(&ops, &g, n, r);
            let found = own.gradient(&ops, 0, &g).unwrap().by_input(&ops, &run, 0).unwrap();
            near(&format!("{form:?} backward"), &read(&ops, &found), &by_x, 3e-3);
        }
    }
}

#[test]
fn ranges_are_about_equal_and_whole_steps() {
    let cut = |count, bytes, limit| ranges(count, bytes, limit).collect::<Vec<_>>();
    assert_eq!(cut(700, 1000, 10), [0..256, 256..512, 512..700]);
    assert_eq!(cut(700, 1000, 600_000), [0..512, 512..700]);
    assert_eq!(cut(700, 1000, 1 << 20), std::iter::once(0..700).collect::<Vec<_>>());
    // Gates and ups of a Mistral-7B with an adapter of rank 8: eight panels of 14 tiles.
    let panels = cut(28672, 2 * 4160, PANEL_BYTES);
    assert_eq!((panels.len(), panels[0].clone(), panels[7].clone()), (8, 0..3584, 25088..28672));
}
