//! Output layer and cross-entropy in one: loss = Σ weight_n (log Σ_v exp(x_n · w_v) - x_n · w_token(n)), a scalar.
//!
//! Shapes: hidden [T, D], w [V, D]; only the rows that have a target are computed, a chunk at a time, so that the
//! full logits never exist. Where a gradient will be wanted, it is computed in the forward, while a chunk's
//! probabilities are at hand, and kept: by x_n it is weight_n (p - 1_token) w, by w the sum of weight_n (p - 1_token) x_nᵀ.

use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, bail};
use rayon::prelude::*;

use super::linear::{self, Form, Summand, To};
use crate::Precision;
use crate::Target;
use crate::backend::cpu::kernel::element::Element;
use crate::backend::cpu::kernel::numbers::Numbers;
use crate::backend::cpu::kernel::rows;
use crate::backend::cpu::kernel::shared::Shared;
use crate::backend::cpu::storage;
use crate::backend::cpu::storage::activation::{Activation, View, round_into};
use crate::backend::cpu::storage::buffer::Buffer;
use crate::backend::cpu::storage::weight::Weight;
use crate::threads::on_pool;

/// Logits that exist at the same time, about.
const LOGITS: usize = 1 << 23;
/// Rows of one task.
const TASK: usize = 16;

/// How many rows' logits exist at the same time.
pub(crate) fn chunk(v: usize) -> usize {
    (LOGITS / v).clamp(64, 1024)
}

/// The operation; see the file's head.
pub(crate) struct CrossEntropy {
    targets: Vec<Target>,
    head: Weight,
    width: usize,
    precision: Precision,
    wants_hidden: bool,
    statistics: Arc<Mutex<Statistics>>,
    gradients: Mutex<Option<Gradients>>,
}

/// What is known of the targets besides their loss.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Statistics {
    /// For how many the token was the most probable one.
    pub(crate) correct: usize,
    /// Sum of the entropies of what may follow, in nats.
    pub(crate) entropy: f64,
}

struct Gradients {
    hidden: Vec<f32>,
    head: Vec<f32>,
}

/// The output layer as an operation's argument: on the tape if it is trained, else nothing.
pub(crate) fn argument(head: &Weight) -> Result<Tensor> {
    match head.variable() {
        Some(variable) => Ok(variable.as_tensor().clone()),
        None => storage::tensor(vec![0.0], 1),
    }
}

/// The loss, and what else is known of its targets.
pub(crate) fn cross_entropy(
    hidden: &Tensor,
    head: &Weight,
    targets: &[Target],
    precision: Precision,
) -> Result<(Tensor, Statistics)> {
    let statistics = Arc::new(Mutex::new(Statistics::default()));
    let operation = CrossEntropy {
        targets: targets.to_vec(),
        head: head.clone(),
        width: hidden.dim(1)?,
        precision,
        wants_hidden: hidden.track_op(),
        statistics: statistics.clone(),
        gradients: Mutex::new(None),
    };
    let loss = hidden.apply_op2(&argument(head)?, operation)?;
    let statistics = *statistics.lock().unwrap_or_else(PoisonError::into_inner);
    Ok((loss, statistics))
}

/// logits = x wᵀ.
pub(crate) fn logits_of(x: View<'_>, head: Numbers<'_>, logits: &mut [f32], (v, d): (usize, usize)) {
    let summand = Summand { x, w: head, form: Form::Transposed, reduction: d };
    linear::sum(&[summand], v, 1.0, To::F32(logits));
}

/// Gradient by x from the one by the logits.
pub(crate) fn by_input(grad_logits: View<'_>, head: Numbers<'_>, gx: &mut [f32], (v, d): (usize, usize)) {
    linear::sum(&[Summand { x: grad_logits, w: head, form: Form::Plain, reduction: v }], d, 1.0, To::F32(gx));
}

impl CrossEntropy {
    fn run(&self, hidden: &[f32]) -> Result<(f64, Gradients)> {
        let (d, held) = (self.width, self.head.held()?);
        let (v, head) = (self.head.len() / d, held.numbers());
        let wants_head = self.head.variable().is_some();
        let wants = self.wants_hidden || wants_head;
        let mut loss = 0.0;
        let mut gradients = Gradients {
            hidden: vec![0.0; if self.wants_hidden { hidden.len() } else { 0 }],
            head: vec![0.0; if wants_head { self.head.len() } else { 0 }],
        };
        let most = chunk(v).min(self.targets.len()) * v;
        let mut logits = Buffer::room(most);
        let mut grad_logits = wants.then(|| Activation::room(self.precision, most));
        for targets in self.targets.chunks(chunk(v)) {
            let positions: Vec<usize> = targets.iter().map(|target| target.position).collect();
            let x = gathered(hidden, &positions, d, self.precision);
            let logits = &mut logits[..targets.len() * v];
            logits_of(x.view(), head, logits, (v, d));
            let sums = match &mut grad_logits {
                None => scores::<f32>(logits, targets, None),
                Some(Activation::F32(gradients)) => scores(logits, targets, Some(gradients)),
                Some(Activation::Bf16(gradients)) => scores(logits, targets, Some(gradients)),
            };
            let mut all = self.statistics.lock().unwrap_or_else(PoisonError::into_inner);
            for (part, statistics) in sums {
                loss += part;
                all.correct += statistics.correct;
                all.entropy += statistics.entropy;
            }
            drop(all);
            let Some(grad_logits) = &grad_logits else { continue };
            let grad_logits = grad_logits.view().first(logits.len());
            if self.wants_hidden {
                let mut gx = Buffer::room(targets.len() * d);
                by_input(grad_logits, head, &mut gx, (v, d));
                for (target, gx) in targets.iter().zip(gx.chunks(d)) {
                    rows::add(&mut gradients.hidden[target.position * d..(target.position + 1) * d], gx);
                }
            }
            if wants_head {
                linear::backward_weight(grad_logits, x.view(), &mut gradients.head, (v, d));
            }
        }
        Ok((loss, gradients))
    }
}

/// Loss and statistics of targets, a task's each; and the gradients by their logits, where they are wanted.
fn scores<E: Element>(logits: &[f32], targets: &[Target], gradients: Option<&mut [E]>) -> Vec<(f64, Statistics)> {
    let v = logits.len() / targets.len();
    let gradients = gradients.map(Shared::new);
    let tasks = logits.par_chunks(TASK * v).zip(targets.par_chunks(TASK)).enumerate();
    let task = |exponentials: &mut Vec<f32>, (task, (logits, targets)): (usize, (&[f32], &[Target]))| {
        let (mut loss, mut statistics) = (0.0, Statistics::default());
        for (number, (target, row)) in targets.iter().zip(logits.chunks(v)).enumerate() {
            let (own, highest) = (target.token as usize, rows::max(row));
            let (sum, mean) = rows::exp_sum_and_mean(row, highest, exponentials);
            loss += f64::from(target.weight) * f64::from(sum.ln() + highest - row[own]);
            statistics.correct += usize::from(row[own] >= highest);
            // -Σ p log p with log p = x - highest - log sum.
            statistics.entropy += f64::from(sum.ln() - mean / sum);
            let Some(gradients) = gradients else { continue };
            // SAFETY: each target has a row of its own.
            let gradients = unsafe { gradients.part((task * TASK + number) * v, v) };
            let factor = target.weight / sum;
            rows::scaled(exponentials, factor, gradients);
            gradients[own] = E::narrow(exponentials[own] * factor - target.weight);
        }
        (loss, statistics)
    };
    tasks.map_init(|| vec![0.0; v], task).collect()
}

/// The rows at some positions, one after the other, in a precision.
pub(crate) fn gathered(hidden: &[f32], positions: &[usize], d: usize, precision: Precision) -> Activation {
    let mut x = Activation::room(precision, positions.len() * d);
    let row = |position: usize| &hidden[position * d..(position + 1) * d];
    match &mut x {
        Activation::F32(x) => x.par_chunks_mut(d).zip(positions).for_each(|(x, &at)| x.copy_from_slice(row(at))),
        Activation::Bf16(x) => x.par_chunks_mut(d).zip(positions).for_each(|(x, &at)| round_into(row(at), x)),
    }
    x
}

impl CustomOp2 for CrossEntropy {
    fn name(&self) -> &'static str {
        "linear-cross-entropy"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        let hidden = storage::argument(s1, l1)?;
        let (loss, gradients) = on_pool(|| self.run(hidden))?;
        *self.gradients.lock().unwrap_or_else(PoisonError::into_inner) = Some(gradients);
        Ok((CpuStorage::F32(vec![loss as f32]), Shape::from(())))
    }

    fn bwd(&self, hidden: &Tensor, head: &Tensor, _: &Tensor, g: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let kept = self.gradients.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut gradients) = kept else { bail!("the backward of a cross-entropy can run only once") };
        let factor = g.to_scalar::<f32>()?;
        if factor != 1.0 {
            rows::scale(&mut gradients.hidden, factor);
            rows::scale(&mut gradients.head, factor);
        }
        let by_hidden = self.wants_hidden.then(|| storage::tensor(gradients.hidden, hidden.shape())).transpose()?;
        let trained = self.head.variable().is_some();
        let by_head = trained.then(|| storage::tensor(gradients.head, head.shape())).transpose()?;
        Ok((by_hidden, by_head))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Var;

    use super::*;
    use crate::finite_difference::{check, values};

    #[test]
    fn the_backward_is_the_slope_of_the_forward() {
        for (n, v, d) in [(1, 2, 1), (5, 37, 11), (700, 70, 3)] {
            let (x, w) = (values(n * d, 1), values(v * d, 2));
            let targets: Vec<Target> = (0..n)
                .map(|i| Target { position: i * 3 % n, token: (i * 7 % v) as u32, weight: 0.5 + (i % 3) as f32 })
                .collect();
            let loss = |x: &[f32], w: &[f32]| -> f64 {
                targets
                    .iter()
                    .map(|t| {
                        let row = &x[t.position * d..(t.position + 1) * d];
                        let logits: Vec<f64> = w
                            .chunks(d)
                            .map(|w| w.iter().zip(row).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum())
                            .collect();
                        let sum: f64 = logits.iter().map(|l| l.exp()).sum();
                        f64::from(t.weight) * (sum.ln() - logits[t.token as usize])
                    })
                    .sum()
            };
            let hidden = Var::from_tensor(&storage::tensor(x.clone(), (n, d)).unwrap()).unwrap();
            let mut head = Weight::frozen("head".into(), storage::tensor(w.clone(), (v, d)).unwrap()).unwrap();
            head.train(0).unwrap();
            let (value, statistics) = cross_entropy(&hidden, &head, &targets, Precision::F32).unwrap();
            let entropies = targets.iter().map(|t| {
                let row = &x[t.position * d..(t.position + 1) * d];
                let logits = w.chunks(d).map(|w| w.iter().zip(row).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum());
                let logits: Vec<f64> = logits.collect();
                let sum: f64 = logits.iter().map(|l| l.exp()).sum();
                logits.iter().map(|l| l.exp() / sum * (sum.ln() - l)).sum::<f64>()
            });
            let entropy: f64 = entropies.sum();
            assert!((statistics.entropy / entropy - 1.0).abs() < 1e-5, "{} {entropy}", statistics.entropy);
            let head = head.variable().unwrap();
            let right = loss(&x, &w);
            assert!((f64::from(value.to_scalar::<f32>().unwrap()) / right - 1.0).abs() < 1e-5);
            let gradients = value.backward().unwrap();
            let flat = |var: &Var| gradients.get(var).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
            check("hidden", &x, &flat(&hidden), |x| loss(x, &w));
            check("head", &w, &flat(head), |w| loss(&x, w));
        }
    }
}
