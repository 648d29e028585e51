//! What is made of hidden states on a CUDA device: cross-entropy, log-probabilities, scores, logits. Rows of logits exist
//! some at a time.

use std::sync::{Arc, PoisonError};

use candle_core::{Result, Tensor};
use lam_cuda::{Addend, Buffer, CudaError, Late, Matrix, Product, View};
use lam_learn::Awaited;

use super::{CudaHidden, Numbers};
use crate::Target;
use crate::backend::TAPE;
use crate::backend::cuda::{Rows, wrap};
use crate::token_set::Allowed;

/// Logits that exist at the same time, about.
const LOGITS: usize = 1 << 25;

type Done<T> = std::result::Result<T, CudaError>;

/// Rows that are read of the hidden states, and what stands for each.
struct Read {
    positions: Vec<usize>,
    tokens: Vec<u32>,
    /// What may follow at each; nothing where all may.
    allowed: Vec<Allowed>,
}

/// Some rows, with their logits.
struct Chunk<'a> {
    /// First of them among those that are read, and their number.
    first: usize,
    count: usize,
    rows: View<'a, i32>,
    tokens: View<'a, i32>,
    /// Where a row is read more than once: the rows of each pass, -1 for those of the others.
    passes: Vec<Buffer<i32>>,
    x: Rows,
    /// Shape: [count, V].
    logits: Buffer<f32>,
}

impl CudaHidden {
    /// Sum over the targets of weight × cross-entropy, and how many tokens were the most probable ones: both come later.
    /// Shapes: the value on the tape [] (not a number, whatever comes), the numbers `[2]`.
    pub(crate) fn cross_entropy_late(&self, targets: &[Target]) -> Result<(Tensor, Arc<dyn Awaited>)> {
        let (numbers, gradients) = self.run_cross_entropy(targets).map_err(wrap)?;
        Ok((self.told_back(f32::NAN, gradients)?, Arc::new(Numbers(numbers))))
    }

    /// The same, waited for. Shape: [].
    pub(crate) fn cross_entropy(&self, targets: &[Target]) -> Result<(Tensor, usize)> {
        let (numbers, gradients) = self.run_cross_entropy(targets).map_err(wrap)?;
        let numbers = numbers.wait().map_err(wrap)?;
        Ok((self.told_back(numbers[0], gradients)?, numbers[1] as usize))
    }

    /// A loss on the tape, whose gradients are those by it.
    fn told_back(&self, loss: f32, gradients: Option<Gradients>) -> Result<Tensor> {
        let hidden = self.clone();
        let back = move |g: &[f32]| {
            if let Some(gradients) = gradients {
                hidden.tell_both(gradients, g[0]).map_err(wrap)?;
            }
            Ok(None)
        };
        self.values(vec![loss], (), Box::new(back))
    }

    fn run_cross_entropy(&self, targets: &[Target]) -> Done<(Late<f32>, Option<Gradients>)> {
        let wants = self.thread.track_op();
        let (device, ops) = (self.on.device(), self.on.ops());
        let read = Read {
            positions: targets.iter().map(|target| target.position).collect(),
            tokens: targets.iter().map(|target| target.token).collect(),
            allowed: Vec::new(),
        };
        let weights = device.upload(&targets.iter().map(|target| target.weight).collect::<Vec<_>>())?;
        let (n, v) = (targets.len(), self.on.output().size.0);
        let (mut losses, mut hits) = (device.alloc::<f32>(n)?, device.alloc::<i32>(n)?);
        let mut gradients = if wants { Some(self.new_gradients()?) } else { None };
        self.chunks(&read, |chunk| {
            let part = chunk.first..chunk.first + chunk.count;
            let mut by_logits = if wants { Some(Rows::new(device, chunk.count, v, 0)?) } else { None };
            ops.cross_entropy(
                chunk.logits.all(),
                (chunk.tokens, weights.view(part.clone())),
                (chunk.count, v),
                (losses.view_mut(part.clone()), hits.view_mut(part)),
                by_logits.as_mut().map(Rows::place_mut),
            )?;
            match (&mut gradients, by_logits) {
                (Some(gradients), Some(by_logits)) => self.add_gradients(&chunk, &by_logits, gradients),
                _ => Ok(()),
            }
        })?;
        let mut totals = device.alloc::<f32>(2)?;
        ops.loss_totals(losses.all(), hits.all(), totals.all_mut())?;
        Ok((device.read_late(&totals)?, gradients))
    }

    /// Log-probabilities of tokens after positions, and the entropies there, over what may follow. Shape: [2, N].
    pub(crate) fn log_probs(
        &self,
        (positions, tokens): (&[usize], &[u32]),
        allowed: &[Allowed],
        temperature: f32,
    ) -> Result<Tensor> {
        let (positions, tokens, allowed) = (positions.to_vec(), tokens.to_vec(), allowed.to_vec());
        let n = tokens.len();
        let read = Read { positions, tokens, allowed };
        let values = self.run_log_probs(&read, temperature).map_err(wrap)?;
        let hidden = self.clone();
        let back = move |g: &[f32]| {
            let gradients = hidden.log_probs_backward(&read, temperature, g).map_err(wrap)?;
            hidden.tell_both(gradients, 1.0).map_err(wrap)?;
            Ok(None)
        };
        self.values(values, (2, n), Box::new(back))
    }

    fn run_log_probs(&self, read: &Read, temperature: f32) -> Done<Vec<f32>> {
        let (device, v) = (self.on.device(), self.on.output().size.0);
        let n = read.tokens.len();
        // Log-probabilities, then entropies.
        let mut values = device.alloc::<f32>(2 * n)?;
        self.chunks(read, |chunk| {
            let part = chunk.first..chunk.first + chunk.count;
            let (log_probs, entropies) = values.all_mut().split_at(n);
            self.on.ops().log_probs(
                (chunk.logits.all(), chunk.tokens),
                1.0 / temperature,
                (chunk.count, v),
                (log_probs.part(part.clone()), entropies.part(part)),
            )
        })?;
        device.read_late(&values)?.wait()
    }

    fn log_probs_backward(&self, read: &Read, temperature: f32, g: &[f32]) -> Done<Gradients> {
        let (device, v) = (self.on.device(), self.on.output().size.0);
        let (by_log_prob, by_entropy) = g.split_at(read.tokens.len());
        let (by_log_prob, by_entropy) = (device.upload(by_log_prob)?, device.upload(by_entropy)?);
        let mut gradients = self.new_gradients()?;
        self.chunks(read, |chunk| {
            let part = chunk.first..chunk.first + chunk.count;
            let mut by_logits = Rows::new(device, chunk.count, v, 0)?;
            self.on.ops().log_probs_backward(
                (chunk.logits.all(), chunk.tokens),
                1.0 / temperature,
                (by_log_prob.view(part.clone()), by_entropy.view(part)),
                (chunk.count, v),
                by_logits.place_mut(),
            )?;
            self.add_gradients(&chunk, &by_logits, &mut gradients)
        })?;
        Ok(gradients)
    }

    /// Products of rows with a head's weight. Shapes: weight [1, D]; the result `[N]`.
    pub(crate) fn scores(&self, positions: &[usize], weight: &Tensor) -> Result<Tensor> {
        let w = weight.flatten_all()?.to_vec1::<f32>()?;
        let rows = positions.to_vec();
        let values = self.run_scores(&rows, &w).map_err(wrap)?;
        let hidden = self.clone();
        let back = move |g: &[f32]| hidden.scores_backward(&rows, &w, g).map(Some).map_err(wrap);
        self.scored(values, weight, Box::new(back))
    }

    fn run_scores(&self, positions: &[usize], w: &[f32]) -> Done<Vec<f32>> {
        let device = self.on.device();
        let (rows, w) = (device.upload(&integers(positions))?, device.upload(w)?);
        let mut scores = device.alloc::<f32>(positions.len())?;
        self.on.ops().scores(self.rows.place(), rows.all(), w.all(), scores.all_mut())?;
        device.read(&scores)
    }

    fn scores_backward(&self, positions: &[usize], w: &[f32], g: &[f32]) -> Done<Vec<f32>> {
        let (device, ops) = (self.on.device(), self.on.ops());
        let d = self.rows.columns;
        let w = device.upload(w)?;
        let (mut by_x, mut by_w) = (device.zeros::<f32>(self.rows.count * d)?, device.zeros::<f32>(d)?);
        for pass in passes(positions) {
            let rows = device.upload(&pass.iter().map(|&place| positions[place] as i32).collect::<Vec<_>>())?;
            let g = device.upload(&pass.iter().map(|&place| g[place]).collect::<Vec<_>>())?;
            let x = self.rows.place();
            ops.scores_backward(x, rows.all(), w.all(), g.all(), d, by_x.all_mut(), by_w.all_mut())?;
        }
        self.tell(by_x, 1.0)?;
        device.read(&by_w)
    }

    /// Logits of some positions. Shape: [N, V].
    pub(crate) fn logits(&self, positions: &[usize]) -> Result<Tensor> {
        let v = self.on.output().size.0;
        let read = Read { positions: positions.to_vec(), tokens: vec![0; positions.len()], allowed: Vec::new() };
        let mut logits = Vec::with_capacity(positions.len() * v);
        let run = self.chunks(&read, |chunk| {
            logits.extend(self.on.device().read(&chunk.logits)?);
            Ok(())
        });
        run.map_err(wrap)?;
        Tensor::from_vec(logits, (positions.len(), v), &TAPE)
    }

    /// Calls `each` with rows and their logits, some at a time.
    fn chunks(&self, read: &Read, mut each: impl FnMut(Chunk<'_>) -> Done<()>) -> Done<()> {
        let (device, head) = (self.on.device(), self.on.output());
        let (v, d) = head.size;
        let (size, total) = ((LOGITS / v).max(64), read.positions.len());
        let rows = device.upload(&integers(&read.positions))?;
        let tokens = device.upload(&read.tokens.iter().map(|&token| token as i32).collect::<Vec<_>>())?;
        for first in (0..total).step_by(size) {
            let count = size.min(total - first);
            let (rows, tokens) = (rows.view(first..first + count), tokens.view(first..first + count));
            let mut x = Rows::new(device, count, d, 0)?;
            self.on.ops().gather(self.rows.place(), rows, d, x.place_mut())?;
            let mut logits = device.alloc::<f32>(count * v)?;
            let weight = Matrix::new(head.weight.all(), d).transposed();
            let product = Product { m: count, n: v, k: d, a: x.matrix(), b: weight, alpha: 1.0 };
            device.product(&product, Addend::Nothing, &mut logits, v)?;
            if let Some(allowed) = read.allowed.get(first..first + count) {
                let words = device.upload(&words(allowed, v))?;
                self.on.ops().keep_allowed(words.all(), (count, v), logits.all_mut())?;
            }
            let passes = self.masked_passes(&read.positions[first..first + count])?;
            each(Chunk { first, count, rows, tokens, passes, x, logits })?;
        }
        Ok(())
    }

    /// The rows of each pass over positions of which some stand twice; none where none does.
    fn masked_passes(&self, positions: &[usize]) -> Done<Vec<Buffer<i32>>> {
        let passes = passes(positions);
        if passes.len() < 2 {
            return Ok(Vec::new());
        }
        let masked = passes.into_iter().map(|pass| {
            let mut rows = vec![-1; positions.len()];
            pass.into_iter().for_each(|place| rows[place] = positions[place] as i32);
            self.on.device().upload(&rows)
        });
        masked.collect()
    }

    fn new_gradients(&self) -> Done<Gradients> {
        let device = self.on.device();
        let head = self.on.output();
        let by_head = head.sum.as_ref().map(|_| device.zeros(head.size.0 * head.size.1)).transpose()?;
        Ok(Gradients { hidden: device.zeros(self.rows.count * self.rows.columns)?, head: by_head })
    }

    /// Adds what follows from the gradient by a chunk's logits.
    fn add_gradients(&self, chunk: &Chunk<'_>, by_logits: &Rows, gradients: &mut Gradients) -> Done<()> {
        let (device, ops, head) = (self.on.device(), self.on.ops(), self.on.output());
        let (v, d) = head.size;
        let mut by_x = device.alloc::<f32>(chunk.count * d)?;
        let weight = Matrix::new(head.weight.all(), d);
        let product = Product { m: chunk.count, n: d, k: v, a: by_logits.matrix(), b: weight, alpha: 1.0 };
        device.product(&product, Addend::Nothing, &mut by_x, d)?;
        if chunk.passes.is_empty() {
            ops.scatter_add(by_x.all(), chunk.rows, 1.0, d, gradients.hidden.all_mut())?;
        }
        for rows in &chunk.passes {
            ops.scatter_add(by_x.all(), rows.all(), 1.0, d, gradients.hidden.all_mut())?;
        }
        let Some(by_head) = &mut gradients.head else { return Ok(()) };
        let g = by_logits.matrix().transposed();
        let product = Product { m: v, n: d, k: chunk.count, a: g, b: chunk.x.matrix(), alpha: 1.0 };
        device.product(&product, Addend::Output(1.0), by_head, d)
    }

    fn tell_both(&self, gradients: Gradients, factor: f32) -> Done<()> {
        if let (Some(by_head), Some(sum)) = (gradients.head, &self.on.output().sum) {
            let mut sum = sum.lock().unwrap_or_else(PoisonError::into_inner);
            self.on.ops().add_scaled(by_head.all(), factor, sum.all_mut())?;
        }
        self.tell(gradients.hidden, factor)
    }
}

/// Gradients by the hidden states [T, D] and, where it is trained, by the output layer [V, D].
struct Gradients {
    hidden: Buffer<f32>,
    head: Option<Buffer<f32>>,
}

fn integers(values: &[usize]) -> Vec<i32> {
    values.iter().map(|&value| value as i32).collect()
}

/// The bits of what may follow, row by row; all of them where all may. Shape: [N, ⌈V / 32⌉].
fn words(allowed: &[Allowed], v: usize) -> Vec<i32> {
    let all = vec![u32::MAX; v.div_ceil(32)];
    let words = allowed.iter().flat_map(|set| set.as_ref().map_or(all.as_slice(), |set| set.words()));
    words.map(|word| word.cast_signed()).collect()
}

/// Places of the positions, so that none stands twice in one pass: rows are added to without asking who else does.
fn passes(positions: &[usize]) -> Vec<Vec<usize>> {
    let mut seen = std::collections::HashMap::new();
    let mut passes: Vec<Vec<usize>> = Vec::new();
    for (place, position) in positions.iter().enumerate() {
        let times: &mut usize = seen.entry(*position).or_default();
        if passes.len() == *times {
            passes.push(Vec::new());
        }
        passes[*times].push(place);
        *times += 1;
    }
    passes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_row_stands_twice_in_a_pass() {
        assert_eq!(passes(&[4, 2, 4, 4, 7, 2]), vec![vec![0, 1, 4], vec![2, 5], vec![3]]);
        assert!(passes(&[]).is_empty());
    }
}
