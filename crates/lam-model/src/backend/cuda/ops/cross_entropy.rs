//! Losses, log-probabilities and entropies of rows of logits. N rows, V vocabulary; logits [N, V] in f32.

use lam_cuda::{CudaError, View, ViewMut};

use super::{Ops, PlaceMut, check_length};
use crate::backend::cuda::sources::Family;
use crate::token_set::NEVER;

impl Ops {
    /// losses = weight × -log p(target), hits = 1 where no logit is above the target's; gradient, where it is wanted:
    /// weight (p - 1_target), with zeros in the columns from V to the next multiple of 8. A target below 0 has none of it.
    /// Shapes: targets, weights, losses, hits `[N]`; gradient [N, ≥ V].
    pub(crate) fn cross_entropy(
        &self,
        logits: View<'_, f32>,
        (targets, weights): (View<'_, i32>, View<'_, f32>),
        (n, v): (usize, usize),
        (losses, hits): (ViewMut<'_, f32>, ViewMut<'_, i32>),
        gradient: Option<PlaceMut<'_>>,
    ) -> Result<(), CudaError> {
        check_length(logits, n * v);
        check_length(targets, n);
        check_length(weights, n);
        check_length(losses.as_view(), n);
        check_length(hits.as_view(), n);
        let kernel = self.kernel(Family::CrossEntropy, "cross_entropy_weighted")?;
        let launch = self.device.launch(&kernel).read(logits).value(v as i64);
        let width = gradient.as_ref().map_or(0, |gradient| written(gradient, (n, v)));
        let launch = match gradient {
            Some(gradient) => launch.write(gradient.values).value(gradient.stride as i64),
            None => launch.null().value(0i64),
        };
        let launch = launch.read(targets).read(weights).write(losses).write(hits).value(v as i32).value(width as i32);
        // SAFETY: the arguments are the kernel's, checked above; that targets are below V is checked with a batch.
        unsafe { launch.run(n as u32, 1024, 0) }
    }

    /// Takes from the logits of each row what may not follow: where its bit is 0. Shape of words: [N, ⌈V / 32⌉].
    pub(crate) fn keep_allowed(
        &self,
        words: View<'_, i32>,
        (n, v): (usize, usize),
        logits: ViewMut<'_, f32>,
    ) -> Result<(), CudaError> {
        check_length(words, n * v.div_ceil(32));
        check_length(logits.as_view(), n * v);
        let kernel = self.kernel(Family::CrossEntropy, "keep_allowed")?;
        let launch = self.device.launch(&kernel).write(logits).value(v as i64).read(words);
        let launch = launch.value(v as i32).value(NEVER);
        // SAFETY: the arguments are the kernel's, checked above.
        unsafe { launch.run(n as u32, 1024, 0) }
    }

    /// log p(token) and the entropy of p = softmax(logits × factor), where factor is 1 / temperature. Shapes: `[N]`.
    pub(crate) fn log_probs(
        &self,
        (logits, tokens): (View<'_, f32>, View<'_, i32>),
        factor: f32,
        (n, v): (usize, usize),
        (log_probs, entropies): (ViewMut<'_, f32>, ViewMut<'_, f32>),
    ) -> Result<(), CudaError> {
        check_length(logits, n * v);
        check_length(tokens, n);
        check_length(log_probs.as_view(), n);
        check_length(entropies.as_view(), n);
        let kernel = self.kernel(Family::CrossEntropy, "log_probs_forward")?;
        let launch = self.device.launch(&kernel).read(logits).value(v as i64).read(tokens);
        let launch = launch.write(log_probs).write(entropies).value(v as i32).value(factor);
        // SAFETY: the arguments are the kernel's, checked above; that tokens are below V is checked with a batch.
        unsafe { launch.run(n as u32, 1024, 0) }
    }

    /// The gradient by the logits, from those by log-probabilities and entropies; zeros from V to the next multiple of 8.
    pub(crate) fn log_probs_backward(
        &self,
        (logits, tokens): (View<'_, f32>, View<'_, i32>),
        factor: f32,
        (by_log_prob, by_entropy): (View<'_, f32>, View<'_, f32>),
        (n, v): (usize, usize),
        gradient: PlaceMut<'_>,
    ) -> Result<(), CudaError> {
        check_length(logits, n * v);
        check_length(tokens, n);
        check_length(by_log_prob, n);
        check_length(by_entropy, n);
        let width = written(&gradient, (n, v));
        let kernel = self.kernel(Family::CrossEntropy, "log_probs_backward")?;
        let launch = self.device.launch(&kernel).read(logits).value(v as i64);
        let launch = launch.write(gradient.values).value(gradient.stride as i64).read(tokens);
        let launch = launch.read(by_log_prob).read(by_entropy).value(v as i32).value(width as i32).value(factor);
        // SAFETY: the arguments are the kernel's, checked above; that tokens are below V is checked with a batch.
        unsafe { launch.run(n as u32, 1024, 0) }
    }

    /// out = scale × the sum of x, always in the same order. Shape of out: `[1]`.
    pub(crate) fn sum(&self, x: View<'_, f32>, scale: f32, out: ViewMut<'_, f32>) -> Result<(), CudaError> {
        check_length(out.as_view(), 1);
        let kernel = self.kernel(Family::CrossEntropy, "sum_f32")?;
        let launch = self.device.launch(&kernel).read(x).value(x.len() as i64).write(out).value(scale);
        // SAFETY: the arguments are the kernel's.
        unsafe { launch.run(1, 1024, 0) }
    }
}

/// Columns of a gradient that are written: V, and zeros up to a multiple of 8 where rows have room for them.
fn written(gradient: &PlaceMut<'_>, (n, v): (usize, usize)) -> usize {
    let width = v.next_multiple_of(8).min(gradient.stride);
    gradient.check(n, width);
    width
}
