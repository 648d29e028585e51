//! SwiGLU: y = silu(gate) up, with silu(z) = z / (1 + exp(-z)). Shapes: all [T, F].

use rayon::prelude::*;

use crate::kernel::dispatch::dispatched;
use crate::kernel::rows::exp;

const CHUNK: usize = 1 << 14;

dispatched! {
    fn product(gate: &[f32], up: &[f32], y: &mut [f32]) {
        let (gate, up) = (&gate[..y.len()], &up[..y.len()]);
        for i in 0..y.len() {
            y[i] = gate[i] / (1.0 + exp(-gate[i])) * up[i];
        }
    }
}
dispatched! {
    fn slopes(gate: &mut [f32], up: &mut [f32], g: &[f32]) {
        let (up, g) = (&mut up[..gate.len()], &g[..gate.len()]);
        for i in 0..gate.len() {
            let sigmoid = 1.0 / (1.0 + exp(-gate[i]));
            let silu = gate[i] * sigmoid;
            let by_up = g[i] * silu;
            gate[i] = g[i] * up[i] * (sigmoid + silu * (1.0 - sigmoid));
            up[i] = by_up;
        }
    }
}

/// y of gate and up.
pub(crate) fn forward(gate: &[f32], up: &[f32], y: &mut [f32]) {
    y.par_chunks_mut(CHUNK).zip(gate.par_chunks(CHUNK).zip(up.par_chunks(CHUNK))).for_each(|(y, (gate, up))| {
        product(gate, up, y);
    });
}

/// Replaces gate and up by the gradients by them, where `g` is the one by y:
/// by up: g silu(gate); by gate: g up s (1 + gate (1 - s)), with s = sigmoid(gate).
pub(crate) fn backward(gate: &mut [f32], up: &mut [f32], g: &[f32]) {
    gate.par_chunks_mut(CHUNK).zip(up.par_chunks_mut(CHUNK).zip(g.par_chunks(CHUNK))).for_each(|(gate, (up, g))| {
        slopes(gate, up, g);
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::finite_difference::{check, values, weighted};

    #[test]
    fn the_backward_is_the_slope_of_the_forward() {
        for n in [1, 63, 40_000] {
            let (gate, up, g) = (values(n, 1), values(n, 2), values(n, 3));
            let loss = |gate: &[f32], up: &[f32]| {
                let mut y = vec![0.0; n];
                forward(gate, up, &mut y);
                weighted(&y, &g)
            };
            let (mut by_gate, mut by_up) = (gate.clone(), up.clone());
            backward(&mut by_gate, &mut by_up, &g);
            check("gate", &gate, &by_gate, |gate| loss(gate, &up));
            check("up", &up, &by_up, |up| loss(&gate, up));
        }
    }
}
