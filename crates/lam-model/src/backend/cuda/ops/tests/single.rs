//! Products of a single row, against f64.

use super::super::single::{Becomes, Extended, Single};
use super::{Matrix, exact, test_ops};

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
        let w = Extended { matrix: matrix.place(), size: (n, k, r) };
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
        let w = Extended { matrix: matrix.place(), size: (2 * f, k, r) };
        let (x, norm) = (ops.device().upload(&product.x).unwrap(), Matrix::of(&ops, &product.norm, k, k));
        let mut p = Matrix::empty(&ops, 1, f, f + 8);
        ops.single_gate_up(w, Single::Normed(x.all(), norm.values.all(), EPS), p.values.all_mut()).unwrap();
        let both = product.expected(true);
        let expected: Vec<f64> = (0..f).map(|i| both[i] / (1.0 + (-both[i]).exp()) * both[f + i]).collect();
        assert_close(&p.read(&ops), &expected, 4e-3);
    }
}
