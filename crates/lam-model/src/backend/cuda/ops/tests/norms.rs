//! Norms, positions and SwiGLU.

use super::*;
use crate::backend::cpu::ops::rms_norm::{self, Gradients};
use crate::backend::cpu::ops::rope::Rope;
use crate::backend::cpu::ops::swiglu;
use crate::backend::cpu::storage::activation::Activation;
use crate::rotary::Rotary;

#[test]
fn rows_are_normed_and_their_gradients_are_the_processors() {
    let Some(ops) = test_ops() else { return };
    // Rows that registers hold, with and without room behind them, and one that they do not.
    for (t, d, stride) in [(5, 64, 64), (3, 520, 576), (1, 8, 16), (2, 4608, 4608)] {
        let (x, w, by_y) = (finite_difference::values(t * d, 1), exact(d, 2), exact(t * d, 3));
        let (own, weight) = (ops.device.upload(&x).unwrap(), Matrix::of(&ops, &w, d, d));
        let (mut y, mut rstd) = (Matrix::empty(&ops, t, d, stride), ops.device.alloc::<f32>(t).unwrap());
        ops.rms_norm(own.all(), weight.values.all(), (t, d), 1e-2, y.place_mut(), rstd.all_mut()).unwrap();
        let mut wanted = vec![0f32; t * d];
        rms_norm::forward(&x, &w, 1e-2, &mut wanted);
        near(&format!("y of width {d}"), &y.read(&ops), &wanted, 4e-3);

        let before = finite_difference::values(t * d, 4);
        let (mut by_x, mut by_w) = (before.clone(), vec![0.5; d]);
        rms_norm::backward(&x, &w, 1e-2, &by_y, Gradients { x: &mut by_x, rounded: None, w: Some(&mut by_w) });
        let g = Matrix::of(&ops, &by_y, d, stride);
        for first in [false, true] {
            let (mut sum, mut narrow) = (ops.device.upload(&before).unwrap(), Matrix::empty(&ops, t, d, stride));
            let of = (own.all(), rstd.all(), weight.values.all());
            ops.rms_norm_backward(of.0, of.1, of.2, (t, d), g.place(), first, sum.all_mut(), narrow.place_mut())
                .unwrap();
            let wanted: Vec<f32> =
                by_x.iter().zip(&before).map(|(all, old)| all - if first { *old } else { 0.0 }).collect();
            near(&format!("gradient by x of width {d}"), &ops.device.read(&sum).unwrap(), &wanted, 1e-5);
            near(&format!("the same in bf16, width {d}"), &narrow.read(&ops), &wanted, 4e-3);
        }
        let mut gradient = ops.device.upload(&vec![0.5f32; d]).unwrap();
        ops.rms_norm_weight_backward(own.all(), rstd.all(), g.place(), (t, d), gradient.all_mut()).unwrap();
        near(&format!("gradient by w of width {d}"), &ops.device.read(&gradient).unwrap(), &by_w, 1e-5);
    }
}

#[test]
fn a_gradient_by_a_weight_is_summed_over_all_rows() {
    let Some(ops) = test_ops() else { return };
    let (t, d) = (200, 24);
    let (x, w, by_y) = (finite_difference::values(t * d, 1), exact(d, 2), exact(t * d, 3));
    let (mut by_x, mut by_w) = (vec![0.0; t * d], vec![0.0; d]);
    rms_norm::backward(&x, &w, 1e-2, &by_y, Gradients { x: &mut by_x, rounded: None, w: Some(&mut by_w) });
    let rstd: Vec<f32> =
        x.chunks(d).map(|x| 1.0 / (x.iter().map(|x| x * x).sum::<f32>() / d as f32 + 1e-2).sqrt()).collect();
    let (x, rstd) = (ops.device.upload(&x).unwrap(), ops.device.upload(&rstd).unwrap());
    let (g, mut gradient) = (Matrix::of(&ops, &by_y, d, 32), ops.device.zeros::<f32>(d).unwrap());
    ops.rms_norm_weight_backward(x.all(), rstd.all(), g.place(), (t, d), gradient.all_mut()).unwrap();
    near("gradient by w", &ops.device.read(&gradient).unwrap(), &by_w, 1e-5);
}

#[test]
fn heads_are_normed_each_by_itself() {
    let Some(ops) = test_ops() else { return };
    for (t, heads, e) in [(7, 3, 128), (90, 2, 80), (2, 1, 16)] {
        let (n, columns) = (t * heads, heads * e);
        let (x, w, by_y) = (exact(n * e, 1), exact(e, 2), exact(n * e, 3));
        let (own, weight) = (Matrix::of(&ops, &x, columns, columns + 24), Matrix::of(&ops, &w, e, e));
        let mut y = Matrix::empty(&ops, t, columns, columns + 8);
        ops.head_norm(own.place(), weight.values.all(), (t, heads, e), 1e-2, y.place_mut()).unwrap();
        let mut wanted = vec![0f32; n * e];
        rms_norm::forward(&x, &w, 1e-2, &mut wanted);
        near(&format!("y of {heads} heads of {e}"), &y.read(&ops), &wanted, 4e-3);
        let (mut by_x, mut by_w) = (vec![0.0; n * e], vec![0.0; e]);
        rms_norm::backward(&x, &w, 1e-2, &by_y, Gradients { x: &mut by_x, rounded: None, w: Some(&mut by_w) });
        for wanted in [false, true] {
            let mut g = Matrix::of(&ops, &by_y, columns, columns + 16);
            let mut gradient = ops.device.zeros::<f32>(e).unwrap();
            let into = wanted.then(|| gradient.all_mut());
            ops.head_norm_backward(own.place(), weight.values.all(), (t, heads, e), 1e-2, g.place_mut(), into).unwrap();
            near("gradient by x", &g.read(&ops), &by_x, 4e-3);
            let expected = if wanted { by_w.clone() } else { vec![0.0; e] };
            near("gradient by w", &ops.device.read(&gradient).unwrap(), &expected, 1e-5);
        }
    }
}

/// The table of positions that the kernels read.
pub(super) fn table(rotary: &Rotary, positions: usize) -> Vec<f32> {
    let angles = (0..positions).flat_map(|position| rotary.frequencies.iter().map(move |f| position as f32 * f));
    angles.flat_map(|angle| [angle.cos() * rotary.scale, angle.sin() * rotary.scale]).collect()
}

#[test]
fn heads_are_rotated_there_and_back() {
    let Some(ops) = test_ops() else { return };
    for (dim, heads, room) in [(64, 3, 40), (80, 2, 0), (128, 2, 128), (16, 5, 8)] {
        let (t, columns) = (11, heads * dim);
        let rotary = Rotary { scale: 1.2, ..Rotary::plain(dim, 1e4) };
        let (x, positions): (_, Vec<usize>) = (exact(t * columns, 1), (0..t).map(|i| i * 13 % 50).collect());
        let table = ops.device.upload(&table(&rotary, 50)).unwrap();
        let places = ops.device.upload(&integers(positions.clone())).unwrap();
        for direction in [1.0, -1.0] {
            let mut rows = Matrix::of(&ops, &x, columns, columns + room);
            ops.rope(rows.place_mut(), t, heads, dim, places.all(), table.all(), direction).unwrap();
            let mut wanted = Activation::F32(x.clone().into());
            Rope::new(rotary.clone(), 50).rotate(&mut wanted, columns, &positions, direction);
            let Activation::F32(wanted) = wanted else { unreachable!("it was f32") };
            near(&format!("heads of {dim}"), &rows.read(&ops), &wanted, 4e-3);
        }
    }
}

#[test]
fn swiglu_and_its_gradients_are_the_processors() {
    let Some(ops) = test_ops() else { return };
    for (t, f) in [(7, 136), (1, 8), (33, 64)] {
        let scaled = |seed| narrowed(&exact(t * f, seed).iter().map(|value| value * 3.0).collect::<Vec<_>>());
        let (gate, up, g) = (scaled(1), scaled(2), exact(t * f, 3));
        let fused: Vec<f32> = gate.chunks(f).zip(up.chunks(f)).flat_map(|(gate, up)| [gate, up].concat()).collect();
        let gate_up = Matrix::of(&ops, &fused, 2 * f, 2 * f + 8);
        let mut y = Matrix::empty(&ops, t, f, f + 16);
        ops.swiglu(gate_up.place(), (t, f), y.place_mut()).unwrap();
        let [mut by_gate, mut by_up, mut product] = [gate, up, g.clone()].map(|values| Activation::F32(values.into()));
        let wanted = swiglu::forward(&by_gate, &by_up);
        near("y", &y.read(&ops), plain(&wanted), 4e-3);

        let (mut by_gate_up, mut g_then_y) =
            (Matrix::empty(&ops, t, 2 * f, 2 * f + 32), Matrix::of(&ops, &g, f, f + 8));
        ops.swiglu_backward(gate_up.place(), (t, f), by_gate_up.place_mut(), g_then_y.place_mut()).unwrap();
        swiglu::backward(&mut by_gate, &mut by_up, &mut product);
        let pairs = plain(&by_gate).chunks(f).zip(plain(&by_up).chunks(f));
        let fused: Vec<f32> = pairs.flat_map(|(gate, up)| [gate, up].concat()).collect();
        near("gradient by gate and up", &by_gate_up.read(&ops), &fused, 4e-3);
        near("y again", &g_then_y.read(&ops), plain(&wanted), 4e-3);
    }
}

/// x Wᵀ. Shapes: x [T, K]; w [N, K].
pub(crate) fn product(x: &[f32], w: &[f32], k: usize) -> Vec<f32> {
    let dot = |x: &[f32], w: &[f32]| x.iter().zip(w).map(|(x, w)| f64::from(*x) * f64::from(*w)).sum::<f64>() as f32;
    x.chunks(k).flat_map(|x| w.chunks(k).map(move |w| dot(x, w))).collect()
}

#[test]
fn thin_products_go_behind_swiglu_and_its_gradient() {
    let Some(ops) = test_ops() else { return };
    let (t, f) = (45, 544);
    let (fused, g, a, b) = (exact(t * 2 * f, 1), exact(t * f, 2), exact(16 * f, 3), exact(16 * 2 * f, 4));
    let (gate_up, by_y) = (Matrix::of(&ops, &fused, 2 * f, 2 * f + 8), Matrix::of(&ops, &g, f, f + 8));
    let (own_a, own_b) = (Matrix::of(&ops, &a, f, f + 24), Matrix::of(&ops, &b, 2 * f, 2 * f));
    let (mut y, mut by_gate_up) = (Matrix::empty(&ops, t, f, f + 8), Matrix::empty(&ops, t, 2 * f, 2 * f + 8));
    ops.swiglu(gate_up.place(), (t, f), y.place_mut()).unwrap();
    let mut g_then_y = Matrix::of(&ops, &g, f, f);
    ops.swiglu_backward(gate_up.place(), (t, f), by_gate_up.place_mut(), g_then_y.place_mut()).unwrap();

    let mut both = Matrix::empty(&ops, t, f + 16, f + 24);
    ops.swiglu_thin(gate_up.place(), (t, f), own_a.place(), both.place_mut()).unwrap();
    let columns = |all: &[f32], of: usize, from: usize, width: usize| -> Vec<f32> {
        all.chunks(of).flat_map(|row| row[from..from + width].to_vec()).collect()
    };
    let both = both.read(&ops);
    assert_eq!(columns(&both, f + 16, 0, f), y.read(&ops));
    near("y A", &columns(&both, f + 16, f, 16), &product(&y.read(&ops), &a, f), 4e-3);

    let mut both = Matrix::empty(&ops, t, 2 * f + 32, 2 * f + 32);
    ops.swiglu_backward_thin(gate_up.place(), by_y.place(), (t, f), own_b.values.all(), both.place_mut()).unwrap();
    let (both, by_gate_up) = (both.read(&ops), by_gate_up.read(&ops));
    near("gradient", &columns(&both, 2 * f + 32, 0, 2 * f), &by_gate_up, 4e-3);
    for (half, name) in ["gate", "up"].into_iter().enumerate() {
        let (own, b) = (columns(&by_gate_up, 2 * f, half * f, f), columns(&b, 2 * f, half * f, f));
        near(name, &columns(&both, 2 * f + 32, 2 * f + half * 16, 16), &product(&own, &b, f), 5e-3);
    }
}

fn plain(activation: &Activation) -> &[f32] {
    match activation {
        Activation::F32(values) => values,
        Activation::Bf16(_) => unreachable!("the tests compute in f32"),
    }
}
