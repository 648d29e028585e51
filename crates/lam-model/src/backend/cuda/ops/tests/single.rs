//! Products of a single row, against f64.

use super::super::single::{Becomes, Extended, Single, Weights};
use super::values::quantised;
use super::{Matrix, exact, near, test_ops};
use crate::backend::cpu::kernel::blocks::BlockForm;

const EPS: f32 = 1e-5;

/// [W | s B] over [A | zeros], and a row.
struct Product {
    n: usize,
    k: usize,
    r: usize,
    matrix: Vec<f32>,
    x: Vec<f32>,
    norm: Vec<f32>,
}

impl Product {
    fn new(n: usize, k: usize, r: usize) -> Self {
        let columns = (k + r).next_multiple_of(8);
        let mut matrix = exact((n + r) * columns, 1);
        for (row, values) in matrix.chunks_mut(columns).enumerate() {
            values[if row < n { k + r } else { k }..].fill(0.0);
        }
        Self { n, k, r, matrix, x: exact(k, 2), norm: exact(k, 3) }
    }

    fn columns(&self) -> usize {
        (self.k + self.r).next_multiple_of(8)
    }

    fn expected(&self, normed: bool) -> Vec<f64> {
        let mut x: Vec<f64> = self.x.iter().map(|value| f64::from(*value)).collect();
        if normed {
            let squares = x.iter().map(|value| value * value).sum::<f64>() / self.k as f64;
            let root = (squares + f64::from(EPS)).sqrt();
            x.iter_mut().zip(&self.norm).for_each(|(x, w)| *x = *x / root * f64::from(*w));
        }
        let product = |row: usize, x: &[f64]| {
            let values = &self.matrix[row * self.columns()..];
            x.iter().zip(values).map(|(x, w)| x * f64::from(*w)).sum::<f64>()
        };
        let inner: Vec<f64> = (self.n..self.n + self.r).map(|row| product(row, &x)).collect();
        x.extend(inner);
        (0..self.n).map(|row| product(row, &x)).collect()
    }
}

#[track_caller]
fn assert_close(found: &[f32], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    let size = expected.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((f64::from(*found) - expected).abs() < tolerance * size, "{i}: {found} {expected}");
    }
}

#[test]
fn odd_sizes_with_adapters_and_without() {
    let Some(ops) = test_ops() else { return };
    let (device, exactly) = (ops.device(), 1e-5);
    for (n, k, r) in [(1, 8, 0), (37, 72, 0), (33, 264, 5), (16, 64, 16), (7000, 16, 3)] {
        let product = Product::new(n, k, r);
        let matrix = Matrix::of(&ops, &product.matrix, product.columns(), product.columns() + 8);
        let w = Extended { weights: Weights::Dense(matrix.place()), size: (n, k, r) };
        let (x, norm) = (device.upload(&product.x).unwrap(), Matrix::of(&ops, &product.norm, k, k));
        let narrow = Matrix::of(&ops, &product.x, k, k);
        let normed = Single::Normed(x.all(), norm.values.all(), EPS);
        let row = Single::Row(narrow.values.all());

        let mut wide = device.alloc::<f32>(n).unwrap();
        ops.single_product(w, normed, Becomes::Wide(wide.all_mut())).unwrap();
        assert_close(&device.read(&wide).unwrap(), &product.expected(true), exactly);
        ops.single_product(w, row, Becomes::Wide(wide.all_mut())).unwrap();
        ops.single_product(w, row, Becomes::Added(wide.all_mut())).unwrap();
        let twice: Vec<f64> = product.expected(false).iter().map(|value| 2.0 * value).collect();
        assert_close(&device.read(&wide).unwrap(), &twice, exactly);
        let mut y = Matrix::empty(&ops, 1, n, n + 3);
        ops.single_product(w, normed, Becomes::Row(y.values.all_mut())).unwrap();
        assert_close(&y.read(&ops), &product.expected(true), 4e-3);
    }
}

#[test]
fn gates_and_ups() {
    let Some(ops) = test_ops() else { return };
    for (f, k, r) in [(8, 16, 0), (40, 64, 6)] {
        let product = Product::new(2 * f, k, r);
        let matrix = Matrix::of(&ops, &product.matrix, product.columns(), product.columns());
        let w = Extended { weights: Weights::Dense(matrix.place()), size: (2 * f, k, r) };
        let (x, norm) = (ops.device().upload(&product.x).unwrap(), Matrix::of(&ops, &product.norm, k, k));
        let mut p = ops.device().alloc::<f32>(f).unwrap();
        ops.single_gate_up(w, Single::Normed(x.all(), norm.values.all(), EPS), p.all_mut()).unwrap();
        let both = product.expected(true);
        let expected: Vec<f64> = (0..f).map(|i| both[i] / (1.0 + (-both[i]).exp()) * both[f + i]).collect();
        assert_close(&ops.device().read(&p).unwrap(), &expected, 1e-5);
    }
}

/// Rows of [W | s B] over [A | zeros], with a W of blocks: its exact values, or those of the processor.
fn with_blocks(n: usize, k: usize, r: usize, w: &[f32]) -> Product {
    let mut product = Product::new(n, k, r);
    let columns = product.columns();
    for (to, from) in product.matrix.chunks_mut(columns).zip(w.chunks(k)) {
        to[..k].copy_from_slice(from);
    }
    product
}

#[test]
fn blocks_are_read_as_they_are() {
    let Some(ops) = test_ops() else { return };
    let (device, exactly) = (ops.device(), 1e-5);
    let sizes = [(1_usize, 2_usize, 0_usize), (37, 3, 0), (34, 9, 5), (3000, 1, 16), (50, 70, 11)];
    for (form, (n, blocks, r)) in
        [BlockForm::Q8_0, BlockForm::Q4_0, BlockForm::Q4K].into_iter().flat_map(|form| sizes.map(|size| (form, size)))
    {
        let k = if form == BlockForm::Q4K { blocks.div_ceil(4) } else { blocks } * form.size().0;
        let (own, of_processor, w) = quantised(&ops, form, (n, k));
        let product = with_blocks(n, k, r, &w);
        let columns = product.columns();
        let a = Matrix::of(&ops, &product.matrix[n * columns..], columns, columns + 8);
        // Zeros behind B up to a multiple of 8.
        let width = r.next_multiple_of(8);
        let mut b = vec![0f32; n * width];
        for (to, from) in b.chunks_mut(width.max(1)).zip(product.matrix.chunks(columns)) {
            to[..r].copy_from_slice(&from[k..k + r]);
        }
        let b = (r > 0).then(|| Matrix::of(&ops, &b, width, width + 8));
        let weights = Weights::Blocks(own.all(), a.place(), b.as_ref().map(Matrix::place));
        let w = Extended { weights, size: (n, k, r) };
        let (x, norm) = (device.upload(&product.x).unwrap(), Matrix::of(&ops, &product.norm, k, k));
        let narrow = Matrix::of(&ops, &product.x, k, k);
        let normed = Single::Normed(x.all(), norm.values.all(), EPS);

        let mut wide = device.alloc::<f32>(n).unwrap();
        ops.single_product(w, normed, Becomes::Wide(wide.all_mut())).unwrap();
        let found = device.read(&wide).unwrap();
        assert_close(&found, &product.expected(true), exactly);
        let of_processor = with_blocks(n, k, r, &of_processor).expected(true);
        let of_processor: Vec<f32> = of_processor.into_iter().map(|value| value as f32).collect();
        near(&format!("{form:?} {n} x {k}, {r} ranks"), &found, &of_processor, 4e-3);
        let mut y = Matrix::empty(&ops, 1, n, n + 3);
        ops.single_product(w, normed, Becomes::Row(y.values.all_mut())).unwrap();
        assert_close(&y.read(&ops), &product.expected(true), 4e-3);

        ops.single_product(w, Single::Row(narrow.values.all()), Becomes::Wide(wide.all_mut())).unwrap();
        ops.single_product(w, Single::Wide(x.all()), Becomes::Added(wide.all_mut())).unwrap();
        let twice: Vec<f64> = product.expected(false).iter().map(|value| 2.0 * value).collect();
        assert_close(&device.read(&wide).unwrap(), &twice, exactly);

        if n.is_multiple_of(2) {
            let (f, both) = (n / 2, product.expected(true));
            let mut p = device.alloc::<f32>(f).unwrap();
            ops.single_gate_up(w, normed, p.all_mut()).unwrap();
            let expected: Vec<f64> = (0..f).map(|i| both[i] / (1.0 + (-both[i]).exp()) * both[f + i]).collect();
            // The errors of two products.
            assert_close(&device.read(&p).unwrap(), &expected, 4.0 * exactly);
        }
    }
}
