//! Output layer, log-probability of given tokens, and entropy, in one. Output: [2, N].
//!
//! Row 0: log p_n(token), row 1: H_n = -Σ_v p log p, with p_n = softmax(x_n wᵀ / τ), over the tokens that may follow
//! alone where that is said: the others have no probability, and no gradient. Shapes: hidden [T, D], w [V, D].
//! Logits are computed again in the backward: by the logits, the gradient is
//! g (1_token - p) / τ for the log-probability and -g p (log p + H) / τ for the entropy.

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

use super::cross_entropy::{by_input, chunk, gathered, logits_of};
use super::linear;
use crate::Precision;
use crate::backend::cpu::kernel::dispatch::dispatched;
use crate::backend::cpu::kernel::rows;
use crate::backend::cpu::storage;
use crate::backend::cpu::storage::activation::{Activation, Lent};
use crate::backend::cpu::storage::weight::Weight;
use crate::threads::on_pool;
use crate::token_set::{Allowed, NEVER};

/// The operation; see the file's head.
pub(crate) struct LogProbs {
    /// Rows of the hidden states.
    pub(crate) positions: Vec<usize>,
    /// The token of each.
    pub(crate) tokens: Vec<u32>,
    /// The output layer. Shape: [V, D].
    pub(crate) head: Weight,
    pub(crate) precision: Precision,
    /// τ, by which logits are divided.
    pub(crate) temperature: f32,
    /// What may follow at each row; nothing where all may at all.
    pub(crate) allowed: Vec<Allowed>,
}

dispatched! {
    /// Replaces logits by their gradients.
    fn replace_by_gradients(logits: &mut [f32], logsumexp: f32, by_log_prob: f32, by_entropy: f32, entropy: f32) {
        for logit in logits.iter_mut() {
            let log_p = *logit - logsumexp;
            *logit = -rows::exp(log_p) * (by_log_prob + by_entropy * (log_p + entropy));
        }
    }
}

/// Logarithm of the softmax' denominator, and the entropy.
fn logsumexp_and_entropy(logits: &[f32], scratch: &mut [f32]) -> (f32, f32) {
    let highest = rows::max(logits);
    scratch.copy_from_slice(logits);
    let sum = rows::exp_sum(scratch, highest);
    let mean = rows::dot(scratch, logits) / sum;
    let logsumexp = highest + sum.ln();
    (logsumexp, logsumexp - mean)
}

impl LogProbs {
    /// Calls `each` with the first target, the rows and their logits, chunk by chunk.
    fn chunks(&self, hidden: &[f32], d: usize, mut each: impl FnMut(usize, &Activation, &mut [f32])) -> Result<()> {
        let held = self.head.held()?;
        let v = self.head.len() / d;
        let mut logits = vec![0.0; chunk(v).min(self.tokens.len()) * v];
        for (number, positions) in self.positions.chunks(chunk(v)).enumerate() {
            let x = gathered(hidden, positions, d, self.precision);
            let logits = &mut logits[..positions.len() * v];
            logits_of(x.view(), held.numbers(), logits, (v, d));
            self.temper(logits);
            let first = number * chunk(v);
            self.fill_others(first, logits, v, NEVER);
            each(first, &x, logits);
        }
        Ok(())
    }

    /// Divides logits, or their gradients, by the temperature.
    fn temper(&self, logits: &mut [f32]) {
        if self.temperature != 1.0 {
            logits.par_iter_mut().for_each(|logit| *logit /= self.temperature);
        }
    }

    /// Writes `value` where a token may not follow, in rows from the first one on.
    fn fill_others(&self, first: usize, rows: &mut [f32], v: usize, value: f32) {
        if let Some(allowed) = self.allowed.get(first..) {
            let told = rows.par_chunks_mut(v).zip(allowed);
            told.for_each(|(row, allowed)| {
                if let Some(allowed) = allowed {
                    allowed.fill_others(row, value);
                }
            });
        }
    }

    fn run(&self, hidden: &[f32], d: usize) -> Result<Vec<f32>> {
        let (n, v) = (self.tokens.len(), self.head.len() / d);
        let (mut log_probs, mut entropies) = (Vec::with_capacity(2 * n), Vec::with_capacity(n));
        self.chunks(hidden, d, |first, _, logits| {
            let rows: Vec<(f32, f32)> = logits
                .par_chunks(v)
                .zip(&self.tokens[first..])
                .map_init(
                    || vec![0.0; v],
                    |scratch, (row, &token)| {
                        let (logsumexp, entropy) = logsumexp_and_entropy(row, scratch);
                        (row[token as usize] - logsumexp, entropy)
                    },
                )
                .collect();
            log_probs.extend(rows.iter().map(|row| row.0));
            entropies.extend(rows.iter().map(|row| row.1));
        })?;
        log_probs.append(&mut entropies);
        Ok(log_probs)
    }

    fn grad_logits(&self, first: usize, logits: &mut [f32], v: usize, g: &[f32]) {
        let (by_log_prob, by_entropy) = g.split_at(self.tokens.len());
        logits.par_chunks_mut(v).enumerate().for_each_init(
            || vec![0.0; v],
            |scratch, (i, row)| {
                let i = first + i;
                let (logsumexp, entropy) = logsumexp_and_entropy(row, scratch);
                replace_by_gradients(row, logsumexp, by_log_prob[i], by_entropy[i], entropy);
                row[self.tokens[i] as usize] += by_log_prob[i];
            },
        );
    }
}

impl CustomOp2 for LogProbs {
    fn name(&self) -> &'static str {
        "linear-log-probs"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        let (_, d) = l1.shape().dims2()?;
        let hidden = storage::argument(s1, l1)?;
        let values = on_pool(|| self.run(hidden, d))?;
        Ok((CpuStorage::F32(values), Shape::from((2, self.tokens.len()))))
    }

    fn bwd(&self, hidden: &Tensor, head: &Tensor, _: &Tensor, g: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (_, d) = hidden.dims2()?;
        let v = self.head.len() / d;
        let trained = self.head.variable().is_some();
        let g = g.contiguous()?;
        let (x, g, held) = (storage::values(hidden)?, storage::values(&g)?, self.head.held()?);
        let mut by_hidden = vec![0.0; if hidden.track_op() { x.len() } else { 0 }];
        let mut by_head = vec![0.0; if trained { self.head.len() } else { 0 }];
        let (x, g, head_numbers): (&[f32], &[f32], _) = (&x, &g, held.numbers());
        let each = |first: usize, x: &Activation, logits: &mut [f32]| {
            self.grad_logits(first, logits, v, g);
            // The exponential of what is far below is small, not zero.
            self.fill_others(first, logits, v, 0.0);
            self.temper(logits);
            let grad_logits = Lent::new(logits, self.precision);
            if hidden.track_op() {
                let mut gx = vec![0.0; grad_logits.view().len() / v * d];
                by_input(grad_logits.view(), head_numbers, &mut gx, (v, d));
                for (&position, gx) in self.positions[first..].iter().zip(gx.chunks(d)) {
                    rows::add(&mut by_hidden[position * d..(position + 1) * d], gx);
                }
            }
            if trained {
                linear::backward_weight(grad_logits.view(), x.view(), &mut by_head, (v, d));
            }
        };
        on_pool(|| self.chunks(x, d, each))?;
        let by_hidden = hidden.track_op().then(|| storage::tensor(by_hidden, hidden.shape())).transpose()?;
        let by_head = trained.then(|| storage::tensor(by_head, head.shape())).transpose()?;
        Ok((by_hidden, by_head))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use candle_core::{D, Var};

    use super::*;
    use crate::TokenSet;
    use crate::finite_difference::values;

    /// Composed from the tape's own operations; `others` is added to the logits. Shape of `others`: [N, V].
    fn composed(
        (hidden, head): (&Var, &Var),
        (positions, tokens): (&[usize], &[u32]),
        temperature: f32,
        others: &Tensor,
    ) -> Result<Tensor> {
        let device = hidden.device();
        let index: Vec<u32> = positions.iter().map(|&p| p as u32).collect();
        let rows = hidden.index_select(&Tensor::new(index, device)?, 0)?;
        let logits = ((rows.matmul(&head.t()?)? / f64::from(temperature))? + others)?;
        let log_p = candle_nn::ops::log_softmax(&logits, D::Minus1)?;
        let own = log_p.gather(&Tensor::new(tokens, device)?.unsqueeze(1)?, 1)?.squeeze(1)?;
        let entropy = (log_p.exp()? * &log_p)?.sum(D::Minus1)?.neg()?;
        Tensor::stack(&[own, entropy], 0)
    }

    /// At every third row all tokens may follow, at the others the row's own one and every fourth.
    fn allowed(tokens: &[u32], v: usize) -> Vec<Allowed> {
        let among = |&token: &u32| {
            let some: Vec<u32> = (0..v as u32).filter(|other| *other == token || other % 4 == 1).collect();
            Arc::new(TokenSet::new(&some, v))
        };
        tokens.iter().enumerate().map(|(n, token)| (n % 3 != 1).then(|| among(token))).collect()
    }

    /// What takes the probability from the tokens that may not follow. Shape: [N, V].
    fn others(allowed: &[Allowed], (n, v): (usize, usize)) -> Tensor {
        let mut values = vec![0.0; n * v];
        for (row, allowed) in values.chunks_mut(v).zip(allowed) {
            let may = |token: usize| allowed.as_ref().is_none_or(|set| set.contains(token as u32));
            row.iter_mut().enumerate().filter(|(token, _)| !may(*token)).for_each(|(_, value)| *value = -1e4);
        }
        storage::tensor(values, (n, v)).unwrap()
    }

    #[test]
    fn values_and_gradients_equal_the_composed_operations() {
        let sizes = [(1, 3, 2, 1.0), (9, 37, 11, 1.0), (9, 37, 11, 0.4), (600, 33, 5, 1.7)];
        for ((n, v, d, temperature), is_constrained) in sizes.into_iter().flat_map(|size| [(size, false), (size, true)])
        {
            let hidden = Var::from_tensor(&storage::tensor(values(n * d, 1), (n, d)).unwrap()).unwrap();
            let mut weight = Weight::frozen("head".into(), storage::tensor(values(v * d, 2), (v, d)).unwrap()).unwrap();
            weight.train(0).unwrap();
            let head = weight.variable().unwrap();
            let positions: Vec<usize> = (0..n).map(|i| i * 2 % n).collect();
            let tokens: Vec<u32> = (0..n).map(|i| (i * 5 % v) as u32).collect();
            let weights = storage::tensor(values(2 * n, 3), (2, n)).unwrap();
            let allowed = if is_constrained { allowed(&tokens, v) } else { Vec::new() };
            let others = others(&allowed, (n, v));
            let op = LogProbs {
                positions: positions.clone(),
                tokens: tokens.clone(),
                head: weight.clone(),
                precision: Precision::F32,
                temperature,
                allowed,
            };
            let ours = hidden.apply_op2(head.as_tensor(), op).unwrap();
            let theirs = composed((&hidden, head), (&positions, &tokens), temperature, &others).unwrap();
            let of = |y: &Tensor| (y * &weights).unwrap().sum_all().unwrap().backward().unwrap();
            let (a, b) = (of(&ours), of(&theirs));
            let near = |x: &Tensor, y: &Tensor| {
                let off = (x - y).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
                assert!(off < 1e-4, "{off}");
            };
            near(&ours, &theirs);
            near(a.get(&hidden).unwrap(), b.get(&hidden).unwrap());
            near(a.get(head).unwrap(), b.get(head).unwrap());
        }
    }
}
