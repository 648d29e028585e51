//! SwiGLU: y = silu(gate) up, with silu(z) = z / (1 + exp(-z)). Shapes: all [T, F].

use rayon::prelude::*;

use crate::backend::cpu::kernel::dispatch::dispatched;
use crate::backend::cpu::kernel::element::Element;
use crate::backend::cpu::kernel::rows::exp;
use crate::backend::cpu::storage::activation::Activation;

const CHUNK: usize = 1 << 14;

dispatched! {
    /// y := silu(gate) up.
    fn product<E: Element>(gate: &[E], up: &[E], y: &mut [E]) {
        let (gate, up) = (&gate[..y.len()], &up[..y.len()]);
        for i in 0..y.len() {
            let gate = gate[i].wide();
            y[i] = E::narrow(gate / (1.0 + exp(-gate)) * up[i].wide());
        }
    }
}
dispatched! {
    /// Gate and up become the gradients by them, and g the product again.
    fn gradients<E: Element>(gate: &mut [E], up: &mut [E], g: &mut [E]) {
        let (up, g) = (&mut up[..gate.len()], &mut g[..gate.len()]);
        for i in 0..gate.len() {
            let (z, u, grad) = (gate[i].wide(), up[i].wide(), g[i].wide());
            let sigmoid = 1.0 / (1.0 + exp(-z));
            let silu = z * sigmoid;
            gate[i] = E::narrow(grad * u * (sigmoid + silu * (1.0 - sigmoid)));
            up[i] = E::narrow(grad * silu);
            g[i] = E::narrow(silu * u);
        }
    }
}

/// y of gate and up.
pub(crate) fn forward(gate: &Activation, up: &Activation) -> Activation {
    let mut y = Activation::room(gate.view().precision(), gate.len());
    match (gate, up, &mut y) {
        (Activation::F32(gate), Activation::F32(up), Activation::F32(y)) => forward_of(gate, up, y),
        (Activation::Bf16(gate), Activation::Bf16(up), Activation::Bf16(y)) => forward_of(gate, up, y),
        _ => unreachable!("a run has one precision"),
    }
    y
}

fn forward_of<E: Element>(gate: &[E], up: &[E], y: &mut [E]) {
    y.par_chunks_mut(CHUNK).zip(gate.par_chunks(CHUNK).zip(up.par_chunks(CHUNK))).for_each(|(y, (gate, up))| {
        product(gate, up, y);
    });
}

/// Replaces gate and up by the gradients by them, where `g` is the one by y, and g by y itself:
/// by up: g silu(gate); by gate: g up s (1 + gate (1 - s)), with s = sigmoid(gate).
pub(crate) fn backward(gate: &mut Activation, up: &mut Activation, g: &mut Activation) {
    match (gate, up, g) {
        (Activation::F32(gate), Activation::F32(up), Activation::F32(g)) => backward_of(gate, up, g),
        (Activation::Bf16(gate), Activation::Bf16(up), Activation::Bf16(g)) => backward_of(gate, up, g),
        _ => unreachable!("a run has one precision"),
    }
}

fn backward_of<E: Element>(gate: &mut [E], up: &mut [E], g: &mut [E]) {
    gate.par_chunks_mut(CHUNK)
        .zip(up.par_chunks_mut(CHUNK).zip(g.par_chunks_mut(CHUNK)))
        .for_each(|(gate, (up, g))| gradients(gate, up, g));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finite_difference::{check, values, weighted};

    #[test]
    fn the_backward_is_the_slope_of_the_forward() {
        for n in [1, 63, 40_000] {
            let (gate, up, g) = (values(n, 1), values(n, 2), values(n, 3));
            let forward = |gate: &[f32], up: &[f32]| {
                let mut y = vec![0.0; n];
                forward_of(gate, up, &mut y);
                y
            };
            let loss = |gate: &[f32], up: &[f32]| weighted(&forward(gate, up), &g);
            let (mut by_gate, mut by_up, mut y) = (gate.clone(), up.clone(), g.clone());
            backward_of(&mut by_gate, &mut by_up, &mut y);
            assert!(y.iter().zip(forward(&gate, &up)).all(|(again, y)| (again - y).abs() < 1e-6));
            check("gate", &gate, &by_gate, |gate| loss(gate, &up));
            check("up", &up, &by_up, |up| loss(&gate, up));
        }
    }
}
