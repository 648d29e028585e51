//! Embedding, dropout, what is taken, summed, rounded and added; quantised blocks; a scalar head.

use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device as Processor, Tensor};

use super::*;
use crate::backend::cpu::kernel::blocks::{BlockForm, Blocks};
use crate::backend::cpu::ops::dropout::Dropout;
use crate::backend::cpu::ops::embedding;
use crate::backend::cpu::storage::activation::Activation;
use crate::backend::cuda::Quantised;

#[test]
fn rows_of_the_table_come_and_their_gradients_go_back() {
    let Some(ops) = test_ops() else { return };
    let (v, d) = (37, 1032);
    let tokens: Vec<u32> = (0..50).map(|i| i * i % 23).collect();
    let (table, g, before) = (exact(v * d, 1), finite_difference::values(tokens.len() * d, 2), exact(v * d, 3));
    let (own, places) = (Matrix::of(&ops, &table, d, d), integers(tokens.iter().map(|&token| token as usize)));
    let mut y = ops.device.alloc::<f32>(tokens.len() * d).unwrap();
    ops.embed(ops.device.upload(&places).unwrap().all(), own.values.all(), d, y.all_mut()).unwrap();
    let wanted: Vec<f32> = tokens.iter().flat_map(|&token| table[token as usize * d..][..d].to_vec()).collect();
    assert_eq!(ops.device.read(&y).unwrap(), wanted);

    let (g, mut gradient) = (g, ops.device.upload(&before).unwrap());
    ops.embed_backward(&tokens, ops.device.upload(&g).unwrap().all(), d, gradient.all_mut()).unwrap();
    let mut wanted = before;
    embedding::backward(&tokens, &g, &mut wanted, d);
    // The same sums in the same order.
    assert_eq!(ops.device.read(&gradient).unwrap(), wanted);
}

#[test]
fn dropout_has_the_processors_mask() {
    let Some(ops) = test_ops() else { return };
    let (t, k) = (13, 72);
    for (rate, seed) in [(0.1, 7), (0.5, u64::MAX - 3), (0.0, 1)] {
        let x = exact(t * k, seed);
        let (own, mut y) = (Matrix::of(&ops, &x, k, k + 56), Matrix::empty(&ops, t, k, k + 8));
        ops.dropout(own.place(), (t, k), rate, seed, y.place_mut()).unwrap();
        let mut wanted = Activation::Bf16(rounded(&x).into());
        Dropout { rate, seed }.apply(&mut wanted);
        let Activation::Bf16(wanted) = wanted else { unreachable!("it was bf16") };
        assert_eq!(y.read(&ops), wanted.iter().map(|value| value.wide()).collect::<Vec<_>>());
    }
}

#[test]
fn rows_are_taken_and_given_back() {
    let Some(ops) = test_ops() else { return };
    let (t, d) = (9, 40);
    let (x, rows) = (exact(t * d, 1), [8i32, 0, 3]);
    let (own, places) = (Matrix::of(&ops, &x, d, d + 8), ops.device.upload(&rows).unwrap());
    let mut taken = Matrix::empty(&ops, 3, d, d + 24);
    ops.gather(own.place(), places.all(), d, taken.place_mut()).unwrap();
    let wanted: Vec<f32> = rows.iter().flat_map(|&row| x[row as usize * d..][..d].to_vec()).collect();
    assert_eq!(taken.read(&ops), wanted);

    let (values, mut sum) = (exact(4 * d, 2), exact(t * d, 3));
    let (from, mut to) = (ops.device.upload(&values).unwrap(), ops.device.upload(&sum).unwrap());
    let places = ops.device.upload(&[2i32, -1, 7, 0]).unwrap();
    ops.scatter_add(from.all(), places.all(), 0.5, d, to.all_mut()).unwrap();
    for (row, place) in [(0, 2), (2, 7), (3, 0)] {
        (0..d).for_each(|c| sum[place * d + c] += 0.5 * values[row * d + c]);
    }
    near("sum", &ops.device.read(&to).unwrap(), &sum, 1e-6);
}

#[test]
fn values_are_rounded_widened_and_added() {
    let Some(ops) = test_ops() else { return };
    let (r, c) = (6, 35);
    let x = finite_difference::values(r * c, 1);
    let (from, mut narrow) = (ops.device.upload(&x).unwrap(), Matrix::empty(&ops, r, c, c + 5));
    ops.cast(from.all(), (r, c), narrow.place_mut()).unwrap();
    assert_eq!(narrow.read(&ops), narrowed(&x));
    let mut wide = ops.device.alloc::<f32>(r * c).unwrap();
    ops.widen(narrow.place(), (r, c), wide.all_mut()).unwrap();
    assert_eq!(ops.device.read(&wide).unwrap(), narrowed(&x));
    ops.add_scaled(from.all(), -2.0, wide.all_mut()).unwrap();
    let wanted: Vec<f32> = x.iter().zip(narrowed(&x)).map(|(x, narrow)| narrow - 2.0 * x).collect();
    near("sum", &ops.device.read(&wide).unwrap(), &wanted, 1e-6);
    let mut total = ops.device.alloc::<f32>(1).unwrap();
    ops.sum(from.all(), 0.5, total.all_mut()).unwrap();
    near("total", &ops.device.read(&total).unwrap(), &[x.iter().sum::<f32>() * 0.5], 1e-5);
}

#[test]
fn a_bias_is_added_and_its_gradient_is_the_sum_of_the_rows() {
    let Some(ops) = test_ops() else { return };
    let (t, n) = (150, 48);
    let (x, bias) = (exact(t * n, 1), exact(n, 2));
    let (mut rows, own) = (Matrix::of(&ops, &x, n, n + 16), Matrix::of(&ops, &bias, n, n));
    let mut gradient = ops.device.upload(&vec![1f32; n]).unwrap();
    ops.bias_backward(rows.place(), (t, n), gradient.all_mut()).unwrap();
    let column = |c: usize| 1.0 + x.iter().skip(c).step_by(n).sum::<f32>();
    near("gradient", &ops.device.read(&gradient).unwrap(), &(0..n).map(column).collect::<Vec<_>>(), 1e-5);
    ops.add_bias(rows.place_mut(), own.values.all(), (t, n)).unwrap();
    let wanted: Vec<f32> = x.iter().enumerate().map(|(i, x)| x + bias[i % n]).collect();
    assert_eq!(rows.read(&ops), narrowed(&wanted));
}

/// A weight in blocks: on the device, the processor's values of it, and those without its rounding. Shape: [N, K].
pub(crate) fn quantised(ops: &Ops, form: BlockForm, (n, k): (usize, usize)) -> (Quantised, Vec<f32>, Vec<f32>) {
    let weight = Tensor::from_vec(finite_difference::values(n * k, 1), (n, k), &Processor::Cpu).unwrap();
    let mut on_device = Quantised::new(ops.device(), form, (n, k)).unwrap();
    // As two layers of a group.
    let first = n / 2;
    for (row, part) in [(0, weight.narrow(0, 0, first)), (first, weight.narrow(0, first, n - first))] {
        // candle quantises a view from its storage's beginning.
        let part = part.unwrap().force_contiguous().unwrap();
        if part.elem_count() > 0 {
            on_device.write(ops.device(), row, Blocks::quantise(&part, form).unwrap().raw().0).unwrap();
        }
    }
    let mut values = vec![bf16::ZERO; n * k];
    Blocks::quantise(&weight, form).unwrap().expand(0, &mut values);
    let theirs = match form {
        BlockForm::Q8_0 => GgmlDType::Q8_0,
        BlockForm::Q4_0 => GgmlDType::Q4_0,
        BlockForm::Q4K => GgmlDType::Q4K,
    };
    let theirs = QTensor::quantize(&weight, theirs).unwrap().dequantize(&Processor::Cpu).unwrap();
    let theirs = theirs.flatten_all().unwrap().to_vec1().unwrap();
    (on_device, values.into_iter().map(Element::wide).collect(), theirs)
}

#[test]
fn blocks_expand_to_the_processors_numbers() {
    let Some(ops) = test_ops() else { return };
    for (form, k, columns) in
        [(BlockForm::Q8_0, 96, 32..64), (BlockForm::Q4_0, 160, 64..160), (BlockForm::Q4K, 768, 256..512)]
    {
        let n = 5;
        let (own, wanted, _) = quantised(&ops, form, (n, k));
        let mut y = Matrix::empty(&ops, n, k, k + 64);
        ops.dequantise(own.all(), (n, k), y.place_mut()).unwrap();
        assert_eq!(y.read(&ops), wanted, "{form:?}");
        let mut y = Matrix::empty(&ops, 3, columns.len(), columns.len() + 8);
        ops.dequantise(own.part(1..4, columns.start), (3, columns.len()), y.place_mut()).unwrap();
        let part = wanted[k..4 * k].chunks(k).flat_map(|row| &row[columns.clone()]).copied().collect::<Vec<_>>();
        assert_eq!(y.read(&ops), part, "{form:?}, some columns");
    }
}

#[test]
fn columns_are_copied() {
    let Some(ops) = test_ops() else { return };
    let (x, k) = (exact(7 * 40, 1), 24);
    let (own, mut y) = (Matrix::of(&ops, &x, 40, 48), Matrix::empty(&ops, 7, k, 40));
    let place = Place { values: own.values.view(8..), stride: 48 };
    ops.copy_columns(place, (7, k), y.place_mut()).unwrap();
    assert_eq!(y.read(&ops), x.chunks(40).flat_map(|row| &row[8..8 + k]).copied().collect::<Vec<_>>());
}

#[test]
fn scores_and_their_gradients_are_products_with_the_head() {
    let Some(ops) = test_ops() else { return };
    let (t, d) = (150, 104);
    let rows: Vec<usize> = (0..t).filter(|row| row % 2 == 1).collect();
    let n = rows.len();
    let (x, w, g) = (exact(t * d, 1), finite_difference::values(d, 2), finite_difference::values(n, 3));
    let (own, places) = (Matrix::of(&ops, &x, d, d + 24), ops.device.upload(&integers(rows.clone())).unwrap());
    let [weight, by_scores] = [&w, &g].map(|values| ops.device.upload(values).unwrap());
    let mut scores = ops.device.alloc::<f32>(n).unwrap();
    ops.scores(own.place(), places.all(), weight.all(), scores.all_mut()).unwrap();
    let product = |row: &usize| x[row * d..][..d].iter().zip(&w).map(|(x, w)| x * w).sum::<f32>();
    near("scores", &ops.device.read(&scores).unwrap(), &rows.iter().map(product).collect::<Vec<_>>(), 1e-5);

    let (mut by_x, mut by_w) = (vec![0.25f32; t * d], vec![0f32; d]);
    for (row, g) in rows.iter().zip(&g) {
        for c in 0..d {
            by_x[row * d + c] += g * w[c];
            by_w[c] += g * x[row * d + c];
        }
    }
    let (mut sum, mut gradient) =
        (ops.device.upload(&vec![0.25f32; t * d]).unwrap(), ops.device.zeros::<f32>(d).unwrap());
    let (by_scores, into) = (by_scores.all(), (sum.all_mut(), gradient.all_mut()));
    ops.scores_backward(own.place(), places.all(), weight.all(), by_scores, d, into.0, into.1).unwrap();
    near("gradient by the rows", &ops.device.read(&sum).unwrap(), &by_x, 1e-6);
    near("gradient by the head", &ops.device.read(&gradient).unwrap(), &by_w, 1e-5);
}
