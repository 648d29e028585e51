//! Products of a few rows with blocks, against the processor's numbers of these.

use super::super::few::FewBecome;
use super::norms::product;
use super::values::quantised;
use super::*;
use crate::backend::cpu::kernel::blocks::BlockForm;

#[test]
fn a_few_rows_read_blocks_once() {
    let Some(ops) = test_ops() else { return };
    for form in [BlockForm::Q8_0, BlockForm::Q4_0, BlockForm::Q4K] {
        for (t, n, blocks, r) in [(1, 1, 8, 0), (2, 37, 40, 5), (5, 48, 24, 16), (8, 130, 72, 0)] {
            let k: usize = if form == BlockForm::Q4K { blocks * 32 } else { blocks * 32 - 32 };
            let (own, _, w) = quantised(&ops, form, (n, k));
            let (x, b, before) = (exact(t * (k + r), 2), exact(n * r, 3), exact(t * n, 4));
            let rows = Matrix::of(&ops, &x, k + r, (k + r).next_multiple_of(8) + 8);
            let beside = (r > 0).then(|| Matrix::of(&ops, &b, r, r + 3));
            let mut wanted: Vec<f32> = x.chunks(k + r).flat_map(|x| product(&x[..k], &w, k)).collect();
            if r > 0 {
                let more = x.chunks(k + r).flat_map(|x| product(&x[k..], &b, r));
                wanted.iter_mut().zip(more).for_each(|(y, more)| *y += more);
            }
            let what = format!("{form:?} {t} x {n} x {k}, {r} ranks");
            let weights = (own.all(), beside.as_ref().map(Matrix::place));
            let onto = ops.device.upload(&before).unwrap();
            let mut y = ops.device.alloc::<f32>(t * n).unwrap();
            let to = (FewBecome::Wide(None, y.all_mut()), n);
            ops.few_product(weights, (n, k, r), (rows.place(), t), to).unwrap();
            near(&what, &ops.device.read(&y).unwrap(), &wanted, 1e-5);
            let to = (FewBecome::Wide(Some(onto.all()), y.all_mut()), n);
            ops.few_product(weights, (n, k, r), (rows.place(), t), to).unwrap();
            let sum: Vec<f32> = wanted.iter().zip(&before).map(|(y, before)| y + before).collect();
            near(&what, &ops.device.read(&y).unwrap(), &sum, 1e-5);
            let mut narrow = Matrix::empty(&ops, t, n, n + 3);
            let stride = narrow.stride;
            let to = (FewBecome::Rows(narrow.values.all_mut()), stride);
            ops.few_product(weights, (n, k, r), (rows.place(), t), to).unwrap();
            near(&what, &narrow.read(&ops), &wanted, 4e-3);
        }
    }
}
