//! The optimizer over segments of different shapes.

use super::*;
use crate::backend::cuda::ops::{AdamWHyper, Clip, Segment, Segments};

/// AdamW in f64, as PyTorch has it.
fn stepped(p: f32, g: f64, (m, v): (f64, f64), hyper: &AdamWHyper, decays: bool) -> (f64, f64, f64) {
    let wide = f64::from;
    let m = wide(hyper.beta1) * m + (1.0 - wide(hyper.beta1)) * g;
    let v = wide(hyper.beta2) * v + (1.0 - wide(hyper.beta2)) * g * g;
    let shrunk = wide(p) * (1.0 - wide(hyper.rate) * if decays { wide(hyper.decay) } else { 0.0 });
    let root = (v / wide(hyper.correction2)).sqrt() + wide(hyper.eps);
    (shrunk - wide(hyper.rate) * (m / wide(hyper.correction1)) / root, m, v)
}

#[test]
fn parameters_step_and_their_copies_follow() {
    let Some(ops) = test_ops() else { return };
    // A matrix of 5 columns with gaps in its gradient and both copies, a vector that does not decay and has none.
    let (rows, cols, gld, dld) = (300, 5, 8, 16);
    let (starts, counts) = ([0, 2048], [rows * cols, 1500]);
    let (total, g) = (2048 + 1500, finite_difference::values(rows * gld + 1500, 2));
    let p = finite_difference::values(total, 1);
    let gradients = ops.device.upload(&g).unwrap();
    let (mut copy, mut turned) = (Matrix::empty(&ops, rows, cols, dld), Matrix::empty(&ops, cols, rows, rows + 4));
    let matrix = Segment {
        n: counts[0] as i64,
        cols: cols as i32,
        gld: gld as i32,
        grad: gradients.all().address(),
        dst: copy.place_mut().values.address(),
        dld: dld as i64,
        dst2: turned.place_mut().values.address(),
        dld2: rows as i64 + 4,
        scale: 2.0,
        decay: 1,
        ..Segment::default()
    };
    let own = gradients.view(rows * gld..).address();
    let vector = Segment { start: 2048, n: 1500, cols: 1500, gld: 1500, grad: own, ..Segment::default() };
    let segments = Segments::new(&ops.device, vec![matrix, vector]).unwrap();
    let gradient = |place: usize| {
        let at = if place < 2048 { place / cols * gld + place % cols } else { rows * gld + place - 2048 };
        f64::from(g[at])
    };
    let places: Vec<usize> = starts.into_iter().zip(counts).flat_map(|(start, count)| start..start + count).collect();

    let mut norm = ops.device.alloc::<f32>(1).unwrap();
    ops.squared_norm(&segments, norm.all_mut()).unwrap();
    let squares: f64 = places.iter().map(|&place| gradient(place).powi(2)).sum();
    near("squared norm", &ops.device.read(&norm).unwrap(), &[squares as f32], 1e-5);

    let [mut params, mut first, mut second] =
        [p.clone(), vec![0.0; total], vec![0.0; total]].map(|values| ops.device.upload(&values).unwrap());
    let (mut wanted, mut moments) = (p, vec![(0.0, 0.0); total]);
    for step in 1..=2 {
        let (beta1, beta2) = (0.9f32, 0.999f32);
        let (correction1, correction2) = (1.0 - beta1.powi(step), 1.0 - beta2.powi(step));
        let (rate, eps, decay, scale) = (1e-2, 1e-8, 0.1, 0.25);
        let hyper = AdamWHyper { rate, beta1, beta2, eps, decay, correction1, correction2, scale };
        ops.adamw(&segments, params.all_mut(), first.all_mut(), second.all_mut(), (&hyper, None)).unwrap();
        for &place in &places {
            let (value, m, v) = stepped(wanted[place], gradient(place) * 0.25, moments[place], &hyper, place < 2048);
            (wanted[place], moments[place]) = (value as f32, (m, v));
        }
    }
    let found = ops.device.read(&params).unwrap();
    for (start, count) in starts.into_iter().zip(counts) {
        near("parameters", &found[start..start + count], &wanted[start..start + count], 1e-6);
    }
    let doubled = |place: usize| narrowed(&[found[place] * 2.0])[0];
    let wanted: Vec<f32> = (0..rows * cols).map(doubled).collect();
    assert_eq!(copy.read(&ops), wanted);
    let transposed: Vec<f32> = (0..cols * rows).map(|i| doubled(i % rows * cols + i / rows)).collect();
    assert_eq!(turned.read(&ops), transposed);
    let mut again = Matrix::empty(&ops, rows, cols, dld);
    std::mem::swap(&mut copy, &mut again);
    let elsewhere = Segment { dst: copy.place_mut().values.address(), dst2: 0, ..matrix };
    ops.publish(&Segments::new(&ops.device, vec![elsewhere]).unwrap(), params.all()).unwrap();
    assert_eq!(copy.read(&ops), wanted);
}

#[test]
fn a_step_is_scaled_by_what_the_device_found() {
    let Some(ops) = test_ops() else { return };
    let count = 1500;
    let device = &ops.device;
    let (g, p) = (finite_difference::values(count, 2), finite_difference::values(count, 1));
    let gradients = device.upload(&g).unwrap();
    let (n, cols, grad) = (count as i64, count as i32, gradients.all().address());
    let segment = Segment { n, cols, gld: cols, grad, ..Segment::default() };
    let segments = Segments::new(device, vec![segment]).unwrap();
    let mut squares = device.alloc::<f32>(1).unwrap();
    ops.squared_norm(&segments, squares.all_mut()).unwrap();
    let sum = f64::from(device.read(&squares).unwrap()[0]);
    let stepped = |squares: &Buffer<f32>, scale: f32, clip: Option<Clip>| {
        let [mut params, mut first, mut second] =
            [p.clone(), vec![0.25; count], vec![0.5; count]].map(|values| device.upload(&values).unwrap());
        let (correction1, correction2) = (0.1, 0.001);
        let hyper =
            AdamWHyper { rate: 1e-2, beta1: 0.9, beta2: 0.999, eps: 1e-8, decay: 0.1, correction1, correction2, scale };
        let mut found = device.alloc::<f32>(2).unwrap();
        if let Some(clip) = clip {
            ops.clip(squares.all(), clip, found.all_mut()).unwrap();
        }
        let scaled = clip.map(|_| found.view(1..));
        ops.adamw(&segments, params.all_mut(), first.all_mut(), second.all_mut(), (&hyper, scaled)).unwrap();
        [&params, &first, &second].map(|values| device.read(values).unwrap())
    };
    // The factor is that of `lam_learn::clip_gradients`, to the bit: below the norm, above it, and without a limit.
    let norm = sum.sqrt() * 0.125;
    for (most, factor) in [(norm * 0.5, 0.5), (norm * 2.0, 1.0), (0.0, 1.0)] {
        let by_hand = 0.125 * if most > 0.0 && (sum * 0.125 * 0.125).sqrt() > most { most / norm } else { 1.0 };
        assert!((by_hand / 0.125 - factor).abs() < 1e-9);
        assert_eq!(
            stepped(&squares, 99.0, Some(Clip { scale: 0.125, most })),
            stepped(&squares, by_hand as f32, None),
            "{most}"
        );
    }
    // Where the norm is no number, nothing moves.
    for wrong in [f32::NAN, f32::INFINITY] {
        device.write(&mut squares, &[wrong]).unwrap();
        let [params, first, second] = stepped(&squares, 1.0, Some(Clip { scale: 0.125, most: 1.0 }));
        assert_eq!((params, first, second), (p.clone(), vec![0.25; count], vec![0.5; count]));
    }
}

#[test]
fn losses_and_hits_are_added_up() {
    let Some(ops) = test_ops() else { return };
    for count in [1, 255, 256, 257, 5000] {
        let losses: Vec<f32> = finite_difference::values(count, 3).into_iter().map(|value| value + 7.0).collect();
        let hits: Vec<i32> = (0..count as i32).map(|i| i % 3 % 2).collect();
        let (on_device, hits_there) = (ops.device.upload(&losses).unwrap(), ops.device.upload(&hits).unwrap());
        let mut found = ops.device.alloc::<f32>(2).unwrap();
        ops.loss_totals(on_device.all(), hits_there.all(), found.all_mut()).unwrap();
        let sum: f64 = losses.iter().map(|&loss| f64::from(loss)).sum();
        let wanted = [sum as f32, hits.iter().sum::<i32>() as f32];
        assert_eq!(ops.device.read(&found).unwrap(), wanted, "{count}");
    }
}
