//! RMSNorm of each head of queries or keys: rows of E numbers, as [`super::rms_norm`] has it of D. Shapes: x, y [T, H E];
//! w `[E]`. Computed in f32, whatever the numbers are.

use rayon::prelude::*;

use super::rms_norm;
use crate::backend::cpu::kernel::dispatch::dispatched;
use crate::backend::cpu::kernel::element::Element;
use crate::backend::cpu::kernel::{ROWS_PER_TASK, rows};
use crate::backend::cpu::storage::activation::Activation;

dispatched! {
    fn widen<E: Element>(x: &[E], y: &mut [f32]) {
        for (y, x) in y.iter_mut().zip(x) {
            *y = x.wide();
        }
    }
}
dispatched! {
    fn narrow<E: Element>(x: &[f32], y: &mut [E]) {
        for (y, x) in y.iter_mut().zip(x) {
            *y = E::narrow(*x);
        }
    }
}
dispatched! {
    /// x := x w factor.
    fn scale(x: &mut [f32], w: &[f32], factor: f32) {
        for (x, w) in x.iter_mut().zip(w) {
            *x = *x * w * factor;
        }
    }
}

/// y of x.
pub(crate) fn forward(x: &Activation, w: &[f32], eps: f32) -> Activation {
    let mut y = x.clone();
    match &mut y {
        Activation::F32(y) => norm(y, w, eps),
        Activation::Bf16(y) => norm(y, w, eps),
    }
    y
}

/// Replaces `g`, the gradient by y, by the one by x; adds the one by w to `gw` where it is wanted.
pub(crate) fn backward(x: &Activation, w: &[f32], eps: f32, g: &mut Activation, gw: Option<&mut [f32]>) {
    match (x, g) {
        (Activation::F32(x), Activation::F32(g)) => norm_backward(x, w, eps, g, gw),
        (Activation::Bf16(x), Activation::Bf16(g)) => norm_backward(x, w, eps, g, gw),
        _ => unreachable!("a run has one precision"),
    }
}

/// Norms the heads of one row of f32, in place.
pub(crate) fn norm_row(x: &mut [f32], w: &[f32], eps: f32) {
    for head in x.chunks_mut(w.len()) {
        let factor = rms_norm::inverse_root(head, eps);
        scale(head, w, factor);
    }
}

fn norm<E: Element>(x: &mut [E], w: &[f32], eps: f32) {
    let e = w.len();
    x.par_chunks_mut(e * ROWS_PER_TASK).for_each(|x| {
        let mut wide = vec![0.0; e];
        for head in x.chunks_mut(e) {
            widen(head, &mut wide);
            norm_row(&mut wide, w, eps);
            narrow(&wide, head);
        }
    });
}

fn norm_backward<E: Element>(x: &[E], w: &[f32], eps: f32, g: &mut [E], gw: Option<&mut [f32]>) {
    let e = w.len();
    let (chunk, wanted) = (e * ROWS_PER_TASK, gw.is_some());
    let tasks = g.par_chunks_mut(chunk).zip(x.par_chunks(chunk));
    let partials: Vec<Vec<f32>> = tasks
        .map(|(g, x)| {
            let mut partial = vec![0.0; if wanted { e } else { 0 }];
            let [mut wide_x, mut wide_g, mut gx] = [0; 3].map(|_| vec![0.0; e]);
            for (g, x) in g.chunks_mut(e).zip(x.chunks(e)) {
                widen(x, &mut wide_x);
                widen(g, &mut wide_g);
                gx.fill(0.0);
                rms_norm::backward_row(&wide_x, (w, eps), &wide_g, &mut gx, &mut partial);
                narrow(&gx, g);
            }
            partial
        })
        .collect();
    if let Some(gw) = gw {
        partials.iter().for_each(|partial| rows::add(gw, partial));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::cpu::storage::activation::rounded;
    use crate::finite_difference::{check, values, weighted};

    fn f32s(activation: Activation) -> Vec<f32> {
        match activation {
            Activation::F32(values) => values.to_vec(),
            Activation::Bf16(values) => values.iter().map(|value| value.wide()).collect(),
        }
    }

    #[test]
    fn the_backward_is_the_slope_of_the_forward() {
        for (t, heads, e) in [(1, 1, 2), (3, 2, 10), (150, 3, 64)] {
            let n = t * heads * e;
            let (x, w, g) = (values(n, 1), values(e, 2), values(n, 3));
            let loss =
                |x: &[f32], w: &[f32]| weighted(&f32s(forward(&Activation::F32(x.to_vec().into()), w, 1e-2)), &g);
            let (mut gx, mut gw) = (Activation::F32(g.clone().into()), vec![0.0; e]);
            backward(&Activation::F32(x.clone().into()), &w, 1e-2, &mut gx, Some(&mut gw));
            check("x", &x, &f32s(gx), |x| loss(x, &w));
            check("w", &w, &gw, |w| loss(&x, w));
        }
    }

    #[test]
    fn in_bf16_everything_is_the_rounded_f32_of_the_rounded_values() {
        let (n, e) = (7 * 3 * 16, 16);
        let (x, w, g) = (rounded(&values(n, 1)), values(e, 2), rounded(&values(n, 3)));
        let wide = |x: &[half::bf16]| Activation::F32(x.iter().map(|value| value.wide()).collect::<Vec<_>>().into());
        let ours = f32s(forward(&Activation::Bf16(x.clone().into()), &w, 1e-6));
        let right = f32s(Activation::Bf16(rounded(&f32s(forward(&wide(&x), &w, 1e-6))).into()));
        assert_eq!(ours, right);
        let (mut by_x, mut by_x_wide) = (Activation::Bf16(g.clone().into()), wide(&g));
        let (mut gw, mut gw_wide) = (vec![0.0; e], vec![0.0; e]);
        backward(&Activation::Bf16(x.clone().into()), &w, 1e-6, &mut by_x, Some(&mut gw));
        backward(&wide(&x), &w, 1e-6, &mut by_x_wide, Some(&mut gw_wide));
        assert_eq!(f32s(by_x), f32s(Activation::Bf16(rounded(&f32s(by_x_wide)).into())));
        assert_eq!(gw, gw_wide);
    }
}
