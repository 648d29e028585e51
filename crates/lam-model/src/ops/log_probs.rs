//! Output layer, log-probability of given tokens, and entropy, in one. Output: [2, N].
//!
//! Row 0: log p_n(token), row 1: H_n = -Σ_v p log p, with p_n = softmax(x_n wᵀ). Shapes: hidden [T, D], w [V, D].
//! Logits are computed again in the backward: by the logits, the gradient is
//! g (1_token - p) for the log-probability and -g p (log p + H) for the entropy.

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

use super::cross_entropy::gathered;
use super::storage;
use crate::kernel::dispatch::dispatched;
use crate::kernel::matmul::{self, Matrix, Product, multiply};
use crate::kernel::rows;

const CHUNK: usize = 512;
const TASK: usize = 48;

/// The operation; see the file's head.
pub(crate) struct LogProbs {
    /// Rows of the hidden states.
    pub(crate) positions: Vec<usize>,
    /// The token of each.
    pub(crate) tokens: Vec<u32>,
}

dispatched! {
    /// Replaces logits by their gradients.
    fn logit_slopes(logits: &mut [f32], log_sum: f32, by_log_prob: f32, by_entropy: f32, entropy: f32) {
        for logit in logits.iter_mut() {
            let log_p = *logit - log_sum;
            *logit = -rows::exp(log_p) * (by_log_prob + by_entropy * (log_p + entropy));
        }
    }
}

/// Logarithm of the softmax' denominator, and the entropy.
fn log_sum_and_entropy(logits: &[f32], scratch: &mut [f32]) -> (f32, f32) {
    let highest = rows::max(logits);
    scratch.copy_from_slice(logits);
    let sum = rows::exp_sum(scratch, highest);
    let mean = rows::dot(scratch, logits) / sum;
    let log_sum = highest + sum.ln();
    (log_sum, log_sum - mean)
}

/// logits = x wᵀ for at most `CHUNK` rows.
fn logits_of(x: &[f32], head: &[f32], logits: &mut [f32], (v, d): (usize, usize)) {
    logits.par_chunks_mut(TASK * v).zip(x.par_chunks(TASK * d)).for_each(|(logits, x)| {
        let product = Product { m: x.len() / d, n: v, k: d, alpha: 1.0, accumulate: false };
        multiply(product, Matrix::rows(x, d), Matrix::columns(head, d), logits, v);
    });
}

impl LogProbs {
    /// Calls `each` with the first target, the rows and their logits, chunk by chunk.
    fn chunks(&self, hidden: &[f32], head: &[f32], size: (usize, usize), mut each: impl FnMut(usize, &[f32], &mut [f32])) {
        let (v, d) = size;
        let mut logits = vec![0.0; CHUNK.min(self.tokens.len()) * v];
        for (chunk, positions) in self.positions.chunks(CHUNK).enumerate() {
            let x = gathered(hidden, positions.iter().copied(), d);
            let logits = &mut logits[..positions.len() * v];
            logits_of(&x, head, logits, size);
            each(chunk * CHUNK, &x, logits);
        }
    }

    fn run(&self, hidden: &[f32], head: &[f32], size: (usize, usize)) -> Vec<f32> {
        let n = self.tokens.len();
        let (mut log_probs, mut entropies) = (Vec::with_capacity(2 * n), Vec::with_capacity(n));
        self.chunks(hidden, head, size, |first, _, logits| {
            let rows: Vec<(f32, f32)> = logits
                .par_chunks(size.0)
                .zip(&self.tokens[first..])
                .map_init(|| vec![0.0; size.0], |scratch, (row, &token)| {
                    let (log_sum, entropy) = log_sum_and_entropy(row, scratch);
                    (row[token as usize] - log_sum, entropy)
                })
                .collect();
            log_probs.extend(rows.iter().map(|row| row.0));
            entropies.extend(rows.iter().map(|row| row.1));
        });
        log_probs.append(&mut entropies);
        log_probs
    }

    fn slopes(&self, first: usize, logits: &mut [f32], v: usize, g: &[f32]) {
        let (by_log_prob, by_entropy) = g.split_at(self.tokens.len());
        logits.par_chunks_mut(v).enumerate().for_each_init(|| vec![0.0; v], |scratch, (i, row)| {
            let i = first + i;
            let (log_sum, entropy) = log_sum_and_entropy(row, scratch);
            logit_slopes(row, log_sum, by_log_prob[i], by_entropy[i], entropy);
            row[self.tokens[i] as usize] += by_log_prob[i];
        });
    }
}

impl CustomOp2 for LogProbs {
    fn name(&self) -> &'static str {
        "linear-log-probs"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        let (hidden, head) = (storage::argument(s1, l1)?, storage::argument(s2, l2)?);
        let values = self.run(hidden, head, l2.shape().dims2()?);
        Ok((CpuStorage::F32(values), Shape::from((2, self.tokens.len()))))
    }

    fn bwd(&self, hidden: &Tensor, head: &Tensor, _: &Tensor, g: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (v, d) = head.dims2()?;
        let g = g.contiguous()?;
        let (x, w, g) = (storage::values(hidden)?, storage::values(head)?, storage::values(&g)?);
        let mut by_hidden = vec![0.0; if hidden.track_op() { x.len() } else { 0 }];
        let mut by_head = vec![0.0; if head.track_op() { w.len() } else { 0 }];
        self.chunks(&x, &w, (v, d), |first, x, logits| {
            self.slopes(first, logits, v, &g);
            if hidden.track_op() {
                let mut gx = vec![0.0; x.len()];
                matmul::by_plain(logits, &w, &mut gx, v, d, 1.0, false);
                for (&position, gx) in self.positions[first..].iter().zip(gx.chunks(d)) {
                    rows::add(&mut by_hidden[position * d..(position + 1) * d], gx);
                }
            }
            if head.track_op() {
                matmul::outer(logits, x, &mut by_head, v, d, 1.0, true);
            }
        });
        let by_hidden = hidden.track_op().then(|| storage::tensor(by_hidden, hidden.shape())).transpose()?;
        let by_head = head.track_op().then(|| storage::tensor(by_head, head.shape())).transpose()?;
        Ok((by_hidden, by_head))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{D, Var};

    use super::*;
    use crate::ops::finite_difference::values;

    /// Composed from the tape's own operations.
    fn composed(hidden: &Var, head: &Var, positions: &[usize], tokens: &[u32]) -> Result<Tensor> {
        let device = hidden.device();
        let index: Vec<u32> = positions.iter().map(|&p| p as u32).collect();
        let rows = hidden.index_select(&Tensor::new(index, device)?, 0)?;
        let log_p = candle_nn::ops::log_softmax(&rows.matmul(&head.t()?)?, D::Minus1)?;
        let own = log_p.gather(&Tensor::new(tokens, device)?.unsqueeze(1)?, 1)?.squeeze(1)?;
        let entropy = (log_p.exp()? * &log_p)?.sum(D::Minus1)?.neg()?;
        Tensor::stack(&[own, entropy], 0)
    }

    #[test]
    fn values_and_gradients_equal_the_composed_operations() {
        for (n, v, d) in [(1, 3, 2), (9, 37, 11), (600, 33, 5)] {
            let hidden = Var::from_tensor(&storage::tensor(values(n * d, 1), (n, d)).unwrap()).unwrap();
            let head = Var::from_tensor(&storage::tensor(values(v * d, 2), (v, d)).unwrap()).unwrap();
            let positions: Vec<usize> = (0..n).map(|i| i * 2 % n).collect();
            let tokens: Vec<u32> = (0..n).map(|i| (i * 5 % v) as u32).collect();
            let weights = storage::tensor(values(2 * n, 3), (2, n)).unwrap();
            let ours =
                hidden.apply_op2(&head, LogProbs { positions: positions.clone(), tokens: tokens.clone() }).unwrap();
            let theirs = composed(&hidden, &head, &positions, &tokens).unwrap();
            let of = |y: &Tensor| (y * &weights).unwrap().sum_all().unwrap().backward().unwrap();
            let (a, b) = (of(&ours), of(&theirs));
            let near = |x: &Tensor, y: &Tensor| {
                let off = (x - y).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
                assert!(off < 1e-4, "{off}");
            };
            near(&ours, &theirs);
            near(a.get(&hidden).unwrap(), b.get(&hidden).unwrap());
            near(a.get(&head).unwrap(), b.get(&head).unwrap());
        }
    }
}
